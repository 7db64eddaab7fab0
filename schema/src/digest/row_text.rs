//! The canonical text of rows.
//!
//! Most columns have one value in many rows in a row. Their text, names included, is made once for
//! a run of rows: without that, `verify` of Kubernetes pods on one core takes a tenth longer.

use std::mem;
use std::ops::Range;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::NullBuffer;
use arrow_schema::Field;

use crate::error::Error;
use crate::netstring::{NoCanonicalText, push_cell, push_netstring};
use crate::value::{Cells, TypedArray};

/// Rows of a run.
const RUN_ROWS: usize = 64;

/// Writes the rows of one batch, in order.
pub(super) struct RowWriter<'a> {
    /// The columns that hold a value somewhere, in byte order of their names.
    columns: Vec<NamedCells<'a>>,
    rows: usize,
    /// First row after the current run.
    run_end: usize,
    /// Indexes of the columns whose values differ within the run, each with the text before it.
    varying: Vec<(Vec<u8>, usize)>,
    /// The text after the last of them.
    rest: Vec<u8>,
    /// Reused for the text of each row.
    row_text: Vec<u8>,
}

/// A column of a batch.
struct NamedCells<'a> {
    field: &'a Field,
    /// Netstring of the name.
    name: Vec<u8>,
    cells: Cells<'a>,
    /// Marks the nulls, if there are some.
    nulls: Option<&'a NullBuffer>,
}

impl<'a> RowWriter<'a> {
    /// Prepares the columns of a batch.
    pub(super) fn new(batch: &'a RecordBatch) -> Self {
        let fields = batch.schema_ref().fields().iter().zip(batch.columns());
        let mut columns: Vec<_> = fields
            .map(|(field, array)| {
                let mut name = Vec::new();
                push_netstring(&mut name, field.name().as_bytes());
                let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
                NamedCells { field, name, cells: Cells::new(array.as_ref()), nulls }
            })
            .filter(|column| !column.cells.are_null())
            .collect();
        columns.sort_by_key(|column| column.field.name());
        let (varying, rest, row_text) = (Vec::new(), Vec::new(), Vec::new());
        Self { columns, rows: batch.num_rows(), run_end: 0, varying, rest, row_text }
    }

    /// Returns the text of the next row: name and value of each column that is not null.
    ///
    /// # Errors
    /// A value has a type without a canonical text.
    pub(super) fn row(&mut self, row: usize) -> Result<&[u8], Error> {
        if row >= self.run_end {
            self.begin_run(row..self.rows.min(row + RUN_ROWS))?;
        }
        self.row_text.clear();
        for (before, index) in &self.varying {
            self.row_text.extend_from_slice(before);
            if let Some(column) = self.columns.get(*index).filter(|column| !column.is_null(row)) {
                column.push(row, &mut self.row_text)?;
            }
        }
        self.row_text.extend_from_slice(&self.rest);
        Ok(&self.row_text)
    }

    /// Makes the text that all these rows have in common.
    fn begin_run(&mut self, rows: Range<usize>) -> Result<(), Error> {
        self.varying.clear();
        let mut text = Vec::new();
        for (index, column) in self.columns.iter().enumerate() {
            if column.is_constant(rows.clone()) {
                column.push(rows.start, &mut text)?;
            } else if !rows.clone().all(|row| column.is_null(row)) {
                self.varying.push((mem::take(&mut text), index));
            }
        }
        self.rest = text;
        self.run_end = rows.end;
        Ok(())
    }
}

impl NamedCells<'_> {
    fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// Returns true if these rows, of which there is one, have one value and no null.
    fn is_constant(&self, rows: Range<usize>) -> bool {
        fn all_equal<T: PartialEq>(values: Option<&[T]>) -> bool {
            values.is_some_and(|values| values.iter().all(|value| Some(value) == values.first()))
        }
        let has_nulls = self.nulls.is_some_and(|nulls| nulls.slice(rows.start, rows.len()).null_count() > 0);
        !has_nulls
            && match self.cells.typed() {
                TypedArray::U32(array) => all_equal(array.values().get(rows)),
                TypedArray::U64(array) => all_equal(array.values().get(rows)),
                TypedArray::TimestampNs(array) => all_equal(array.values().get(rows)),
                TypedArray::Bool(array) => rows.clone().all(|row| array.value(row) == array.value(rows.start)),
                TypedArray::Str(array) => rows.clone().all(|row| array.value(row) == array.value(rows.start)),
                // A view is the place of its text, or a short text itself.
                TypedArray::StrView(array) => all_equal(array.views().get(rows)),
                _ => {
                    let first = self.cells.value(rows.start);
                    rows.skip(1).all(|row| self.cells.value(row) == first)
                }
            }
    }

    /// Appends the netstrings of the name and of a row's value.
    fn push(&self, row: usize, out: &mut Vec<u8>) -> Result<(), Error> {
        out.extend_from_slice(&self.name);
        push_cell(out, self.cells, row).map_err(|NoCanonicalText| self.refused())
    }

    #[cold]
    fn refused(&self) -> Error {
        Error::Digest { column: self.field.name().clone(), data_type: self.field.data_type().to_string() }
    }
}
