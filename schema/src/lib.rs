//! What a row of a case is: tables and their columns, records to Arrow batches and back, text, the canonical digest. It knows
//! no files and starts no threads; a case on disk is `obit_case`'s. `docs/case-format.md` describes the tables for other programs.
//!
//! Where to look: [`tables`] declares every column; [`encode`] and [`decode`] turn records into batches and back;
//! [`digest`] is what two replays are compared by.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod column;
pub mod decode;
pub mod details;
pub mod digest;
pub mod encode;
pub mod error;
pub mod kind;
pub mod recorded;
pub mod tables;
pub mod text;
pub mod value;

pub use error::Error;
pub use tables::Table;

/// The version of the tables that this build writes: raised with each column, kind or enum value that is added.
pub const SCHEMA_VERSION: u32 = 1;
