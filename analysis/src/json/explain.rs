//! The JSON of `explain`.

use obit_case::Case;
use obit_derivation::Row;
use obit_schema::encode::RowsBuilder;
use obit_schema::text::{json_lines, time};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};

use super::comparison::value;
use super::problems::{CaseProblem, of_case};
use crate::error::Error;
use crate::explain::story::{LifeStory, StorySection, StorySentence};
use crate::explain::{Explanation, KeptRow, LifeRows};

/// The output of `obit-replay explain --format json`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainReport {
    /// The container's whole id.
    pub container_id: String,
    /// The container's lives, in the order in which they began.
    pub lives: Vec<ExplainedLife>,
    /// Number of later lives that are left out.
    pub lives_left_out: u64,
    /// Number of lives that the filters leave out.
    pub lives_filtered_out: u64,
    /// Rows that were kept of dropped segments, as they were recorded: `event` names the table, and
    /// values that are null are left out. The records that they follow from are gone.
    pub kept_rows: Vec<Map<String, Value>>,
    /// The long command lines that sentences refer to as command 1, command 2, and so on.
    pub commands: Vec<String>,
    /// The records behind the rows and sentences, in the order of the log.
    pub records: Vec<ExplainedRecord>,
    /// Everything that is wrong with the case.
    pub problems: Vec<CaseProblem>,
}

/// One run of a container, from its creation to its end.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedLife {
    /// The end of the life in a few words.
    pub headline: String,
    /// The sentences about the life.
    pub story: Vec<ExplainedSection>,
    /// The rows of the life: `event` names the table, the other members are that table's columns,
    /// as `obit-replay schema TABLE` describes them.
    pub rows: Vec<Map<String, Value>>,
    /// `seq` of each record that the rows came from, ascending.
    pub evidence_seqs: Vec<u64>,
}

/// A section of a story.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedSection {
    /// The subject: identity, life, order, end or others (the words of others about the end).
    pub part: &'static str,
    /// The sentences.
    pub sentences: Vec<ExplainedSentence>,
}

/// A sentence of a story.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedSentence {
    /// The time of what it tells: RFC 3339, UTC; null if it tells of no moment.
    pub at: Option<String>,
    /// The words.
    pub text: String,
    /// `seq` of each record that it can be traced to.
    pub records: Vec<u64>,
}

/// A record of the raw log.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExplainedRecord {
    /// The record's place in the log.
    pub seq: u64,
    /// The record's time by the wall clock: RFC 3339, UTC.
    pub ts: String,
    /// Kind and contents, in words.
    pub text: String,
}

impl ExplainReport {
    /// Makes the report of an explanation.
    ///
    /// # Errors
    /// A row cannot be written as JSON; that would be a fault of this crate.
    pub fn new(case: &Case, explanation: &Explanation) -> Result<Self, Error> {
        let Explanation { story, lives, all_lives, lives_left_out, kept, records, problems } = explanation;
        let shown = lives.len();
        let lives = story.lives.iter().zip(lives).map(|(story, life)| ExplainedLife::new(story, life));
        let records = records.iter().map(|(seq, record)| ExplainedRecord {
            seq: *seq,
            ts: time::rfc3339(record.ts.0),
            text: record.line.clone(),
        });
        Ok(Self {
            container_id: story.container_id.clone(),
            lives: lives.collect::<Result<_, _>>()?,
            lives_left_out: all_lives.saturating_sub(shown) as u64,
            lives_filtered_out: *lives_left_out as u64,
            kept_rows: kept.iter().map(kept_object).collect(),
            commands: story.commands.clone(),
            records: records.collect(),
            problems: of_case(case, problems),
        })
    }
}

impl ExplainedLife {
    fn new(story: &LifeStory, life: &LifeRows) -> Result<Self, Error> {
        Ok(Self {
            headline: story.headline.clone(),
            story: story.sections.iter().map(ExplainedSection::from).collect(),
            rows: life.rows.iter().map(row_object).collect::<Result<_, _>>()?,
            evidence_seqs: life.evidence().collect(),
        })
    }
}

impl From<&StorySection> for ExplainedSection {
    fn from(section: &StorySection) -> Self {
        Self { part: section.part.name(), sentences: section.sentences.iter().map(ExplainedSentence::from).collect() }
    }
}

impl From<&StorySentence> for ExplainedSentence {
    fn from(sentence: &StorySentence) -> Self {
        Self {
            at: sentence.at.map(|at| time::rfc3339(at.0)),
            text: sentence.text.clone(),
            records: sentence.records.clone(),
        }
    }
}

/// Returns a row that was kept of a dropped segment, with the name of its table as `event`.
fn kept_object(row: &KeptRow) -> Map<String, Value> {
    let event = [("event".to_owned(), Value::String(row.table.name().to_owned()))];
    event.into_iter().chain(row.fields.iter().map(|(column, text)| (column.clone(), value(text)))).collect()
}

/// Returns a row as `derive --format jsonl` prints it, with the name of its table as `event`.
fn row_object(row: &Row) -> Result<Map<String, Value>, Error> {
    let mut builder = RowsBuilder::new();
    builder.append(row);
    let mut object = Map::new();
    for (table, batch) in builder.finish()? {
        let mut line = Vec::new();
        let failed = |cause| Error::Json { table: table.name(), cause };
        json_lines::write(&batch, &mut line).map_err(|cause| failed(serde_json::Error::io(cause)))?;
        object.insert("event".to_owned(), Value::String(table.name().to_owned()));
        object.extend(serde_json::from_slice::<Map<String, Value>>(&line).map_err(failed)?);
    }
    Ok(object)
}
