//! The golden cases: small recordings of real engines (fixtures/cases), replayed here without root.
//!
//! What the rows must be is in each case's `expected.tsv`, written from what was started. The digest of all their
//! values is in `digest.txt`, so that a change of the derivation shows in review; `BLESS=1 cargo test --test offline golden`
//! rewrites the digests and nothing else.

mod case;
mod commands;
mod rows;
mod secrets;
mod systemd;
