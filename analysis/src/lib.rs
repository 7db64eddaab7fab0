//! Analyses of a case, as values and iterators: the rows that follow from its records, their
//! comparison with the recorded rows, the proof behind its files, and the records and rules behind
//! one container's rows.
//!
//! Nothing is printed here; `obit-replay` is a command line over this crate. Damage of a case is
//! never an [`Error`]: it is a [`Problem`](obit_case::Problem) beside the answer, and
//! [`problems::effect`] tells what it does to that answer.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod attachments;
pub mod case_state;
pub mod cases;
pub mod clock_quality;
pub mod compare;
pub mod contents;
pub mod derive;
pub mod diff;
mod error;
pub mod evidence;
pub mod excerpt;
pub mod explain;
pub mod export;
pub mod filter;
pub mod inventory;
pub mod json;
pub mod lake;
mod life_key;
pub mod order;
pub mod origin;
pub mod pairing;
pub mod problems;
pub mod profile;
pub mod span;
pub mod triage;
pub mod verdict_text;
pub mod verify;

pub use error::Error;
