//! The proof behind the files of a case: the chain of its parts, signatures, and an anchor that is
//! kept elsewhere.

mod anchor;
mod signed;

pub use signed::SigningKey;

use std::path::Path;

use obit_case::chain::{Chain, ChainLink};
use obit_case::manifest::Manifest;
use obit_case::reader::PartSource;
use obit_case::signing::AllowedSigners;
use obit_case::{Case, Problem};
use obit_schema::Table;

use crate::error::Error;
use anchor::AnchorLines;
use signed::SignatureCheck;

/// The first minor version of format 1 whose recorders chain their parts.
const CHAINED_MINOR: u32 = 1;

/// The proof behind a case, as far as it reaches.
#[derive(Debug)]
pub struct CaseEvidence {
    /// Everything that does not hold.
    pub problems: Vec<Problem>,
    /// The reach of each kind of proof.
    pub reach: ChainReach,
}

/// The reach of what proves a case.
#[derive(Debug)]
pub enum ChainReach {
    /// case.json could not be read, so nothing is proven.
    NoManifest,
    /// The recorder did not chain its parts: only their hashes are listed.
    NotChained,
    /// The parts are chained.
    Chained(ProofReach),
}

/// The reach of each kind of proof along a chain of entries.
#[derive(Debug)]
pub struct ProofReach {
    /// Entries of the chain: sealed parts, and segments that were dropped.
    pub entries: u64,
    /// Entries that are gone with dropped segments, counted from the first.
    pub dropped_entries: u64,
    /// True if some of the listed entries are drops, not parts.
    pub has_drops: bool,
    /// Entries and case.json that the anchor vouches for; `None` if no anchor was given.
    pub anchored: Option<ProvenSpan>,
    /// Entries and case.json that a signature vouches for.
    pub signed: ProvenSpan,
    /// The keys of these signatures.
    pub keys: Vec<SigningKey>,
    /// Entries that neither the anchor nor a signature vouches for.
    pub only_hashed: Option<EntrySpan>,
    /// Rows in journals, which are not hashed.
    pub journal_rows: u64,
}

/// The part of a case that one kind of proof vouches for.
#[derive(Debug)]
pub struct ProvenSpan {
    /// The entries; `None` if there are none.
    pub entries: Option<EntrySpan>,
    /// True if case.json is among it.
    pub has_manifest: bool,
}

/// Consecutive entries of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntrySpan {
    /// Number of the first entry, counted from 1.
    pub first: u64,
    /// Number of the last entry.
    pub last: u64,
    /// `seq` of the first and the last record in them; `None` if they hold no records.
    pub records: Option<(u64, u64)>,
}

/// Examines the proof behind a case. `anchor` is a file of lines that the recorder wrote elsewhere;
/// `signers` are the signers to trust.
///
/// # Errors
/// [`Error::Anchor`] if the anchor cannot be read.
pub fn examine(case: &Case, anchor: Option<&Path>, signers: Option<&AllowedSigners>) -> Result<CaseEvidence, Error> {
    let Some(manifest) = case.manifest() else {
        return Ok(CaseEvidence { problems: Vec::new(), reach: ChainReach::NoManifest });
    };
    let Some(chain) = Chain::follow(manifest) else {
        let mut problems = Vec::new();
        if manifest.format.minor >= CHAINED_MINOR || anchor.is_some() || signers.is_some() {
            let why = "case.json has none, so nothing can be said about signatures and anchors".to_owned();
            problems.push(Problem::Head { why });
        }
        return Ok(CaseEvidence { problems, reach: ChainReach::NotChained });
    };
    let mut problems = chain.problems().to_vec();
    let mut vouched = 0;
    let anchored = match anchor {
        Some(path) => {
            let anchor = AnchorLines::read(path, &manifest.case_id)?;
            let (entries, mut failed) = anchor.check(case, &chain);
            problems.append(&mut failed);
            vouched = entries;
            let entries = span(manifest, &chain, 0, entries);
            Some(ProvenSpan { entries, has_manifest: anchor.has_manifest() })
        }
        None => None,
    };
    let mut signatures = SignatureCheck::new(case, manifest, &chain, signers);
    problems.append(&mut signatures.problems);
    let entries = chain.parts();
    let journals = Table::ALL.iter().flat_map(|table| case.parts(*table));
    let journals = journals.filter(|part| part.source == PartSource::Journal);
    let reach = ProofReach {
        entries,
        dropped_entries: chain.dropped(),
        has_drops: chain.links().iter().any(|link| matches!(link, ChainLink::Drop(_))),
        anchored,
        signed: ProvenSpan {
            entries: span(manifest, &chain, 0, signatures.entries),
            has_manifest: signatures.manifest,
        },
        keys: signatures.keys,
        only_hashed: span(manifest, &chain, signatures.entries.max(vouched), entries),
        journal_rows: journals.map(|part| part.rows).sum(),
    };
    Ok(CaseEvidence { problems, reach: ChainReach::Chained(reach) })
}

/// Returns the entries after the first `from` and up to the first `to`, as far as they are not
/// dropped.
fn span(manifest: &Manifest, chain: &Chain, from: u64, to: u64) -> Option<EntrySpan> {
    let from = from.max(chain.dropped());
    if from >= to {
        return None;
    }
    let skip = usize::try_from(from - chain.dropped()).unwrap_or(usize::MAX);
    let links = chain.links().iter().skip(skip).take(usize::try_from(to - from).unwrap_or(usize::MAX));
    let raw_parts = links.filter_map(|link| match link {
        ChainLink::Part(index) => manifest.parts.get(*index).filter(|part| part.file.starts_with("raw/")),
        ChainLink::Drop(_) => None,
    });
    let records = raw_parts
        .filter_map(|part| Some((part.first_seq?, part.last_seq?)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)));
    Some(EntrySpan { first: from + 1, last: to, records })
}
