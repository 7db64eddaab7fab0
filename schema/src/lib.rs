//! The case format: what a capture writes and a replay reads. `docs/case-format.md` describes it for other programs.
//!
//! Where to look: [`tables`] declares every column; [`encode`] and [`decode`] turn records into batches and back;
//! [`writer`] and [`reader`] are a case on disk; [`digest`] is what two replays are compared by.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod chain;
mod column;
pub mod decode;
pub mod details;
pub mod digest;
mod directory;
pub mod encode;
pub mod error;
pub mod files;
mod guard;
pub mod journal;
pub mod kind;
pub mod manifest;
pub mod origin;
pub mod part;
pub mod print;
pub mod problem;
pub mod reader;
pub mod signing;
pub mod tables;
pub mod text;
pub mod value;
mod worker;
pub mod writer;
pub mod written;

pub use error::Error;
pub use manifest::Manifest;
pub use problem::Problem;
pub use reader::Case;
pub use tables::Table;
pub use writer::CaseWriter;

use manifest::Version;

/// The version of a case's layout that this build writes, and the newest major that it reads.
pub const FORMAT: Version = Version { major: 1, minor: 1 };

/// The version of the tables that this build writes: raised with each column, kind or enum value that is added.
pub const SCHEMA_VERSION: u32 = 1;
