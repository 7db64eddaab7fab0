//! Commitments to the text of a record.

use sha2::{Digest as _, Sha256};

use super::salt::{Salt, SaltSeed};
use crate::digest::Digest;

/// Returns the commitment to the text of a group: SHA-256 over the salt and the text.
pub fn commitment(salt: &Salt, text: &[u8]) -> Digest {
    Digest::from(Sha256::new_with_prefix(salt.as_bytes()).chain_update(text))
}

/// A source of the commitments of records.
pub trait Commitments {
    /// Returns the commitment of a group of a record, by the group's number in its table. `text` is
    /// `None` if all its columns are null. A record without a commitment for a group does not have
    /// that entry.
    fn commitment(&mut self, seq: u64, group: u8, text: Option<&[u8]>) -> Option<Digest>;
}

/// The commitments that a recorder makes: each text is salted.
#[derive(Debug)]
pub struct SaltedCommitments {
    seed: SaltSeed,
    /// Salts of the last two groups, with the record and the pair that they belong to.
    last: Option<(u64, u8, [Salt; 2])>,
}

impl SaltedCommitments {
    /// Takes the secret of the case.
    pub fn new(seed: SaltSeed) -> Self {
        Self { seed, last: None }
    }

    /// Returns the salt of a group of a record. Asked for in order, one hash gives two salts.
    pub fn salt(&mut self, seq: u64, group: u8) -> Salt {
        let pair = group / 2;
        let [even, odd] = match self.last {
            Some((last_seq, last_pair, salts)) if (last_seq, last_pair) == (seq, pair) => salts,
            _ => {
                let salts = self.seed.salts(seq, pair);
                self.last = Some((seq, pair, salts));
                salts
            }
        };
        if group.is_multiple_of(2) { even } else { odd }
    }
}

impl Commitments for SaltedCommitments {
    fn commitment(&mut self, seq: u64, group: u8, text: Option<&[u8]>) -> Option<Digest> {
        text.map(|text| commitment(&self.salt(seq, group), text))
    }
}
