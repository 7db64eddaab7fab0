//! The JSON of `diff`.

use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::ComparedTable;
use super::origin::CaseOrigin;
use super::problems::CaseProblem;
use crate::diff::{CaseDiff, DiffSide};
use crate::origin::RowOrigin;

/// The output of `obit-replay diff --format json`; of several pairs of cases a line each.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DiffReport {
    /// The left side.
    pub left: ComparedSide,
    /// The right side.
    pub right: ComparedSide,
    /// The conclusion: same is exit code 0, different 1, undecided 2.
    pub verdict: DiffVerdict,
    /// The derived tables that were compared.
    pub tables: Vec<ComparedTable>,
    /// Columns that were not compared. What a profile does not fill is not listed.
    pub columns_left_out: Vec<String>,
    /// Everything that is wrong with the cases.
    pub problems: Vec<CaseProblem>,
}

/// A side of a comparison.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ComparedSide {
    /// The case's directory, as it was given.
    pub case: String,
    /// The host and the case.
    #[serde(flatten)]
    pub origin: CaseOrigin,
    /// The rules by which its rows were derived.
    pub profile: &'static str,
}

/// The conclusion of a comparison.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiffVerdict {
    /// The compared columns are the same.
    Same,
    /// Rows differ.
    Different,
    /// Not everything could be read.
    Undecided,
}

impl DiffReport {
    /// Makes the report of a comparison.
    pub fn new(
        [left, right]: [DiffSide<'_>; 2],
        diff: &CaseDiff,
        verdict: DiffVerdict,
        problems: Vec<CaseProblem>,
    ) -> Self {
        Self {
            left: ComparedSide::from(left),
            right: ComparedSide::from(right),
            verdict,
            tables: diff.comparison.tables.iter().map(ComparedTable::from).collect(),
            columns_left_out: diff.columns_left_out.iter().map(|column| (*column).to_owned()).collect(),
            problems,
        }
    }
}

impl From<DiffSide<'_>> for ComparedSide {
    fn from(side: DiffSide<'_>) -> Self {
        Self {
            case: side.case.path().display().to_string(),
            origin: (&RowOrigin::of(side.case)).into(),
            profile: side.profile.as_str(),
        }
    }
}
