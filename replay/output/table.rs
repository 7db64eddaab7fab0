//! Tables for people: 120 characters wide, one line a row, nothing on them that a terminal would act on.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ColumnConstraint, Table, Width, presets};

use obit_schema::text;

/// Width of every table, in terminal columns.
pub const WIDTH: usize = 120;

/// How many rows are held back to fit the columns to; the rows after them get the same columns.
const FITTED_ROWS: usize = 1_000;

/// Space between columns.
const GAP: usize = 2;

/// A column: its heading, and how narrow it may become when the table is too wide.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub heading: &'static str,
    pub narrowest: usize,
    pub side: Side,
}

/// Where the text of a column stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// Writes a table as its rows come, in bounded memory.
pub struct TableWriter {
    columns: Vec<Column>,
    pending: Vec<Vec<String>>,
    widths: Option<Vec<usize>>,
}

impl TableWriter {
    pub fn new(columns: &[Column]) -> Self {
        Self { columns: columns.to_vec(), pending: Vec::new(), widths: None }
    }

    /// Adds a row; its texts may be of any origin.
    pub fn row(&mut self, cells: Vec<String>, output: &mut impl Write) -> io::Result<()> {
        self.pending.push(cells.iter().map(|cell| text::printable(cell).into_owned()).collect());
        if self.pending.len() >= FITTED_ROWS { self.write_pending(output) } else { Ok(()) }
    }

    /// Writes what is held back. A table without rows is no table: nothing is written.
    pub fn finish(&mut self, output: &mut impl Write) -> io::Result<()> {
        if self.pending.is_empty() { Ok(()) } else { self.write_pending(output) }
    }

    fn write_pending(&mut self, output: &mut impl Write) -> io::Result<()> {
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
            cells.set_cell_alignment(match column.side {
                Side::Left => CellAlignment::Left,
                Side::Right => CellAlignment::Right,
            });
        }
        self.widths = Some(fitted);
        table.lines().try_for_each(|line| writeln!(output, "{}", line.trim_end()))
    }

    fn natural_widths(&self) -> Vec<usize> {
        let mut table = Table::new();
        table.set_header(self.columns.iter().map(|column| column.heading)).add_rows(self.pending.iter().cloned());
        table.column_max_content_widths().into_iter().map(usize::from).collect()
    }
}

/// Widths that add up to [`WIDTH`] at most: what does not fit is taken from the widest column that can still give.
fn fit(columns: &[Column], natural: &[usize]) -> Vec<usize> {
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

    const COLUMNS: &[Column] = &[
        Column { heading: "TIME", narrowest: 10, side: Side::Left },
        Column { heading: "NAME", narrowest: 10, side: Side::Left },
        Column { heading: "N", narrowest: 1, side: Side::Right },
    ];

    fn table(rows: &[[&str; 3]]) -> String {
        let mut output = Vec::new();
        let mut writer = TableWriter::new(COLUMNS);
        for row in rows {
            writer.row(row.map(str::to_owned).to_vec(), &mut output).expect("a Vec takes all");
        }
        writer.finish(&mut output).expect("a Vec takes all");
        String::from_utf8(output).expect("UTF-8")
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
