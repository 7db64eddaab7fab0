//! The conclusions of a verification: digests, requirements and the verdict in words.

use std::collections::BTreeSet;

use obit_case::Case;
use obit_derivation::fold::DERIVATION_VERSION;
use obit_schema::digest::{Digest, case_digest};

use crate::compare::{TableComparison, TableSummary};
use crate::evidence::Requirement;
use crate::verify::{Verdict, Verification};

/// Digests over the digests of all derived tables, of both sides.
pub struct SideDigests {
    /// Digest of the recorded rows.
    pub recorded: Digest,
    /// Digest of the rows that follow from the raw log.
    pub derived: Digest,
}

impl SideDigests {
    /// Returns the digests of compared tables.
    pub fn of(tables: &[TableComparison]) -> Self {
        let digest = |side: fn(&TableComparison) -> TableSummary| {
            case_digest(tables.iter().map(|table| (table.table, side(table).digest)))
        };
        Self { recorded: digest(|table| table.left), derived: digest(|table| table.right) }
    }
}

/// Returns each requirement with the reason why it does not hold, if it does not. What proves a
/// case says nothing of a file that is not the one it was proven of, so nothing holds then.
pub fn requirement_states(
    verification: &Verification,
    required: &BTreeSet<Requirement>,
) -> Vec<(Requirement, Option<String>)> {
    let is_intact =
        matches!(verification.verdict, Verdict::Same | Verdict::SameAsFarAsWritten { .. } | Verdict::NotProven);
    let shortfalls = &verification.evidence.shortfalls;
    let why_not = |requirement| match shortfalls.iter().find(|lack| lack.requirement == Some(requirement)) {
        Some(shortfall) => Some(shortfall.why.clone()),
        None if is_intact => None,
        None => Some("the case is not as it was recorded (see standard error)".to_owned()),
    };
    required.iter().map(|requirement| (*requirement, why_not(*requirement))).collect()
}

/// Returns the conclusion about a case in words.
pub fn verdict_text(case: &Case, verdict: Verdict) -> String {
    match verdict {
        Verdict::Same => "same: the recorded rows are those that follow from the raw log".to_owned(),
        Verdict::SameAsFarAsWritten { not_written, closed } => {
            let state = match closed {
                true => "the recording is incomplete",
                false if case.is_being_recorded() => "the case is being recorded",
                false => "the case was never closed",
            };
            format!(
                "same as far as it was written: {state}, and every recorded row follows from the raw log; \
                 {not_written} more rows follow that were not written any more"
            )
        }
        Verdict::PastTheLog { rows } => format!(
            "undecided: the recording was cut off, and {rows} of the recorded rows come after the last record that could \
             be read, so nothing shows what they follow from; every other recorded row follows from the raw log"
        ),
        Verdict::FilesChanged => "different: the recorded rows follow from the raw log, \
             but files are not those that were closed, or what proves them does not hold (see standard error)"
            .to_owned(),
        Verdict::NotProven => {
            "not proven: the recorded rows follow from the raw log and nothing contradicts the files, \
             but not all that was asked for is proven (see standard error)"
                .to_owned()
        }
        Verdict::OlderRules { recorded, rows } => format!(
            "undecided: the rows were recorded by version {recorded} of the rules, and this program has version \
             {DERIVATION_VERSION}, by which {rows} rows differ (above); no record is missing or damaged, and the files \
             are those that were closed. A program with version {recorded} of the rules can tell whether its rows are \
             the recorded ones"
        ),
        Verdict::Different => "different: the recorded rows are not those that follow from the raw log".to_owned(),
        Verdict::Undecided => "undecided: part of the case could not be read (see standard error); \
             verify a whole copy of it"
            .to_owned(),
    }
}
