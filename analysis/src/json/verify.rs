//! The JSON of `verify`.

use std::collections::BTreeSet;

use obit_case::Case;
use schemars::JsonSchema;
use serde::Serialize;

use super::comparison::ComparedTable;
use super::origin::CaseOrigin;
use super::problems::{self, CaseProblem};
use super::proof::{self, CaseProof, ExcerptSummary, HandoverSummary, ProofLack, StampSummary};
use crate::evidence::Requirement;
use crate::excerpt::DisclosureCheck;
use crate::origin::RowOrigin;
use crate::verdict_text::{SideDigests, requirement_states, verdict_text};
use crate::verify::{Verdict, Verification, VerifyAnswer};

/// The output of `obit-replay verify --format json`; of several cases a line each.
#[derive(Debug, Serialize, JsonSchema)]
pub struct VerifyReport {
    /// The case's directory, as it was given.
    pub case: String,
    /// The host and the case.
    #[serde(flatten)]
    pub origin: CaseOrigin,
    /// The conclusion.
    pub verdict: VerdictName,
    /// The conclusion in words.
    pub verdict_text: String,
    /// The answer: holds is exit code 0, fails 1, undecided 2.
    pub answer: AnswerName,
    /// The derived tables: recorded rows on the left, those that follow from the raw log on the
    /// right.
    pub tables: Vec<ComparedTable>,
    /// Digest over the digests of all recorded tables, in lower-case hex.
    pub recorded_sha256: String,
    /// Digest over the digests of all tables that follow from the raw log.
    pub derived_sha256: String,
    /// The reach of what proves the files.
    pub evidence: CaseProof,
    /// The proof behind an excerpt; null if the case is none.
    pub excerpt: Option<ExcerptSummary>,
    /// The properties that were required.
    pub required: Vec<RequiredProperty>,
    /// All that was asked for and is not proven.
    pub not_proven: Vec<ProofLack>,
    /// The hand-overs of the case.
    pub handovers: Vec<HandoverSummary>,
    /// The time stamp over case.json; null if there is none.
    pub time_stamp: Option<StampSummary>,
    /// The comparison with disclosed texts; null if none were given.
    pub disclosed: Option<DisclosedTexts>,
    /// Everything that is wrong with the case.
    pub problems: Vec<CaseProblem>,
}

/// The name of a conclusion.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum VerdictName {
    /// The recorded rows are those that follow, and the files are those that were closed.
    Same,
    /// The recording is not whole, and the recorded rows follow as far as they were written.
    SameAsFarAsWritten,
    /// Some recorded rows come after the last record that is there; the other rows follow.
    PastTheLog,
    /// The rows are the same, but not the files, or what proves them does not hold.
    FilesChanged,
    /// The rows follow and nothing contradicts the files, but not all that was asked for is proven.
    NotProven,
    /// The recorder had older rules, by which rows differ.
    OlderRules,
    /// The recorded rows are not those that follow.
    Different,
    /// A part of the case could not be read, so nothing was decided.
    Undecided,
}

/// The answer of a verification.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AnswerName {
    /// All that was asked for holds.
    Holds,
    /// Something contradicts the case, or not all that was asked for is proven.
    Fails,
    /// Too little could be read to tell.
    Undecided,
}

/// A property that was required.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RequiredProperty {
    /// The property: closed, signed, anchored or complete.
    pub property: &'static str,
    /// True if it holds.
    pub holds: bool,
    /// The reason why it does not hold; null if it does.
    pub why_not: Option<String>,
}

/// The comparison of disclosed texts with an excerpt.
#[derive(Debug, Serialize, JsonSchema)]
pub struct DisclosedTexts {
    /// Texts that the excerpt's commitments stand for.
    pub fitting: u64,
    /// Texts that they do not stand for.
    pub others: u64,
}

impl VerifyReport {
    /// Makes the report of a verification.
    pub fn new(
        case: &Case,
        verification: &Verification,
        required: &BTreeSet<Requirement>,
        disclosed: Option<DisclosureCheck>,
    ) -> Self {
        let digests = SideDigests::of(&verification.comparison.tables);
        let required = requirement_states(verification, required).into_iter().map(|(requirement, why_not)| {
            RequiredProperty { property: requirement.name(), holds: why_not.is_none(), why_not }
        });
        Self {
            case: case.path().display().to_string(),
            origin: (&RowOrigin::of(case)).into(),
            verdict: verification.verdict.into(),
            verdict_text: verdict_text(case, verification.verdict),
            answer: verification.answer.into(),
            tables: verification.comparison.tables.iter().map(ComparedTable::from).collect(),
            recorded_sha256: digests.recorded.to_string(),
            derived_sha256: digests.derived.to_string(),
            evidence: CaseProof::from(&verification.evidence.reach),
            excerpt: verification.excerpt.as_ref().map(ExcerptSummary::from),
            required: required.collect(),
            not_proven: verification.evidence.shortfalls.iter().map(ProofLack::from).collect(),
            handovers: proof::handovers(&verification.attachments),
            time_stamp: proof::time_stamp(&verification.attachments),
            disclosed: disclosed.map(|DisclosureCheck { fitting, others }| DisclosedTexts { fitting, others }),
            problems: problems::of_case(case, &verification.problems),
        }
    }
}

impl From<Verdict> for VerdictName {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Same => Self::Same,
            Verdict::SameAsFarAsWritten { .. } => Self::SameAsFarAsWritten,
            Verdict::PastTheLog { .. } => Self::PastTheLog,
            Verdict::FilesChanged => Self::FilesChanged,
            Verdict::NotProven => Self::NotProven,
            Verdict::OlderRules { .. } => Self::OlderRules,
            Verdict::Different => Self::Different,
            Verdict::Undecided => Self::Undecided,
        }
    }
}

impl From<VerifyAnswer> for AnswerName {
    fn from(answer: VerifyAnswer) -> Self {
        match answer {
            VerifyAnswer::Holds => Self::Holds,
            VerifyAnswer::Fails => Self::Fails,
            VerifyAnswer::Undecided => Self::Undecided,
        }
    }
}
