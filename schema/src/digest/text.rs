//! The canonical text of rows.
//!
//! Most columns have one value in many rows, and most of a row's text is the names of its columns. So for some rows at a time
//! the text that all of them have is put together once, and each row is that text with its own values in between.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_buffer::NullBuffer;

use super::values::{NoCanonicalText, Values, push_netstring};
use crate::error::Error;

/// Rows that are looked at together.
const RUN_ROWS: usize = 64;

/// The texts of a batch's rows, as they are asked for.
#[derive(Debug)]
pub(super) struct RowTexts {
    /// The columns that hold a value somewhere, in the order of a row's text.
    columns: Vec<ColumnText>,
    rows: usize,
    /// Rows whose text was made.
    made: usize,
    run: Run,
    /// Decimal digits of the last row's length.
    digits: usize,
    /// For what a list's text is made in.
    scratch: Vec<u8>,
}

/// Some rows, and what their texts have in common.
#[derive(Debug, Default)]
struct Run {
    /// The row after the last of them.
    end: usize,
    fixed: Vec<u8>,
    pieces: Vec<Piece>,
    /// The fixed text after the last piece.
    rest: Range<usize>,
}

/// Fixed text, and the column whose value follows it.
#[derive(Debug)]
struct Piece {
    before: Range<usize>,
    /// The column's name, where it is not part of the text before: nothing stands for a null.
    name: Range<usize>,
    column: usize,
}

/// A column of a batch.
#[derive(Debug)]
struct ColumnText {
    name: String,
    array: ArrayRef,
    values: Values,
    nulls: Option<NullBuffer>,
}

impl RowTexts {
    /// Those of a batch.
    pub(super) fn of(batch: &RecordBatch) -> Self {
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let fields = fields.filter(|(_, array)| array.null_count() < array.len());
        let mut columns: Vec<_> = fields
            .map(|(field, array)| ColumnText {
                name: field.name().clone(),
                values: Values::of(array),
                nulls: array.nulls().filter(|nulls| nulls.null_count() > 0).cloned(),
                array: array.clone(),
            })
            .collect();
        columns.sort_by(|a, b| a.name.cmp(&b.name));
        Self { columns, rows: batch.num_rows(), made: 0, run: Run::default(), digits: 3, scratch: Vec::new() }
    }

    /// Whether all were made.
    pub(super) fn are_made(&self) -> bool {
        self.made == self.rows
    }

    /// Appends the netstrings of the next rows until there are so many bytes or no more rows; how many rows.
    ///
    /// # Errors
    /// A value of a type that has no canonical text.
    pub(super) fn write(&mut self, out: &mut Vec<u8>, enough: usize) -> Result<u64, Error> {
        let begin = self.made;
        while self.made < self.rows && out.len() < enough {
            if self.made >= self.run.end {
                self.begin_run()?;
            }
            self.push_row(out)?;
            self.made += 1;
        }
        Ok((self.made - begin) as u64)
    }

    /// Looks at the next rows.
    fn begin_run(&mut self) -> Result<(), Error> {
        let rows = self.made..self.rows.min(self.made + RUN_ROWS);
        let run = &mut self.run;
        run.fixed.clear();
        run.pieces.clear();
        let mut begin = 0;
        for (index, column) in self.columns.iter().enumerate() {
            let nulls = column.nulls.as_ref().map_or(0, |nulls| nulls.slice(rows.start, rows.len()).null_count());
            if nulls == rows.len() {
                continue;
            }
            if nulls == 0 && column.values.are_same(rows.clone()) {
                push_netstring(&mut run.fixed, column.name.as_bytes());
                let pushed = column.values.push(rows.start, &mut self.scratch, &mut run.fixed);
                pushed.map_err(|NoCanonicalText| column.refused())?;
                continue;
            }
            let end = run.fixed.len();
            push_netstring(&mut run.fixed, column.name.as_bytes());
            let named = run.fixed.len();
            let (before, name) = if nulls == 0 { (begin..named, named..named) } else { (begin..end, end..named) };
            run.pieces.push(Piece { before, name, column: index });
            begin = named;
        }
        run.rest = begin..run.fixed.len();
        run.end = rows.end;
        Ok(())
    }

    /// Appends the netstring of the next row, which is of this run.
    #[inline]
    fn push_row(&mut self, out: &mut Vec<u8>) -> Result<(), Error> {
        let fixed = |range: &Range<usize>| self.run.fixed.get(range.clone()).unwrap_or_default();
        // The length comes first, and is known last: room is left for as many digits as the row before needed.
        let begin = out.len();
        out.resize(begin + self.digits + 1, b':');
        let text = out.len();
        for piece in &self.run.pieces {
            out.extend_from_slice(fixed(&piece.before));
            let Some(column) = self.columns.get(piece.column) else { continue };
            if !piece.name.is_empty() {
                if column.nulls.as_ref().is_some_and(|nulls| nulls.is_null(self.made)) {
                    continue;
                }
                out.extend_from_slice(fixed(&piece.name));
            }
            let pushed = column.values.push(self.made, &mut self.scratch, out);
            pushed.map_err(|NoCanonicalText| column.refused())?;
        }
        out.extend_from_slice(fixed(&self.run.rest));
        let length = out.len() - text;
        out.push(b',');
        self.frame(begin, length, out);
        Ok(())
    }

    /// Puts a row's length into the room before it.
    #[inline]
    fn frame(&mut self, begin: usize, length: usize, out: &mut Vec<u8>) {
        let mut digits = itoa::Buffer::new();
        let digits = digits.format(length).as_bytes();
        if digits.len() != self.digits {
            let room = begin..begin + self.digits;
            self.digits = digits.len();
            out.splice(room, digits.iter().copied());
        } else if let Some(room) = out.get_mut(begin..begin + digits.len()) {
            room.copy_from_slice(digits);
        }
    }
}

impl ColumnText {
    #[cold]
    fn refused(&self) -> Error {
        Error::Digest { column: self.name.clone(), data_type: self.array.data_type().to_string() }
    }
}
