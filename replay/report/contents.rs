//! The contents of a report's page: the JSON that `page/data.js` reads.
//!
//! Times are texts as RFC 3339 has them, or in columns of
//! [`PageColumn::Time`](super::columns::PageColumn).

use std::collections::BTreeMap;

use obit_analysis::origin::RowOrigin;
use serde::Serialize;

use super::columns::PageTable;

/// Everything that a page shows.
#[derive(Debug, Serialize)]
pub struct PageContents {
    /// Version of the program that made the page.
    pub program: &'static str,
    /// The command that makes the page again.
    pub command: String,
    /// The cases, in the order in which they were given.
    pub cases: Vec<PageCase>,
    /// Texts that columns refer to by their place.
    pub texts: Vec<String>,
    /// Rows by the name of their table. Each has the number of its life.
    pub tables: BTreeMap<&'static str, PageTable>,
    /// Number of lives; their numbers are those below it.
    pub lives: u32,
    /// Case of each life, by its place among the cases.
    pub life_cases: Vec<u32>,
    /// Stories by the number of the life.
    pub stories: BTreeMap<u32, PageStory>,
    /// Reasons for a second look by the number of the life.
    pub triage: BTreeMap<u32, Vec<&'static str>>,
}

/// A case of a page.
#[derive(Debug, Serialize)]
pub struct PageCase {
    /// Directory, as it was given.
    pub path: String,
    /// Name of the host, with the beginning of its machine id where two hosts have one name.
    pub host: String,
    /// Id of the case, if case.json can be read.
    pub case_id: Option<String>,
    /// Id of the host's boot.
    pub boot_id: Option<String>,
    /// `closed`, or why not.
    pub state: &'static str,
    /// First moment that the case tells of.
    pub start: String,
    /// Last moment that the case tells of.
    pub end: String,
    /// The quality of the host's wall clock, in words.
    pub clock: String,
    /// Stretches in which events were lost.
    pub gaps: Vec<PageGap>,
    /// Changes of the wall clock.
    pub clock_steps: Vec<PageClockStep>,
    /// The text of each problem of the case.
    pub problems: Vec<String>,
    /// The text of `verify`: rows by table, digests, what is anchored and signed, the verdict.
    pub verification: String,
    /// Rows of dropped segments that are kept in the case and not on the page.
    pub kept_rows: u64,
}

/// A stretch in which events were lost.
#[derive(Debug, Serialize)]
pub struct PageGap {
    /// Time of the last record before which nothing is missing; that of the report if it cannot be
    /// read.
    pub from: String,
    /// Time of the report.
    pub to: String,
    /// Number of lost events.
    pub lost: u64,
    /// The record that reports them.
    pub seq: u64,
}

/// A change of the wall clock.
#[derive(Debug, Serialize)]
pub struct PageClockStep {
    /// Time after the change.
    pub at: String,
    /// The change in nanoseconds, as text: it may be greater than what JavaScript counts exactly.
    pub step_ns: String,
    /// The record that tells of it.
    pub seq: u64,
}

/// The story of a life.
#[derive(Debug, Serialize)]
pub struct PageStory {
    /// The whole id of the container.
    pub container_id: String,
    /// The end in a few words.
    pub headline: String,
    /// Sections with their sentences.
    pub sections: Vec<PageSection>,
    /// The command lines that sentences refer to.
    pub commands: Vec<String>,
}

/// A section of a story.
#[derive(Debug, Serialize)]
pub struct PageSection {
    /// The subject.
    pub part: &'static str,
    /// The sentences.
    pub sentences: Vec<PageSentence>,
}

/// A sentence of a story.
#[derive(Debug, Serialize)]
pub struct PageSentence {
    /// Time of what it tells.
    pub at: Option<String>,
    /// The words.
    pub text: String,
    /// The `seq` of each record that it follows from.
    pub records: Vec<u64>,
}

impl PageCase {
    /// Makes a case of which only the origin and the path are known.
    pub fn new(path: String, host: String, origin: &RowOrigin) -> Self {
        Self {
            path,
            host,
            case_id: origin.case_id.clone(),
            boot_id: origin.boot_id.clone(),
            state: "",
            start: String::new(),
            end: String::new(),
            clock: String::new(),
            gaps: Vec::new(),
            clock_steps: Vec::new(),
            problems: Vec::new(),
            verification: String::new(),
            kept_rows: 0,
        }
    }
}
