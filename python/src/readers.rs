//! Rows of cases in batches, as an Arrow stream pulls them.

use std::collections::VecDeque;
use std::iter;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError};

use arrow_array::{RecordBatch, RecordBatchReader, new_null_array};
use arrow_schema::{ArrowError, SchemaRef};
use obit_analysis::derive::{DerivationStep, DerivedBatches, derive_matching};
use obit_analysis::filter::RowFilter;
use obit_analysis::lake::{lake_batch, lake_schema};
use obit_analysis::origin::{OutputColumns, RowOrigin};
use obit_analysis::problems::{self, Effect};
use obit_case::reader::TableBatches;
use obit_case::{Case, Problem};
use obit_derivation::Profile;
use obit_schema::Table;

use crate::errors::{OWN_FAULT, text};
use crate::interrupt::ConsumerThread;

/// The types that columns have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ColumnTypes {
    /// Those of the case: unsigned integers, times in nanoseconds.
    Exact,
    /// Those that every engine of a data lake takes: see [`obit_analysis::lake`].
    Lake,
}

/// The answer to damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DamagePolicy {
    /// The stream fails before its last batch.
    Raise,
    /// The stream gives what could be read.
    Ignore,
}

/// A problem that reading met, and where.
#[derive(Clone, Debug)]
pub struct MetProblem {
    /// The effect on the rows.
    pub effect: Effect,
    /// The problem in words, with the case's path before it.
    pub text: String,
}

/// The problems that reading a stream met so far.
#[derive(Clone, Debug, Default)]
pub struct MetProblems(Arc<Mutex<Vec<MetProblem>>>);

impl MetProblems {
    /// Returns the problems.
    pub fn list(&self) -> Vec<MetProblem> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add(&self, case: &Case, found: &[Problem]) {
        let path = case.path().display().to_string();
        let met = |problem: &Problem| MetProblem {
            effect: problems::effect(case, problem),
            text: obit_schema::text::printable(&format!("{path}: {problem}")).into_owned(),
        };
        let all = problems::all(case, found);
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(all.iter().map(met));
    }
}

/// The rows of one case that are to be read.
pub struct CaseRows {
    case: Arc<Case>,
    origin: RowOrigin,
    source: RowSource,
}

enum RowSource {
    Derived(Box<DerivedBatches>),
    Recorded { batches: Box<TableBatches>, found: Vec<Problem> },
}

impl CaseRows {
    /// Takes the rows of a table that follow from the raw log.
    pub fn derived(
        case: &Arc<Case>,
        profile: Profile,
        table: Table,
        filter: RowFilter,
    ) -> Result<Self, obit_analysis::Error> {
        let batches = derive_matching(case, profile, &[table], filter)?;
        Ok(Self::new(case, RowSource::Derived(Box::new(batches))))
    }

    /// Takes the recorded rows of a table, of raw ones the records.
    pub fn recorded(case: &Arc<Case>, table: Table) -> Self {
        let batches = Box::new(case.batches(table));
        Self::new(case, RowSource::Recorded { batches, found: Vec::new() })
    }

    fn new(case: &Arc<Case>, source: RowSource) -> Self {
        Self { case: Arc::clone(case), origin: RowOrigin::of(case), source }
    }

    fn advance(&mut self) -> Result<DerivationStep, ArrowError> {
        match &mut self.source {
            RowSource::Derived(batches) => batches.advance().map_err(|error| failed(&error)),
            RowSource::Recorded { batches, found } => Ok(match batches.next() {
                Some(Ok(batch)) => DerivationStep::Batch(batches.table(), batch),
                // The next part follows.
                Some(Err(error)) => {
                    let why = match error {
                        obit_case::Error::Damaged { why, .. } => why,
                        other => other.to_string(),
                    };
                    found.push(Problem::Damaged { file: batches.file().to_owned(), why });
                    DerivationStep::Pending
                }
                None => DerivationStep::End,
            }),
        }
    }

    fn problems(&self) -> &[Problem] {
        match &self.source {
            RowSource::Derived(batches) => batches.problems(),
            RowSource::Recorded { found, .. } => found,
        }
    }

    /// Returns true if what is wrong may cost rows of this source.
    fn loses_rows(&self, effect: Effect) -> bool {
        match self.source {
            RowSource::Derived(_) => effect == Effect::Damage,
            RowSource::Recorded { .. } => matches!(effect, Effect::Damage | Effect::DerivedOnly),
        }
    }
}

/// A reader of the rows of cases, one case after another.
pub struct RowsReader {
    schema: SchemaRef,
    columns: OutputOf,
    types: ColumnTypes,
    on_damage: DamagePolicy,
    cases: VecDeque<CaseRows>,
    /// The batch that was read last: the next one is given only when it is known what follows it.
    held: Option<RecordBatch>,
    met: MetProblems,
    consumer: ConsumerThread,
    is_at_end: bool,
}

/// The columns of a reader.
pub enum OutputOf {
    /// All columns of the table, as they are read.
    Table(SchemaRef),
    /// Columns of a derived table, with those of the rows' origin before them.
    WithOrigin(OutputColumns),
}

impl RowsReader {
    /// Makes a reader. `met` gets the problems of each case once it is read.
    pub fn new(
        cases: VecDeque<CaseRows>,
        columns: OutputOf,
        types: ColumnTypes,
        on_damage: DamagePolicy,
        met: MetProblems,
    ) -> Self {
        let exact = match &columns {
            OutputOf::Table(schema) => Arc::clone(schema),
            OutputOf::WithOrigin(columns) => columns.schema(),
        };
        let schema = match types {
            ColumnTypes::Exact => exact,
            ColumnTypes::Lake => lake_schema(&exact),
        };
        let consumer = ConsumerThread::current();
        Self { schema, columns, types, on_damage, cases, held: None, met, consumer, is_at_end: false }
    }

    /// Sets the thread that reads to the one that runs now.
    pub fn for_this_thread(self) -> Self {
        Self { consumer: ConsumerThread::current(), ..self }
    }

    fn next_batch(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        loop {
            let Some(rows) = self.cases.front_mut() else { return Ok(self.held.take()) };
            match rows.advance()? {
                DerivationStep::Batch(_, batch) => {
                    let batch = shaped(&batch, &self.columns, self.types, &rows.origin, &self.schema)?;
                    if let Some(before) = self.held.replace(batch) {
                        return Ok(Some(before));
                    }
                }
                DerivationStep::Pending => {
                    if self.consumer.is_interrupted() {
                        return Err(StreamError::Interrupted.into());
                    }
                }
                DerivationStep::End => {
                    self.met.add(&rows.case, rows.problems());
                    let costs = |problem: &&MetProblem| rows.loses_rows(problem.effect);
                    let list = self.met.list();
                    if let (DamagePolicy::Raise, Some(problem)) = (self.on_damage, list.iter().find(costs)) {
                        return Err(StreamError::Damaged(problem.text.clone()).into());
                    }
                    self.cases.pop_front();
                }
            }
        }
    }
}

/// Returns these columns of a batch. A column that the recorder of the case did not know is null.
fn with_columns(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
        Some(column) => Arc::clone(column),
        None => new_null_array(field.data_type(), batch.num_rows()),
    });
    RecordBatch::try_new(Arc::clone(schema), columns.collect())
}

/// Gives a batch the columns and types of the reader.
fn shaped(
    batch: &RecordBatch,
    columns: &OutputOf,
    types: ColumnTypes,
    origin: &RowOrigin,
    schema: &SchemaRef,
) -> Result<RecordBatch, ArrowError> {
    let batch = match columns {
        OutputOf::Table(exact) => with_columns(batch, exact)?,
        OutputOf::WithOrigin(columns) => {
            columns.select(batch, iter::repeat_n(origin, batch.num_rows())).map_err(|error| failed(&error))?
        }
    };
    let batch = match types {
        ColumnTypes::Exact => batch,
        ColumnTypes::Lake => lake_batch(&batch)?,
    };
    RecordBatch::try_new(Arc::clone(schema), batch.columns().to_vec())
}

impl Iterator for RowsReader {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_at_end {
            return None;
        }
        // A panic must not cross the C interface: it would end the whole process.
        let next = catch_unwind(AssertUnwindSafe(|| self.next_batch()))
            .unwrap_or_else(|_| Err(StreamError::Failed(OWN_FAULT.to_owned()).into()));
        self.is_at_end = !matches!(next, Ok(Some(_)));
        next.transpose()
    }
}

impl RecordBatchReader for RowsReader {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}

/// The reasons why a stream ends early.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StreamError {
    /// Rows are missing, or may be.
    #[error("{0}; rows may be missing (on_damage=\"ignore\" gives those that could be read)")]
    Damaged(String),
    /// Something else failed.
    #[error("{0}")]
    Failed(String),
    /// The handler of a signal raised an exception.
    #[error("interrupted")]
    Interrupted,
}

impl From<StreamError> for ArrowError {
    fn from(error: StreamError) -> Self {
        Self::ExternalError(Box::new(error))
    }
}

/// Makes the error of an analysis that failed.
fn failed(error: &dyn std::error::Error) -> ArrowError {
    StreamError::Failed(text(error)).into()
}
