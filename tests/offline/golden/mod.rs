//! The golden cases: small recordings of real engines (fixtures/cases), replayed here without root.
//!
//! Each case's `expected.tsv` has the rows that must come out, written from the containers that
//! were started. `digest.txt` has the digest of all their values, so that a change of the
//! derivation shows in review; `BLESS=1 cargo test --test offline golden` rewrites the digests and
//! nothing else.

mod case;
mod commands;
mod rows;
mod secrets;
mod systemd;

pub use case::{EVENTS, Golden};
