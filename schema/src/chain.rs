//! The chain of sealed parts: each entry of case.json holds the digest of the one before, so that no part can be taken
//! out, put in or changed without changing every digest after it. Its end, the head, is what is signed and anchored.
//!
//! The digest of an entry is SHA-256 over one line of text, made of what the entry says:
//!
//! ```text
//! obit-part 1 CASE_ID PREVIOUS SHA256 BYTES ROWS FIRST_SEQ LAST_SEQ FILE
//! ```
//!
//! with a newline at the end, single spaces, 64 zeros as PREVIOUS of the first entry, and `-` for a place that is null.
//! The head's line is `obit-head 1 CASE_ID PARTS SHA256`; `docs/case-format.md` shows how to check both by hand.

use sha2::{Digest as _, Sha256};

use crate::digest::Digest;
use crate::manifest::{Head, Manifest, PartEntry};
use crate::problem::Problem;

/// What the first entry has in place of a digest, and what the head of no parts is.
pub const START: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// First word of the line of a head.
pub const HEAD_WORD: &str = "obit-head";
/// First word of the line of a closed case.
pub const CLOSED_WORD: &str = "obit-closed";

/// The digest of an entry that follows the one with the digest `previous`.
pub fn entry_digest(case_id: &str, previous: &str, entry: &PartEntry) -> String {
    let place = |seq: Option<u64>| seq.map_or_else(|| "-".to_owned(), |seq| seq.to_string());
    let PartEntry { sha256, bytes, rows, file, .. } = entry;
    let (first, last) = (place(entry.first_seq), place(entry.last_seq));
    let line = format!("obit-part 1 {case_id} {previous} {sha256} {bytes} {rows} {first} {last} {file}\n");
    Digest::from(Sha256::new_with_prefix(line)).to_string()
}

/// The line of a head, with its newline: what is signed, and what an anchor gets.
pub fn head_line(case_id: &str, parts: u64, sha256: &str) -> String {
    format!("{HEAD_WORD} 1 {case_id} {parts} {sha256}\n")
}

/// The line of a closed case, with its newline: what an anchor gets at the end. The digest is that of case.json.
pub fn closed_line(case_id: &str, manifest_sha256: &str) -> String {
    format!("{CLOSED_WORD} 1 {case_id} {manifest_sha256}\n")
}

/// The chain of a case as its manifest tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The digest after so many parts: the first is [`START`].
    heads: Vec<String>,
    /// What does not fit.
    problems: Vec<Problem>,
}

impl Chain {
    /// Follows the entries of a manifest; `None` if its recorder made no chain.
    pub fn follow(manifest: &Manifest) -> Option<Self> {
        if manifest.head.is_none() && manifest.parts.iter().all(|part| part.previous.is_none()) {
            return None;
        }
        let mut heads = vec![START.to_owned()];
        let mut problems = Vec::new();
        for part in &manifest.parts {
            let before = heads.last().map_or(START, String::as_str);
            if part.previous.as_deref() != Some(before) {
                problems.push(Problem::Unchained { file: part.file.clone() });
            }
            // From what the entry says itself, so that one break is one problem.
            let digest = entry_digest(&manifest.case_id, part.previous.as_deref().unwrap_or(START), part);
            heads.push(digest);
        }
        let chain = Self { heads, problems };
        let mut problems = chain.problems.clone();
        match &manifest.head {
            None => problems.push(Problem::Head { why: "case.json has no head of the chain".to_owned() }),
            Some(head) if head.parts != chain.parts() => {
                let (said, found) = (head.parts, chain.parts());
                problems.push(Problem::Head { why: format!("the head stands for {said} parts, {found} are listed") });
            }
            Some(head) if chain.after(head.parts) != Some(head.sha256.as_str()) => {
                problems.push(Problem::Head { why: "the head is not the digest of the last entry".to_owned() });
            }
            Some(_) => {}
        }
        // A line is words; an id with a space in it could say two things at once.
        if manifest.case_id.is_empty() || !manifest.case_id.bytes().all(|byte| byte.is_ascii_graphic()) {
            problems.push(Problem::Head { why: "the case's id is not one word".to_owned() });
        }
        Some(Self { problems, ..chain })
    }

    /// How many parts it has.
    pub fn parts(&self) -> u64 {
        (self.heads.len() as u64).saturating_sub(1)
    }

    /// The digest after so many parts.
    pub fn after(&self, parts: u64) -> Option<&str> {
        self.heads.get(usize::try_from(parts).ok()?).map(String::as_str)
    }

    /// What does not fit.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

/// Adds an entry to the manifest, chained to those before; the new head is unsigned.
pub(crate) fn push(manifest: &mut Manifest, mut entry: PartEntry) {
    let previous = match &manifest.head {
        Some(head) => head.sha256.clone(),
        None => START.to_owned(),
    };
    let sha256 = entry_digest(&manifest.case_id, &previous, &entry);
    entry.previous = Some(previous);
    manifest.parts.push(entry);
    set_head(manifest, sha256);
}

/// The head of a case without parts.
pub(crate) fn start(manifest: &mut Manifest) {
    set_head(manifest, START.to_owned());
}

fn set_head(manifest: &mut Manifest, sha256: String) {
    if let Some(head) = manifest.head.take()
        && head.signature.is_some()
    {
        manifest.signed_head = Some(head);
    }
    manifest.head = Some(Head { parts: manifest.parts.len() as u64, sha256, signature: None });
}
