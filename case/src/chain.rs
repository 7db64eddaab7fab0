//! The chain of sealed parts: each entry of case.json holds the digest of the one before, so that
//! nobody can take out, put in or change a part without changing every digest after it. The end of
//! the chain, the head, is signed and anchored.
//!
//! The digest of an entry is SHA-256 over one line of text, made of what the entry says:
//!
//! ```text
//! obit-part 1 CASE_ID PREVIOUS SHA256 BYTES ROWS FIRST_SEQ LAST_SEQ FILE
//! ```
//!
//! with a newline at the end, single spaces, 64 zeros as PREVIOUS of the first entry, and `-` for a
//! null. An entry that has the root of the Merkle tree over the part's records is
//!
//! ```text
//! obit-part 2 CASE_ID PREVIOUS SHA256 BYTES ROWS FIRST_SEQ LAST_SEQ ROOT FILE
//! ```
//!
//! A recorder that drops its oldest segments adds an entry for each:
//!
//! ```text
//! obit-drop 1 CASE_ID PREVIOUS SEGMENT FIRST_SEQ LAST_SEQ BYTES ENTRIES SHA256
//! ```
//!
//! where ENTRIES and SHA256 are the number of entries that are gone with it and the digest of the
//! last of them: the rest of the chain begins there, and nobody can move its beginning without
//! another head. If derived parts of dropped segments are kept, the line is
//!
//! ```text
//! obit-drop 2 CASE_ID PREVIOUS SEGMENT FIRST_SEQ LAST_SEQ BYTES ENTRIES SHA256 KEPT
//! ```
//!
//! where KEPT is the digest of the list of all of them, as of this dropping.
//!
//! The head's line is `obit-head 1 CASE_ID PARTS SHA256`, and `obit-final 1 CASE_ID PARTS SHA256`
//! once the case is closed; `docs/case-format.md` shows how to check both by hand.

use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::manifest::{ChainHead, DropEntry, Manifest, PartEntry};
use crate::problem::Problem;
use crate::problem_log::ProblemLog;
use obit_schema::digest::Digest;
use obit_schema::tables::Table;

/// Digest before the first entry, and head of a case without parts.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// Returns the digest of a part's entry that follows the entry with the digest `previous`.
pub fn entry_digest(case_id: &str, previous: &str, entry: &PartEntry) -> String {
    let PartEntry { sha256, bytes, rows, file, .. } = entry;
    let (first, last) = (place(entry.first_seq), place(entry.last_seq));
    let line = match &entry.root {
        None => format!("obit-part 1 {case_id} {previous} {sha256} {bytes} {rows} {first} {last} {file}\n"),
        Some(root) => {
            format!("obit-part 2 {case_id} {previous} {sha256} {bytes} {rows} {first} {last} {root} {file}\n")
        }
    };
    Digest::from(Sha256::new_with_prefix(line)).to_string()
}

/// Returns the text that the signature of a head covers while the case is open.
pub fn head_line(case_id: &str, parts: u64, sha256: &str) -> String {
    format!("obit-head 1 {case_id} {parts} {sha256}\n")
}

/// Returns the text that the signature of the head of a closed case covers. It is another one, so
/// that nobody can open the case again and still have a head that is signed.
pub fn final_line(case_id: &str, parts: u64, sha256: &str) -> String {
    format!("obit-final 1 {case_id} {parts} {sha256}\n")
}

/// Returns the digest of a dropped segment's entry that follows the entry with the digest
/// `previous`.
pub fn drop_digest(case_id: &str, previous: &str, drop: &DropEntry) -> String {
    let DropEntry { segment, first_seq, last_seq, bytes, entries, sha256, .. } = drop;
    let gone = format!("{case_id} {previous} {segment} {first_seq} {last_seq} {bytes} {entries} {sha256}");
    let line = match &drop.kept_sha256 {
        None => format!("obit-drop 1 {gone}\n"),
        Some(kept) => format!("obit-drop 2 {gone} {kept}\n"),
    };
    Digest::from(Sha256::new_with_prefix(line)).to_string()
}

/// Returns the digest of the list of parts that are kept of dropped segments: over one line for
/// each, `FILE SHA256 BYTES ROWS FIRST_SEQ LAST_SEQ`. `None` if none is kept.
pub fn kept_digest(kept: &[PartEntry]) -> Option<String> {
    let mut hash = Sha256::new();
    for part in kept {
        let (first, last) = (place(part.first_seq), place(part.last_seq));
        let PartEntry { file, sha256, bytes, rows, .. } = part;
        hash.update(format!("{file} {sha256} {bytes} {rows} {first} {last}\n"));
    }
    (!kept.is_empty()).then(|| Digest::from(hash).to_string())
}

/// Returns the word for the place of a record.
fn place(seq: Option<u64>) -> String {
    seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string())
}

/// An entry of the chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChainLink {
    /// The part with this index in `parts`.
    Part(usize),
    /// The dropped segment with this index in `drops`.
    Drop(usize),
}

/// Returns the entries that a manifest lists, in the order of the chain.
pub(crate) fn links(manifest: &Manifest) -> Vec<ChainLink> {
    let (parts, drops) = (manifest.parts.len(), manifest.drops.len());
    let base = manifest.dropped.as_ref().map_or(0, |dropped| dropped.entries);
    let mut links = Vec::new();
    let (mut part, mut drop) = (0, 0);
    while part < parts || drop < drops {
        let place = base.saturating_add(links.len() as u64);
        let is_its_place = manifest.drops.get(drop).is_some_and(|drop| drop.entry <= place);
        if is_its_place || part >= parts {
            links.push(ChainLink::Drop(drop));
            drop += 1;
        } else {
            links.push(ChainLink::Part(part));
            part += 1;
        }
    }
    links
}

/// The chain of a case as its manifest states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// Number of entries that are gone with dropped segments.
    base: u64,
    links: Vec<ChainLink>,
    /// Digests after the entries that are gone and 0, 1, 2 … more. The first is [`START`] if none
    /// is gone.
    heads: Vec<String>,
    /// Contradictions between entries, head and totals.
    problems: ProblemLog,
}

impl Chain {
    /// Follows the entries of a manifest. Returns `None` if its recorder made no chain.
    pub fn follow(manifest: &Manifest) -> Option<Self> {
        if manifest.head.is_none() && manifest.parts.iter().all(|part| part.previous.is_none()) {
            return None;
        }
        let (base, first) = match &manifest.dropped {
            Some(dropped) => (dropped.entries, dropped.sha256.clone()),
            None => (0, START.to_owned()),
        };
        let links = links(manifest);
        let mut heads = vec![first];
        let mut problems = ProblemLog::default();
        for link in &links {
            let before = heads.last().map_or(START, String::as_str);
            // The digest is that of the entry as it is, so that one break is one problem.
            let (previous, name, digest) = match *link {
                ChainLink::Part(index) => {
                    let Some(part) = manifest.parts.get(index) else { continue };
                    let previous = part.previous.as_deref();
                    let digest = entry_digest(&manifest.case_id, previous.unwrap_or(START), part);
                    (previous, part.file.clone(), digest)
                }
                ChainLink::Drop(index) => {
                    let Some(drop) = manifest.drops.get(index) else { continue };
                    let digest = drop_digest(&manifest.case_id, &drop.previous, drop);
                    (Some(drop.previous.as_str()), format!("the dropping of segment {}", drop.segment), digest)
                }
            };
            if previous != Some(before) {
                problems.push(Problem::Unchained { file: name });
            }
            heads.push(digest);
        }
        let mut chain = Self { base, links, heads, problems };
        chain.check(manifest);
        Some(chain)
    }

    fn check(&mut self, manifest: &Manifest) {
        self.check_places(manifest);
        let mut say = |why: String| self.problems.push(Problem::Head { why });
        let ends = self.base.saturating_add(self.links.len() as u64);
        match &manifest.head {
            None => say("case.json has no head of the chain".to_owned()),
            Some(head) if head.parts != ends => {
                say(format!("the head stands for {} parts, {ends} are listed", head.parts));
            }
            Some(head) if self.heads.last() != Some(&head.sha256) => {
                say("the head is not the digest of the last entry".to_owned());
            }
            Some(_) => {}
        }
        // The totals must agree with the last entry of a dropped segment. That entry is in the
        // chain, so nobody can change it without another head.
        let said = manifest
            .drops
            .last()
            .map(|drop| (drop.entries, &drop.sha256, drop.last_seq, drop.segment, drop.kept_sha256.clone()));
        let gone = manifest.dropped.as_ref().map(|gone| {
            let last_segment = gone.segments.saturating_sub(1);
            (gone.entries, &gone.sha256, gone.last_seq, last_segment, kept_digest(&gone.kept))
        });
        if said != gone {
            say("the parts that are said to be dropped are not those that an entry of the chain says".to_owned());
        }
        // A line consists of words; an id with a space in it could be read in two ways.
        if !is_word(&manifest.case_id) {
            say("the case's id is not one word".to_owned());
        }
    }

    /// Checks what the digest of an entry does not cover: the place that the entry gives its part.
    /// A part in another place would be passed over by a reader, though its file is as listed.
    fn check_places(&mut self, manifest: &Manifest) {
        let (layout, mut files) = (manifest.layout(), BTreeSet::new());
        for part in manifest.part_files() {
            let mut say =
                |why: &str| self.problems.push(Problem::Head { why: format!("the entry of {} {why}", part.file) });
            let table = Table::from_name(&part.table);
            if table.is_none_or(|table| layout.part_path(table, part.number) != part.file) {
                say("has a table or number that is not that of its name");
            }
            if !files.insert(part.file.as_str()) {
                say("is there twice");
            }
        }
        let Some(dropped) = &manifest.dropped else { return };
        let mut say =
            |part: &PartEntry, why: &str| self.problems.push(Problem::Head { why: format!("{} {why}", part.file) });
        for part in manifest.parts.iter().filter(|part| dropped.has(&part.table, part.number)) {
            say(part, "is listed, and is said to be dropped");
        }
        // Rows that are kept are not derived again: none may be of a record that is still there.
        let is_of_dropped = |part: &&PartEntry| {
            let is_derived = Table::from_name(&part.table).is_some_and(|table| Table::DERIVED.contains(&table));
            let is_before = part.last_seq.is_some_and(|last| last <= dropped.last_seq);
            is_derived && is_before && dropped.has(&part.table, part.number)
        };
        for part in dropped.kept.iter().filter(|part| !is_of_dropped(part)) {
            say(part, "is said to be kept of a dropped segment, and is not of one");
        }
    }

    /// Returns the number of entries that are gone with dropped segments.
    pub fn dropped(&self) -> u64 {
        self.base
    }

    /// Returns the entries that are listed, in their order.
    pub fn links(&self) -> &[ChainLink] {
        &self.links
    }

    /// Returns the number of all entries: parts that were sealed, and segments that were dropped.
    pub fn parts(&self) -> u64 {
        self.base.saturating_add(self.links.len() as u64)
    }

    /// Returns the digest after this many entries; `None` before the end of what was dropped, and
    /// beyond the head.
    pub fn after(&self, parts: u64) -> Option<&str> {
        self.heads.get(usize::try_from(parts.checked_sub(self.base)?).ok()?).map(String::as_str)
    }

    /// Returns the contradictions found.
    pub fn problems(&self) -> &[Problem] {
        self.problems.list()
    }
}

/// Adds the entry of a part to the manifest and chains it. The new head is unsigned.
pub(crate) fn push(manifest: &mut Manifest, mut entry: PartEntry) {
    let (parts, previous) = end(manifest);
    let sha256 = entry_digest(&manifest.case_id, &previous, &entry);
    entry.previous = Some(previous);
    manifest.parts.push(entry);
    set_head(manifest, parts.saturating_add(1), sha256);
}

/// Adds the entry of a dropped segment to the manifest and chains it. The new head is unsigned.
pub(crate) fn push_drop(manifest: &mut Manifest, mut drop: DropEntry) {
    let (parts, previous) = end(manifest);
    let sha256 = drop_digest(&manifest.case_id, &previous, &drop);
    (drop.entry, drop.previous) = (parts, previous);
    manifest.drops.push(drop);
    set_head(manifest, parts.saturating_add(1), sha256);
}

/// Sets the head of a case without parts.
pub(crate) fn start(manifest: &mut Manifest) {
    set_head(manifest, 0, START.to_owned());
}

/// Returns true if a text can be a word of a line.
pub(crate) fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Returns the number of entries and the digest of the last one.
fn end(manifest: &Manifest) -> (u64, String) {
    manifest.head.as_ref().map_or_else(|| (0, START.to_owned()), |head| (head.parts, head.sha256.clone()))
}

fn set_head(manifest: &mut Manifest, parts: u64, sha256: String) {
    if let Some(head) = manifest.head.take()
        && head.signature.is_some()
    {
        manifest.signed_head = Some(head);
    }
    manifest.head = Some(ChainHead { parts, sha256, signature: None, final_signature: None });
}
