//! Segments in a manifest: begins one, and drops the oldest.
//!
//! case.json says first what is dropped, as an entry of the chain, and is on disk before the first
//! file goes. So at any moment a file is either listed, or has a number that case.json calls
//! dropped.
//!
//! Derived rows take less space than their records, and say who ran and how it ended. So the parts
//! that hold them stay when their segment goes, up to a share of the case: whoever floods a
//! recording removes the records of others from it, and not what followed from them.

use std::collections::BTreeMap;

use crate::chain::{self, ChainLink};
use crate::counts::CaseCounts;
use crate::manifest::{ClockPair, DropEntry, DropTotals, Manifest, PartEntry, Segment};
use obit_schema::tables::Table;

/// Most parts that are kept of dropped segments: each has an entry of 400 bytes in case.json, which
/// is written anew with each part.
const MAX_KEPT_PARTS: usize = 4_096;

/// Adds a segment that begins with this record. Changes nothing in a manifest without segments.
pub(super) fn begin(manifest: &mut Manifest, first_seq: u64, began: ClockPair) {
    if let Some(last) = manifest.segments.last() {
        let number = last.number.saturating_add(1);
        manifest.segments.push(Segment { number, first_seq, began, counts: CaseCounts::default() });
    }
}

/// Drops the oldest segment from a manifest and chains an entry that says so. Keeps derived parts
/// of it and of those dropped before, up to this many bytes. Returns the entries of the parts whose
/// files go; `None` if there is no segment but the current one.
pub(super) fn drop_oldest(manifest: &mut Manifest, dropped_at: ClockPair, max_kept: u64) -> Option<Vec<PartEntry>> {
    let mut drop = oldest(manifest, dropped_at)?;
    let mut totals = totals_with(manifest.dropped.take(), &drop);
    let kept_before = std::mem::take(&mut totals.kept);
    let (kept, gone) = keep(kept_before.into_iter().chain(drop.parts.iter().cloned()), max_kept);
    drop.kept_sha256 = chain::kept_digest(&kept);
    totals.kept = kept;
    manifest.dropped = Some(totals);
    manifest.counts.subtract(&drop.counts);
    manifest.segments.remove(0);
    manifest.parts.retain(|part| part.segment != Some(drop.segment));
    manifest.drops.retain(|earlier| earlier.entry >= drop.entries);
    chain::push_drop(manifest, drop);
    Some(gone)
}

/// Separates the parts that are kept from those that go: the oldest of derived rows go first.
fn keep(parts: impl Iterator<Item = PartEntry>, max_bytes: u64) -> (Vec<PartEntry>, Vec<PartEntry>) {
    let has_rows = |part: &PartEntry| {
        let is_derived = Table::DERIVED.iter().any(|table| table.name() == part.table);
        is_derived && part.rows > 0
    };
    let (mut kept, mut gone): (Vec<_>, Vec<_>) = parts.partition(has_rows);
    let mut room = max_bytes;
    let fits = |part: &&PartEntry| {
        let left = room.checked_sub(part.bytes);
        room = left.unwrap_or(0);
        left.is_some()
    };
    let count = kept.iter().rev().take(MAX_KEPT_PARTS).take_while(fits).count();
    gone.extend(kept.drain(..kept.len() - count));
    // They are in the list of what is kept, not in the chain.
    kept.iter_mut().for_each(|part| part.previous = None);
    (kept, gone)
}

/// Makes the entry that drops the oldest segment. Its place in the chain is set when it is chained.
fn oldest(manifest: &Manifest, dropped_at: ClockPair) -> Option<DropEntry> {
    let [segment, next, ..] = manifest.segments.as_slice() else { return None };
    let is_gone = |part: &PartEntry| part.segment == Some(segment.number);
    let parts: Vec<_> = manifest.parts.iter().filter(|part| is_gone(part)).cloned().collect();
    // All entries up to its last one are of this segment, or of ones that are gone already.
    let is_link_gone = |link: &ChainLink| match link {
        ChainLink::Part(index) => manifest.parts.get(*index).is_some_and(is_gone),
        ChainLink::Drop(_) => false,
    };
    let last = chain::links(manifest).iter().rposition(is_link_gone);
    let gone_before = manifest.dropped.as_ref().map_or(0, |dropped| dropped.entries);
    let sha256 = match parts.last() {
        Some(part) => chain::entry_digest(&manifest.case_id, part.previous.as_deref().unwrap_or(chain::START), part),
        None => manifest.dropped.as_ref().map_or(chain::START, |dropped| &dropped.sha256).to_owned(),
    };
    Some(DropEntry {
        entry: 0,
        previous: String::new(),
        segment: segment.number,
        first_seq: segment.first_seq,
        last_seq: next.first_seq.saturating_sub(1),
        began: segment.began,
        ended: next.began,
        dropped_at,
        bytes: parts.iter().map(|part| part.bytes).sum(),
        counts: segment.counts.clone(),
        entries: gone_before + last.map_or(0, |last| last as u64 + 1),
        sha256,
        kept_sha256: None,
        parts,
    })
}

/// Adds a dropped segment to the totals of those dropped before.
fn totals_with(before: Option<DropTotals>, drop: &DropEntry) -> DropTotals {
    let mut totals = before.unwrap_or_else(|| DropTotals {
        segments: 0,
        parts: 0,
        bytes: 0,
        last_seq: 0,
        counts: CaseCounts::default(),
        began: drop.began,
        ended: drop.ended,
        dropped_at: drop.dropped_at,
        entries: 0,
        sha256: String::new(),
        next_parts: BTreeMap::new(),
        kept: Vec::new(),
    });
    totals.segments = drop.segment.saturating_add(1);
    totals.parts += drop.parts.len() as u64;
    totals.bytes += drop.bytes;
    totals.last_seq = drop.last_seq;
    totals.counts.add(&drop.counts);
    (totals.ended, totals.dropped_at, totals.entries) = (drop.ended, drop.dropped_at, drop.entries);
    totals.sha256.clone_from(&drop.sha256);
    for part in &drop.parts {
        totals.next_parts.insert(part.table.clone(), part.number.saturating_add(1));
    }
    totals
}
