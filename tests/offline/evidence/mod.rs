//! Proof of a case: closed after a cut-off, signed, anchored, and tampered with in many ways.

mod bags;
mod closing;
mod dropping;
mod forgeries;
mod handovers;
pub mod keys;
mod tampering;
mod time_stamps;
