//! The two things that rows of a case can be: recorded, and derived again.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use obit_schema::value::{self, Value};
use obit_schema::{Case, Problem, Table};

use crate::compare::{EachBatch, Side};
use crate::rederive;

/// The rows that the capture wrote.
pub struct Recorded<'a>(pub &'a Case);

impl Side for Recorded<'_> {
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
        let mut problems = Vec::new();
        for table in tables {
            for batch in self.0.batches(*table) {
                match batch {
                    Ok(batch) => each(*table, &batch)?,
                    // The next part follows; what was lost is named, and nothing is called the same.
                    Err(error) => problems.push(Problem::Damaged {
                        file: format!("{}/{}", table.folder(), table.name()),
                        why: error.to_string(),
                    }),
                }
            }
        }
        Ok(problems)
    }
}

/// The rows that follow from the raw log.
pub struct Rederived<'a> {
    pub case: &'a Case,
    /// Where to stop in each table; nowhere if not named.
    pub ends: BTreeMap<Table, End>,
}

/// How far a table of a case that was never closed had been written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct End {
    /// Rows written.
    pub rows: u64,
    /// The record that decided the last of them; `None` if there are none.
    pub last_seq: Option<u64>,
}

impl End {
    /// How far this case's capture had written the table.
    pub fn of(case: &Case, table: Table) -> Self {
        let parts = case.parts(table);
        Self {
            rows: parts.iter().map(|part| part.rows).sum(),
            last_seq: parts.iter().filter_map(|part| part.last_seq).max(),
        }
    }
}

impl Side for Rederived<'_> {
    fn batches(&self, tables: &[Table], each: &mut EachBatch<'_>) -> anyhow::Result<Vec<Problem>> {
        let mut rows_before: BTreeMap<Table, u64> = BTreeMap::new();
        let pass = rederive::batches(self.case, tables, |table, batch| {
            let before = rows_before.entry(table).or_default();
            let kept = self
                .ends
                .get(&table)
                .map_or(batch.num_rows(), |end| rows_within(*end, *before, batch));
            *before += kept as u64;
            if kept == 0 {
                Ok(())
            } else {
                each(table, &batch.slice(0, kept))
            }
        })?;
        Ok(pass.problems)
    }
}

/// How many rows of a batch, which has so many rows before it, the capture had come to before it was cut off.
///
/// It wrote rows in the order of `seq`. So past the rows that it wrote, only a row that was decided later than all of them
/// may be one that it had no time for; one that was decided earlier is missing.
fn rows_within(end: End, rows_before: u64, batch: &RecordBatch) -> usize {
    let room = usize::try_from(end.rows.saturating_sub(rows_before)).unwrap_or(usize::MAX);
    let seqs = batch.column_by_name("seq");
    (0..batch.num_rows())
        .find(|row| {
            let seq = match seqs.map(|seqs| value::cell(seqs.as_ref(), *row)) {
                Some(Value::U64(seq)) => Some(seq),
                _ => None,
            };
            *row >= room && seq >= end.last_seq
        })
        .unwrap_or(batch.num_rows())
}
