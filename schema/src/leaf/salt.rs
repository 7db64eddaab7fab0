//! Salts of commitments, made from one secret of the case.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use sha2::{Digest as _, Sha256};

use crate::digest::Digest;

/// Salt of one commitment. Its text is lower-case hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Salt([u8; 16]);

impl Salt {
    /// Returns the bytes.
    pub fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Display for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl FromStr for Salt {
    type Err = NotASeed;

    fn from_str(text: &str) -> Result<Self, NotASeed> {
        // Twice the text is that of a digest, whose halves are the salt.
        let twice: Digest = [text, text].concat().parse().map_err(|_| NotASeed)?;
        Ok(halves(&twice)[0])
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// The secret that all salts of a case are made from. Whoever knows it can tell which text a
/// commitment of the case stands for, by trying; so an excerpt does not have it, and it is not
/// printed: `Debug` leaves it out.
#[derive(Clone, PartialEq, Eq)]
pub struct SaltSeed(Digest);

/// The error of a text that is not a seed or a salt in hex.
#[derive(Debug, thiserror::Error)]
#[error("a salt seed has 64 hex digits and a salt 32")]
pub struct NotASeed;

impl SaltSeed {
    /// Makes the seed from 32 random bytes.
    pub fn new(random: [u8; 32]) -> Self {
        Self(Digest::from_bytes(random))
    }

    /// Returns the seed in lower-case hex, to be kept with the case.
    pub fn to_hex(&self) -> String {
        self.0.to_string()
    }

    /// Returns the salts of two groups of a record: of the numbers 2 × `pair` and 2 × `pair` + 1.
    pub(super) fn salts(&self, seq: u64, pair: u8) -> [Salt; 2] {
        let mut input = [0; 41];
        let (seed, rest) = input.split_at_mut(32);
        seed.copy_from_slice(self.0.as_bytes());
        let (place, last) = rest.split_at_mut(8);
        place.copy_from_slice(&seq.to_be_bytes());
        last.copy_from_slice(&[pair]);
        halves(&Digest::from(Sha256::new_with_prefix(input)))
    }

    /// Returns the salt of a group of a record, by the group's number in its table.
    pub fn salt(&self, seq: u64, group: u8) -> Salt {
        let [even, odd] = self.salts(seq, group / 2);
        if group.is_multiple_of(2) { even } else { odd }
    }
}

impl fmt::Debug for SaltSeed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SaltSeed")
    }
}

impl FromStr for SaltSeed {
    type Err = NotASeed;

    fn from_str(text: &str) -> Result<Self, NotASeed> {
        text.parse().map(Self).map_err(|_| NotASeed)
    }
}

fn halves(digest: &Digest) -> [Salt; 2] {
    let (first, second) = digest.as_bytes().split_at(16);
    [first, second].map(|half| {
        let mut salt = [0; 16];
        salt.copy_from_slice(half);
        Salt(salt)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_group_of_each_record_has_a_salt_of_its_own() {
        let seed = SaltSeed::new([7; 32]);
        let mut salts: Vec<_> = (0..50)
            .flat_map(|seq| (0..16).map(move |group| (seq, group)))
            .map(|(seq, group)| seed.salt(seq, group).0)
            .collect();
        salts.sort_unstable();
        salts.dedup();
        assert_eq!(salts.len(), 50 * 16);
        assert_ne!(SaltSeed::new([8; 32]).salt(0, 0), seed.salt(0, 0));
    }

    #[test]
    fn texts_lead_back_and_the_seed_is_not_printed() {
        let seed = SaltSeed::new([0xab; 32]);
        assert_eq!(seed.to_hex().parse::<SaltSeed>().expect("hex"), seed);
        let salt = seed.salt(3, 1);
        assert_eq!(salt.to_string().parse::<Salt>().expect("hex"), salt);
        assert!(!format!("{seed:?}").contains("ab"));
        assert!("ab".parse::<Salt>().is_err() && "".parse::<SaltSeed>().is_err());
    }
}
