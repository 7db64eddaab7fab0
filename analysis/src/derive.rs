//! A case's raw log through the derivation again: records in, rows out, in bounded memory.

use anyhow::Context;
use arrow_array::RecordBatch;
use obit_case::{Case, Problem};
use obit_derivation::row::RowSink;
use obit_derivation::{Profile, Record, Row};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;

use crate::profile;

/// Rows that are gathered into one batch.
const BATCH_ROWS: usize = 4_096;

/// What a pass over the raw log met, beside the rows.
#[derive(Debug, Default)]
pub struct Pass {
    /// Records read.
    pub records: u64,
    /// What could not be read, or not as it should be.
    pub problems: Vec<Problem>,
}

/// Gives each row to `each`, in the order in which the profile's rules decide them.
pub fn rows(case: &Case, profile: Profile, each: impl FnMut(&Row) -> anyhow::Result<()>) -> anyhow::Result<Pass> {
    let mut fold = profile::derivation(case, profile)?;
    let mut decided = UntilError { each, result: Ok(()) };
    let mut pass = records(case, |record| {
        fold.apply(record, &mut decided);
        std::mem::replace(&mut decided.result, Ok(()))
    })?;
    fold.finish(&mut decided);
    decided.result?;
    pass.problems.dedup();
    Ok(pass)
}

/// Gives rows to `each`; after an error, no more of them.
struct UntilError<F> {
    each: F,
    result: anyhow::Result<()>,
}

impl<F: FnMut(&Row) -> anyhow::Result<()>> RowSink for UntilError<F> {
    fn take(&mut self, row: &Row) {
        if self.result.is_ok() {
            self.result = (self.each)(row);
        }
    }
}

/// Gives each record to `each`, in their total order.
pub fn records(case: &Case, mut each: impl FnMut(&Record<'_>) -> anyhow::Result<()>) -> anyhow::Result<Pass> {
    let mut pass = Pass::default();
    let mut records = case.records();
    records.for_each(|record| -> anyhow::Result<()> {
        pass.records += 1;
        each(record)
    })?;
    pass.problems = records.problems().to_vec();
    Ok(pass)
}

/// Gives the rows of the given tables to `each`, in batches; those of one table come in order.
pub fn batches(
    case: &Case,
    profile: Profile,
    tables: &[Table],
    mut each: impl FnMut(Table, &RecordBatch) -> anyhow::Result<()>,
) -> anyhow::Result<Pass> {
    let mut builder = RowsBuilder::new();
    let mut flush = |builder: &mut RowsBuilder| -> anyhow::Result<()> {
        let batches = builder.finish().context("cannot put derived rows into columns")?;
        batches.iter().try_for_each(|(table, batch)| each(*table, batch))
    };
    let pass = rows(case, profile, |row| {
        if tables.contains(&table_of(row)) {
            builder.append(row);
        }
        if builder.len() >= BATCH_ROWS { flush(&mut builder) } else { Ok(()) }
    })?;
    flush(&mut builder)?;
    Ok(pass)
}

/// The table that a row belongs to.
pub fn table_of(row: &Row) -> Table {
    match row {
        Row::Remove(_) => Table::ContainerRemove,
        Row::Create(_) => Table::ContainerCreate,
        Row::Existing(_) => Table::ExistingContainer,
        Row::Disagreement(_) => Table::Disagreement,
    }
}
