//! The reach of what proves a case, for people.

use obit_case::chain::{Chain, ChainLink};
use obit_case::manifest::Manifest;

use super::anchor::LineCounts;
use super::signed::SigningKey;

/// The reach of what proves a case.
#[derive(Debug)]
pub enum ChainReach {
    /// case.json could not be read, so nothing is proven.
    NoManifest,
    /// The recorder did not chain its parts: only their hashes are listed.
    NotChained,
    /// The parts are chained.
    Chained(Box<ProofReach>),
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
    /// Lines of the anchor that say nothing.
    pub line_counts: LineCounts,
    /// Entries and case.json that a signature vouches for.
    pub signed: ProvenSpan,
    /// The keys of these signatures.
    pub keys: Vec<SigningKey>,
    /// Entries that neither the anchor nor a signature vouches for.
    pub only_hashed: Option<EntrySpan>,
    /// Rows in journals and in parts that the chain does not list.
    pub unlisted_rows: u64,
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

/// Returns the entries after the first `from` and up to the first `to`, as far as they are not
/// dropped.
pub(super) fn span(manifest: &Manifest, chain: &Chain, from: u64, to: u64) -> Option<EntrySpan> {
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
