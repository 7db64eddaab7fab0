//! The leaf of a record in the Merkle tree of its part: a hash that does not depend on Parquet,
//! Arrow or zstd, and that hides text behind commitments.
//!
//! `docs/case-format.md` defines it for other programs. A record of a raw table has, in byte order
//! of their names, these entries:
//!
//! - each column that is not null and belongs to no [`TextGroup`]: its value is
//!   `netstring(text of value)`, as in the canonical digest;
//! - each text group of which a column is not null: its value is a commitment of 32 bytes, SHA-256
//!   over a salt and the columns of the group, each as `netstring(text of value)` or `-` for a
//!   null.
//!
//! The shape of the record is SHA-256 over `netstring(table) netstring(name) …` of its entries, and
//! the leaf is SHA-256 over a zero byte, the shape and the values.
//!
//! Whoever gets the salt of a group beside its columns can check the commitment; without the salt
//! nobody can tell which text it stands for. So an excerpt of a case can leave text out and still
//! prove that its records stand in the whole case.

mod commitment;
mod entries;
mod hasher;
mod salt;
mod text_group;

pub use commitment::{Commitments, SaltedCommitments, commitment};
pub use hasher::LeafHasher;
pub use salt::{NotASeed, Salt, SaltSeed};
pub use text_group::{TextGroup, text_groups};
