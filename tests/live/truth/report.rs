//! Counts and findings of a run, as a person reads them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::path::Path;

use serde_json::Value;

use super::expected::Verdict;
use super::life::Life;

/// Kind of a finding. Each one fails the test.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FindingKind {
    /// A value that is not so.
    False,
    /// A life without its row.
    Missing,
    /// A row without a life.
    Phantom,
    /// No value, though nothing was lost.
    Unknown,
}

/// One thing that is wrong.
pub struct Finding {
    pub kind: FindingKind,
    pub table: &'static str,
    /// Empty if it is about a whole row.
    pub column: String,
    pub life: Option<Life>,
    pub expected: String,
    pub row: Option<Value>,
}

/// Right, unknown and false values of a column.
#[derive(Clone, Copy, Default)]
struct Tally {
    right: usize,
    unknown: usize,
    wrong: usize,
}

/// Result of comparing a case with the truth.
#[derive(Default)]
pub struct Report {
    pub findings: Vec<Finding>,
    /// Cases that were compared, and how many findings there were before each.
    cases: Vec<(String, usize)>,
    /// Columns that this build does not have.
    pub absent_columns: BTreeSet<(&'static str, &'static str)>,
    /// Tables that this build does not have.
    pub absent_tables: BTreeSet<&'static str>,
    tallies: BTreeMap<(&'static str, &'static str), Tally>,
}

impl Report {
    /// Begins the report about a case.
    pub fn of_case(case: &Path) -> Self {
        Self { cases: vec![(case.display().to_string(), 0)], ..Self::default() }
    }

    /// Counts a judgement about a column.
    pub fn count(&mut self, table: &'static str, column: &'static str, verdict: Verdict) {
        let tally = self.tallies.entry((table, column)).or_default();
        match verdict {
            Verdict::Right => tally.right += 1,
            Verdict::Unknown => tally.unknown += 1,
            Verdict::False => tally.wrong += 1,
        }
    }
}

impl Report {
    /// Adds what was found in another case.
    pub fn add(&mut self, other: Self) {
        let before = self.findings.len();
        self.cases.extend(other.cases.into_iter().map(|(case, at)| (case, before + at)));
        self.findings.extend(other.findings);
        self.absent_columns.extend(other.absent_columns);
        self.absent_tables.extend(other.absent_tables);
        for (column, tally) in other.tallies {
            let sum = self.tallies.entry(column).or_default();
            sum.right += tally.right;
            sum.unknown += tally.unknown;
            sum.wrong += tally.wrong;
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<18} {:<24} {:>6} {:>8} {:>6}", "table", "column", "right", "unknown", "false")?;
        for ((table, column), tally) in &self.tallies {
            writeln!(f, "{table:<18} {column:<24} {:>6} {:>8} {:>6}", tally.right, tally.unknown, tally.wrong)?;
        }
        let mut counts: BTreeMap<FindingKind, usize> = BTreeMap::new();
        for finding in &self.findings {
            *counts.entry(finding.kind).or_default() += 1;
        }
        writeln!(f, "findings: {counts:?}")?;
        let mut subject = String::new();
        for (at, finding) in self.findings.iter().enumerate() {
            for (case, _) in self.cases.iter().filter(|(_, first)| *first == at) {
                writeln!(f, "in {case}:")?;
            }
            let of_this = finding.subject();
            if subject != of_this {
                writeln!(f, "{of_this}")?;
                subject = of_this;
            }
            writeln!(f, "    {finding}")?;
        }
        Ok(())
    }
}

impl Finding {
    /// Describes the life and the row, which several findings may share.
    fn subject(&self) -> String {
        let life = self.life.as_ref().map_or_else(
            || "of no life".to_owned(),
            |life| format!("{} ({}), id {}, init {:?}", life.scene, life.role, life.id, life.pid),
        );
        let row = self.row.as_ref().map_or_else(|| "no row".to_owned(), brief);
        format!("{}: {life}\n    row: {row}", self.table)
    }
}

impl Display for Finding {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match &self.row {
            Some(row) if !self.column.is_empty() => {
                let value = row.get(&self.column).unwrap_or(&Value::Null);
                write!(f, "{:?}: {} = {value}, expected {}", self.kind, self.column, self.expected)
            }
            _ => write!(f, "{:?}: expected {}", self.kind, self.expected),
        }
    }
}

/// Returns the columns of a row that say what it is about.
fn brief(row: &Value) -> String {
    const COLUMNS: [&str; 21] = [
        "seq",
        "runtime",
        "container_id",
        "container_name",
        "ts",
        "created_at",
        "cgroup_path",
        "init_pid",
        "cause",
        "exit_code",
        "exit_signal",
        "signal_origin",
        "killed_by_pid",
        "killed_by_comm",
        "requested_by",
        "init_comm",
        "never_started",
        "after_gap",
        "inferred",
        "conflicts",
        "aspect",
    ];
    let mut texts: Vec<_> = COLUMNS
        .iter()
        .filter_map(|name| row.get(*name).filter(|value| !value.is_null()).map(|value| format!("{name}={value}")))
        .collect();
    for name in ["source", "value", "other_source", "other_value"] {
        texts.extend(row.get(name).map(|value| format!("{name}={value}")));
    }
    texts.join(" ")
}
