//! Tables for people: as wide as the terminal, one line a row, without characters that a terminal
//! acts on. A pipe gets every value whole.

use std::io::{self, Write};
use std::path::Path;

use anstyle::Style;
use obit_schema::text;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::destination::Destination;
use super::terminal::{ALARM, FAINT, HEADING, Look, NOTICE};

/// Rows held back to fit the columns to; the rows after them get the same columns.
const FITTED_ROWS: usize = 1_000;

/// Columns that a narrow terminal does without, the first first. The name is never left out.
const LEFT_OUT_FIRST: [&str; 5] = ["IMAGE", "RUNTIME", "NOTES", "CREATED AT (UTC)", "LIFETIME"];

/// Space between columns, in terminal columns.
const GAP: usize = 2;

/// The layout of a column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnLayout {
    pub heading: &'static str,
    /// Least width if the table is too wide, in terminal columns; `usize::MAX` if nothing of it may
    /// be cut.
    pub narrowest: usize,
    pub alignment: Alignment,
}

/// The side that the text of a column is aligned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    Left,
    Right,
}

/// Writes a table as its rows come, in bounded memory.
pub struct TextTableWriter<W: Write> {
    columns: Vec<ColumnLayout>,
    output: W,
    look: Look,
    pending: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl TextTableWriter<Destination> {
    /// Opens a table on standard output, or in a new file at `path`.
    pub fn open(columns: Vec<ColumnLayout>, path: Option<&Path>) -> anyhow::Result<Self> {
        let output = Destination::for_people(path)?;
        Ok(match path {
            Some(_) => Self::for_file(columns, output),
            None => Self::new(columns, output),
        })
    }
}

impl<W: Write> TextTableWriter<W> {
    /// Makes a writer for standard output.
    pub fn new(columns: Vec<ColumnLayout>, output: W) -> Self {
        Self::with_look(columns, output, Look::get())
    }

    /// Makes a writer for a file, which gets every value whole and no colours.
    pub fn for_file(columns: Vec<ColumnLayout>, output: W) -> Self {
        Self::with_look(columns, output, Look::default())
    }

    /// Makes a writer for a terminal, or a pipe, of this look.
    fn with_look(columns: Vec<ColumnLayout>, output: W, look: Look) -> Self {
        Self { columns, output, look, pending: Vec::new(), widths: None }
    }

    /// Adds a row; its texts may be of any origin.
    pub fn write(&mut self, cells: Vec<String>) -> io::Result<()> {
        self.pending.push(cells.iter().map(|cell| text::printable(cell).into_owned()).collect());
        if self.pending.len() >= FITTED_ROWS { self.write_pending() } else { Ok(()) }
    }

    /// Writes the rows that are held back, and returns the output. Without rows nothing is written,
    /// not even the header.
    pub fn finish(mut self) -> io::Result<W> {
        if !self.pending.is_empty() {
            self.write_pending()?;
        }
        Ok(self.output)
    }

    fn write_pending(&mut self) -> io::Result<()> {
        let rows = std::mem::take(&mut self.pending);
        let widths = match self.widths.take() {
            Some(widths) => widths,
            None => {
                let natural = natural_widths(&self.columns, &rows);
                let widths = fit(&self.columns, &natural, self.look.columns);
                let headings: Vec<String> = self.columns.iter().map(|column| column.heading.to_owned()).collect();
                self.write_line(&headings, &widths, |_, _| HEADING)?;
                widths
            }
        };
        rows.iter().try_for_each(|cells| self.write_line(cells, &widths, style_of))?;
        self.widths = Some(widths);
        Ok(())
    }

    /// Writes cells on one line, without space at its end.
    fn write_line(
        &mut self,
        cells: &[String],
        widths: &[usize],
        style: impl Fn(&'static str, &str) -> Style,
    ) -> io::Result<()> {
        let mut line = String::new();
        let mut owed = 0;
        let shown_columns = cells.iter().zip(&self.columns).zip(widths).filter(|(_, width)| **width > 0);
        for ((cell, column), width) in shown_columns {
            let shown = match self.look.columns {
                Some(_) => cut(cell, *width),
                None => cell.clone(),
            };
            let rest = width.saturating_sub(shown.width());
            let (before, after) = match column.alignment {
                Alignment::Left => (0, rest),
                Alignment::Right => (rest, 0),
            };
            line.extend(std::iter::repeat_n(' ', owed + before));
            line.push_str(&self.look.paint(style(column.heading, cell), &shown));
            owed = after + GAP;
        }
        writeln!(self.output, "{}", line.trim_end())
    }
}

/// Returns the style of a cell: an end that somebody or something brought about stands out.
fn style_of(heading: &'static str, cell: &str) -> Style {
    let is_good = |cell: &str| cell == "exit 0" || cell == "-";
    match heading {
        _ if cell == "-" => FAINT,
        "CAUSE" if !is_good(cell) => ALARM,
        "NOTES" | "ABOUT" => NOTICE,
        _ => Style::new(),
    }
}

/// Returns the widths that the columns need, headings included.
fn natural_widths(columns: &[ColumnLayout], rows: &[Vec<String>]) -> Vec<usize> {
    let widest = |index: usize| rows.iter().filter_map(|cells| cells.get(index)).map(|cell| cell.width()).max();
    let with_heading = |(index, column): (usize, &ColumnLayout)| column.heading.width().max(widest(index).unwrap_or(0));
    columns.iter().enumerate().map(with_heading).collect()
}

/// Returns widths that fit a terminal of so many columns, 0 for a column that is left out. What
/// does not fit is taken from the widest column that can still give. Where nothing can, columns are
/// left out; and where none may be, lines are longer, and the terminal wraps them.
fn fit(columns: &[ColumnLayout], natural: &[usize], terminal: Option<usize>) -> Vec<usize> {
    let mut widths = natural.to_vec();
    let Some(terminal) = terminal else { return widths };
    let least = |index: usize| columns[index].narrowest.max(1).min(natural[index]);
    let total = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0).count();
        widths.iter().sum::<usize>() + GAP * shown.saturating_sub(1)
    };
    for heading in LEFT_OUT_FIRST {
        let narrowest: Vec<usize> =
            widths.iter().enumerate().map(|(index, width)| if *width == 0 { 0 } else { least(index) }).collect();
        if total(&narrowest) <= terminal {
            break;
        }
        if let Some(index) = columns.iter().position(|column| column.heading == heading) {
            widths[index] = 0;
        }
    }
    while total(&widths) > terminal {
        let can_give = |index: &usize| widths[*index] > least(*index);
        match (0..widths.len()).filter(can_give).max_by_key(|index| widths[*index]) {
            Some(widest) => widths[widest] -= 1,
            None => break,
        }
    }
    widths
}

/// Cuts text to so many columns of a terminal; `…` marks the cut.
fn cut(cell: &str, columns: usize) -> String {
    if cell.width() <= columns {
        return cell.to_owned();
    }
    let mut shown = String::new();
    let mut taken = 0;
    for character in cell.chars() {
        let width = character.width().unwrap_or(0);
        // One column is for the mark.
        if taken + width + 1 > columns {
            break;
        }
        taken += width;
        shown.push(character);
    }
    shown.push('…');
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    const COLUMNS: [ColumnLayout; 3] = [
        ColumnLayout { heading: "TIME", narrowest: 10, alignment: Alignment::Left },
        ColumnLayout { heading: "NAME", narrowest: 10, alignment: Alignment::Left },
        ColumnLayout { heading: "N", narrowest: 1, alignment: Alignment::Right },
    ];

    fn table(rows: &[[&str; 3]]) -> String {
        table_of(Look { columns: Some(80), ..Look::default() }, rows)
    }

    fn table_of(look: Look, rows: &[[&str; 3]]) -> String {
        let mut writer = TextTableWriter::with_look(COLUMNS.to_vec(), Vec::new(), look);
        for row in rows {
            writer.write(row.map(str::to_owned).to_vec()).expect("a Vec takes all");
        }
        String::from_utf8(writer.finish().expect("a Vec takes all")).expect("UTF-8")
    }

    #[test]
    fn columns_are_as_wide_as_they_need() {
        assert_eq!(
            table(&[["now", "a", "1"], ["then", "bcdefg", "10"]]),
            "TIME  NAME     N\nnow   a        1\nthen  bcdefg  10\n"
        );
    }

    #[test]
    fn no_line_is_wider_than_the_terminal_and_cuts_are_marked() {
        let rows = [["2009", &"x".repeat(300), "1"], ["2010", &"数".repeat(300), "1"]];
        for columns in [80, 120, 230] {
            let text = table_of(Look { columns: Some(columns), ..Look::default() }, &rows);
            let lines: Vec<_> = text.lines().collect();
            assert_eq!(lines.len(), 3, "one line a row: {text}");
            assert!(lines[1..].iter().all(|line| line.contains('…')), "{text}");
            // Characters of the last row take two columns each.
            assert!(lines.iter().all(|line| line.width() <= columns), "{text}");
            assert!(lines[1].width() == columns && lines[2].width() + 1 >= columns, "{text}");
            assert!(lines.iter().all(|line| line.trim_end() == *line));
        }
    }

    #[test]
    fn a_pipe_gets_every_value_whole() {
        let text = table_of(Look::default(), &[["2009", &"x".repeat(300), "1"], ["2010", "y", "1"]]);
        assert!(text.contains(&"x".repeat(300)) && !text.contains('…'), "{text}");
    }

    #[test]
    fn a_narrow_terminal_leaves_columns_out_but_never_the_name() {
        let layout = |heading| ColumnLayout { heading, narrowest: 10, alignment: Alignment::Left };
        let columns = ["TIME", "RUNTIME", "NAME", "IMAGE", "ORDERED BY"].map(layout).to_vec();
        let row = ["2009-02-13 23", "containerd-long", "web-with-a-long-name", "busybox:latest", "bash[500]>podman"];
        let headings = |terminal: usize| {
            let look = Look { columns: Some(terminal), ..Look::default() };
            let mut writer = TextTableWriter::with_look(columns.clone(), Vec::new(), look);
            writer.write(row.map(str::to_owned).to_vec()).expect("a Vec takes all");
            let text = String::from_utf8(writer.finish().expect("a Vec takes all")).expect("UTF-8");
            assert!(text.lines().all(|line| line.width() <= terminal), "{text}");
            text.lines().next().expect("a header").split_whitespace().map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(headings(120), ["TIME", "RUNTIME", "NAME", "IMAGE", "ORDERED", "BY"]);
        assert_eq!(headings(50), ["TIME", "RUNTIME", "NAME", "ORDERED", "BY"]);
        assert_eq!(headings(40), ["TIME", "NAME", "ORDERED", "BY"]);
    }

    #[test]
    fn nothing_is_cut_away_of_what_must_be_whole() {
        let columns = vec![
            ColumnLayout { heading: "ABOUT", narrowest: 4, alignment: Alignment::Left },
            ColumnLayout { heading: "SAYS", narrowest: usize::MAX, alignment: Alignment::Left },
        ];
        let look = Look { columns: Some(40), ..Look::default() };
        let mut writer = TextTableWriter::with_look(columns, Vec::new(), look);
        writer.write(vec!["exit_code".to_owned(), "v".repeat(60)]).expect("a Vec takes all");
        let text = String::from_utf8(writer.finish().expect("a Vec takes all")).expect("UTF-8");
        assert!(text.contains(&"v".repeat(60)), "{text}");
    }

    #[test]
    fn colors_change_no_width() {
        let rows = [["2009", "-", "1"], ["2010", "web", "1"]];
        let plain = table(&rows);
        let colored = table_of(Look { columns: Some(80), has_color: true, has_pager: false }, &rows);
        assert!(colored.contains("\u{1b}[1mTIME\u{1b}[0m") && colored.contains("\u{1b}[2m-\u{1b}[0m"), "{colored:?}");
        let mut stripped = colored;
        for code in ["\u{1b}[0m", "\u{1b}[1m", "\u{1b}[2m"] {
            stripped = stripped.replace(code, "");
        }
        assert_eq!(stripped, plain);
    }

    #[test]
    fn a_hostile_name_takes_one_line_and_steers_nothing() {
        let text = table(&[["a\nb", "\x1b[2J", "\u{202e}"]]);
        assert_eq!(text.lines().count(), 2);
        assert!(!text.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{text:?}");
    }

    #[test]
    fn rows_past_the_first_thousand_keep_the_columns_and_the_header_comes_once() {
        let rows: Vec<[&str; 3]> =
            (0..2_500).map(|row| if row < 2_000 { ["t", "n", "1"] } else { ["t", "longer", "1"] }).collect();
        let text = table(&rows);
        assert_eq!(text.lines().count(), 2_501);
        assert_eq!(text.matches("TIME").count(), 1);
        let widest = text.lines().map(|line| line.chars().count()).max().expect("lines");
        assert_eq!(widest, "TIME  NAME  N".len());
    }

    #[test]
    fn no_rows_no_header() {
        assert_eq!(table(&[]), "");
    }
}
