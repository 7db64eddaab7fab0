//! The proof behind a case, as JSON.

use obit_case::time_stamp::TimeStamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::attachments::{Attachments, Handover};
use crate::evidence::{ChainReach, EntrySpan, ProofReach, ProofShortfall, ProvenSpan, SigningKey};
use crate::excerpt::ExcerptEvidence;

/// The reach of what proves a case.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CaseProof {
    /// True if the recorder chained the parts; without a chain nothing else is known here.
    pub chained: bool,
    /// Entries of the chain: sealed parts, and segments that were dropped.
    pub entries: u64,
    /// Entries that are gone with dropped segments, counted from the first.
    pub dropped_entries: u64,
    /// What the anchor vouches for; null if none was given.
    pub anchored: Option<ProvenPart>,
    /// Lines of the anchor that contradict the case and are not signed by one of the signers.
    pub anchor_lines_ignored: u64,
    /// Lines of the anchor that end within their words.
    pub anchor_lines_torn: u64,
    /// What a signature vouches for.
    pub signed: ProvenPart,
    /// The keys of these signatures.
    pub keys: Vec<KeyOwner>,
    /// Entries that neither the anchor nor a signature vouches for.
    pub only_hashed: Option<ChainSpan>,
    /// Rows in journals and in parts that the chain does not list.
    pub unlisted_rows: u64,
}

/// The part of a case that one kind of proof vouches for.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub struct ProvenPart {
    /// The entries of the chain; null if there are none.
    pub entries: Option<ChainSpan>,
    /// True if case.json is among it.
    pub case_json: bool,
}

/// Consecutive entries of a chain.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ChainSpan {
    /// Number of the first entry, counted from 1.
    pub first: u64,
    /// Number of the last entry.
    pub last: u64,
    /// `seq` of the first record in them; null if they hold no records.
    pub first_seq: Option<u64>,
    /// `seq` of the last record in them.
    pub last_seq: Option<u64>,
}

/// A key that signed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyOwner {
    /// Fingerprint, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Name of the signer; null if no list of signers names the key.
    pub signer: Option<String>,
}

/// A lack of what was asked for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofLack {
    /// The required property; null if the signers, the anchor or the id that were given asked for
    /// it.
    pub requirement: Option<&'static str>,
    /// The lack, in words.
    pub why: String,
}

/// The proof behind an excerpt.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ExcerptSummary {
    /// Id of the case that the excerpt was taken from.
    pub of_case_id: String,
    /// Records in the excerpt.
    pub records: u64,
    /// Records that are shown to stand in the parts that the whole case's chain lists.
    pub included: u64,
    /// Records among them in parts that a signature or an anchor of that chain vouches for.
    pub proven: u64,
    /// Texts that are left out.
    pub left_out: u64,
    /// Columns whose texts are left out.
    pub left_out_columns: Vec<String>,
    /// The keys of these signatures.
    pub keys: Vec<KeyOwner>,
}

/// A hand-over of a closed case whose signature holds.
#[derive(Debug, Serialize, JsonSchema)]
pub struct HandoverSummary {
    /// Time by the clock of whoever handed the case over: RFC 3339, UTC.
    pub at: String,
    /// The one who got the case.
    pub to: String,
    /// Reason and circumstances.
    pub note: String,
    /// The key that signed.
    pub key: KeyOwner,
}

/// A time stamp over case.json, whose signature is not checked.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StampSummary {
    /// Time by the authority's clock: RFC 3339, UTC.
    pub at: String,
    /// The authority's policy, an object identifier.
    pub policy: String,
    /// The stamp's serial number, in lower-case hex.
    pub serial: String,
}

impl From<&ChainReach> for CaseProof {
    fn from(reach: &ChainReach) -> Self {
        let ChainReach::Chained(reach) = reach else {
            return Self {
                chained: false,
                entries: 0,
                dropped_entries: 0,
                anchored: None,
                anchor_lines_ignored: 0,
                anchor_lines_torn: 0,
                signed: ProvenPart::default(),
                keys: Vec::new(),
                only_hashed: None,
                unlisted_rows: 0,
            };
        };
        let ProofReach { entries, dropped_entries, line_counts, unlisted_rows, .. } = **reach;
        Self {
            chained: true,
            entries,
            dropped_entries,
            anchored: reach.anchored.as_ref().map(ProvenPart::from),
            anchor_lines_ignored: line_counts.ignored,
            anchor_lines_torn: line_counts.torn,
            signed: ProvenPart::from(&reach.signed),
            keys: reach.keys.iter().map(KeyOwner::from).collect(),
            only_hashed: reach.only_hashed.map(ChainSpan::from),
            unlisted_rows,
        }
    }
}

impl From<&ProvenSpan> for ProvenPart {
    fn from(span: &ProvenSpan) -> Self {
        Self { entries: span.entries.map(ChainSpan::from), case_json: span.has_manifest }
    }
}

impl From<EntrySpan> for ChainSpan {
    fn from(EntrySpan { first, last, records }: EntrySpan) -> Self {
        Self { first, last, first_seq: records.map(|(first, _)| first), last_seq: records.map(|(_, last)| last) }
    }
}

impl From<&SigningKey> for KeyOwner {
    fn from(key: &SigningKey) -> Self {
        Self { fingerprint: key.fingerprint.clone(), signer: key.signer.clone() }
    }
}

impl From<&ProofShortfall> for ProofLack {
    fn from(lack: &ProofShortfall) -> Self {
        Self { requirement: lack.requirement.map(|requirement| requirement.name()), why: lack.why.clone() }
    }
}

impl From<&ExcerptEvidence> for ExcerptSummary {
    fn from(excerpt: &ExcerptEvidence) -> Self {
        Self {
            of_case_id: excerpt.origin.case_id.clone(),
            records: excerpt.records,
            included: excerpt.included,
            proven: excerpt.proven,
            left_out: excerpt.redacted,
            left_out_columns: excerpt.origin.redacted.clone(),
            keys: excerpt.keys.iter().map(KeyOwner::from).collect(),
        }
    }
}

/// Returns the hand-overs of a case.
pub fn handovers(attachments: &Attachments) -> Vec<HandoverSummary> {
    let handover = |Handover { record, key }: &Handover| HandoverSummary {
        at: record.at.clone(),
        to: record.to.clone(),
        note: record.note.clone(),
        key: KeyOwner::from(key),
    };
    attachments.handovers.iter().map(handover).collect()
}

/// Returns the time stamp of a case, if it has one.
pub fn time_stamp(attachments: &Attachments) -> Option<StampSummary> {
    let TimeStamp { at, policy, serial, .. } = attachments.time_stamp.as_ref()?;
    Some(StampSummary { at: at.clone(), policy: policy.clone(), serial: serial.clone() })
}
