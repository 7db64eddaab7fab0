//! Tables for people: 120 characters wide, one line a row, without characters that a terminal acts
//! on.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

use obit_schema::text;

/// Width of every table, in terminal columns.
pub const WIDTH: usize = 120;

/// Rows held back to fit the columns to; the rows after them get the same columns.
const FITTED_ROWS: usize = 1_000;

/// Space between columns, in terminal columns.
const GAP: usize = 2;

/// The layout of a column.
#[derive(Clone, Copy, Debug)]
pub struct ColumnLayout {
    pub heading: &'static str,
    /// Least width if the table is too wide, in terminal columns.
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
    pending: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl<W: Write> TextTableWriter<W> {
    pub fn new(columns: Vec<ColumnLayout>, output: W) -> Self {
        Self { columns, output, pending: Vec::new(), widths: None }
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
        let mut table = Table::new();
        table.load_style(presets::NOTHING);
        let fitted = match self.widths.take() {
            Some(widths) => widths,
            None => {
                table.set_header(self.columns.iter().map(|column| column.heading));
                fit(&self.columns, &self.natural_widths())
            }
        };
        for cells in self.pending.drain(..) {
            let mut row = comfy_table::Row::from(cells);
            row.max_height(1);
            table.add_row(row);
        }
        let last = self.columns.len().saturating_sub(1);
        for (index, (column, width)) in self.columns.iter().zip(&fitted).enumerate() {
            let Some(cells) = table.column_mut(index) else { continue };
            let gap = if index == last { 0 } else { GAP };
            cells.set_padding((0, u16::try_from(gap).unwrap_or(0)));
            let total = u16::try_from(width + gap).unwrap_or(u16::MAX);
            cells.set_constraint(ColumnConstraint::Absolute(Width::Fixed(total)));
            cells.set_cell_alignment(match column.alignment {
                Alignment::Left => CellAlignment::Left,
                Alignment::Right => CellAlignment::Right,
            });
        }
        self.widths = Some(fitted);
        table.lines().try_for_each(|line| writeln!(self.output, "{}", line.trim_end()))
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut table = Table::new();
        table.set_header(self.columns.iter().map(|column| column.heading)).add_rows(self.pending.iter().cloned());
        table.column_max_content_widths().into_iter().map(usize::from).collect()
    }
}

/// Returns widths that add up to [`WIDTH`] at most: what does not fit is taken from the widest
/// column that can still give.
fn fit(columns: &[ColumnLayout], natural: &[usize]) -> Vec<usize> {
    let mut widths: Vec<usize> = natural.iter().map(|width| (*width).clamp(1, WIDTH)).collect();
    let gaps = GAP * columns.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > WIDTH {
        let can_give = |index: &usize| widths[*index] > columns[*index].narrowest.max(1);
        match (0..widths.len().min(columns.len())).filter(can_give).max_by_key(|index| widths[*index]) {
            Some(widest) => widths[widest] -= 1,
            None => break,
        }
    }
    widths
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
        let mut writer = TextTableWriter::new(COLUMNS.to_vec(), Vec::new());
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
    fn no_line_is_wider_than_the_table_and_cuts_are_marked() {
        let text = table(&[["2009", &"x".repeat(300), "1"], ["2010", &"数".repeat(300), "1"]]);
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 3, "one line a row: {text}");
        assert!(lines[1].chars().count() <= WIDTH && lines[1].contains('…'), "{text}");
        // These take two columns each.
        assert!(lines[2].chars().count() <= WIDTH / 2 + 10 && lines[2].contains('…'), "{text}");
        assert!(lines.iter().all(|line| line.trim_end() == *line));
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
