//! Commitments of records while an excerpt is made, and while it is checked.

use std::collections::BTreeMap;

use obit_case::excerpt::{RecordProof, TextProof};
use obit_schema::Table;
use obit_schema::digest::Digest;
use obit_schema::leaf::{Commitments, SaltSeed, SaltedCommitments, commitment, text_groups};

use super::text_columns::TextColumns;

/// Makes the commitments of a part's records again, and notes what an excerpt needs of them.
pub(super) struct NotedCommitments<'a> {
    table: Table,
    salted: SaltedCommitments,
    redacted: &'a TextColumns,
    /// Proofs of the current record's texts.
    texts: BTreeMap<String, TextProof>,
}

impl<'a> NotedCommitments<'a> {
    pub(super) fn new(table: Table, seed: SaltSeed, redacted: &'a TextColumns) -> Self {
        Self { table, salted: SaltedCommitments::new(seed), redacted, texts: BTreeMap::new() }
    }

    /// Takes the proofs of the record that was hashed last.
    pub(super) fn take(&mut self) -> BTreeMap<String, TextProof> {
        std::mem::take(&mut self.texts)
    }

    /// Forgets the proofs of the record that was hashed last.
    pub(super) fn forget(&mut self) {
        self.texts.clear();
    }
}

impl Commitments for NotedCommitments<'_> {
    fn commitment(&mut self, seq: u64, group: u8, text: Option<&[u8]>) -> Option<Digest> {
        let salt = self.salted.salt(seq, group);
        let digest = commitment(&salt, text?);
        let is_redacted = self.redacted.contains(self.table, group);
        let proof = if is_redacted { TextProof::Commitment(digest) } else { TextProof::Salt(salt) };
        let name = text_groups(self.table).get(usize::from(group))?.name;
        self.texts.insert(name.to_owned(), proof);
        Some(digest)
    }
}

/// The commitments of an excerpt's records, from the proofs that it carries.
pub(super) struct ProvenCommitments<'a> {
    table: Table,
    records: &'a BTreeMap<u64, (usize, &'a RecordProof)>,
    /// The first record that shows a text where its proof has a commitment.
    pub(super) shown: Option<u64>,
}

impl<'a> ProvenCommitments<'a> {
    pub(super) fn new(table: Table, records: &'a BTreeMap<u64, (usize, &'a RecordProof)>) -> Self {
        Self { table, records, shown: None }
    }
}

impl Commitments for ProvenCommitments<'_> {
    fn commitment(&mut self, seq: u64, group: u8, text: Option<&[u8]>) -> Option<Digest> {
        let name = text_groups(self.table).get(usize::from(group))?.name;
        let proof = self.records.get(&seq).and_then(|(_, record)| record.texts.get(name));
        match (proof, text) {
            (Some(TextProof::Salt(salt)), Some(text)) => Some(commitment(salt, text)),
            (Some(TextProof::Commitment(digest)), text) => {
                // What the commitment stands for is not in the excerpt; a text there is another.
                if text.is_some_and(|text| !is_blank(text)) {
                    self.shown.get_or_insert(seq);
                }
                Some(*digest)
            }
            // A text without a proof gets a commitment that is none: the leaf is then another.
            (None, Some(_)) => Some(Digest::from_bytes([0; 32])),
            (Some(TextProof::Salt(_)) | None, None) => None,
        }
    }
}

/// Returns true if the columns of a group are null or an empty text.
fn is_blank(text: &[u8]) -> bool {
    text.split_inclusive(|byte| matches!(byte, b'-' | b',')).all(|column| matches!(column, b"-" | b"0:,"))
}
