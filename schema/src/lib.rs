//! The rows of a case: tables and their columns, records to Arrow batches and back, text, the
//! canonical digest. This crate knows no files and starts no threads; `obit_case` holds a case on
//! disk. `docs/case-format.md` describes the tables for other programs.
//!
//! [`tables`] declares every column; [`encode`] and [`decode`] turn records into batches and back;
//! [`recorded`] compares recorded rows with derived ones; [`digest`] sums rows up, so that two
//! replays can be compared.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod column;
pub mod decode;
pub mod details;
pub mod digest;
pub mod encode;
pub mod error;
pub mod kind;
pub mod leaf;
mod netstring;
pub mod recorded;
pub mod tables;
pub mod text;
pub mod value;

pub use error::Error;
pub use tables::Table;

/// Version of the tables that this build writes: raised with each column, kind or enum value that
/// is added.
pub const SCHEMA_VERSION: u32 = 3;
