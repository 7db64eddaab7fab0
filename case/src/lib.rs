//! A case on disk: parts, journals, manifest, segments, the chain that proves them, writer and
//! reader.
//!
//! `docs/case-format.md` describes the format for other programs. `obit_schema` says what a row is,
//! table by table; this crate puts rows into files and takes them out again. [`writer`] and
//! [`reader`] are the two ways in.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod access;
pub mod anchor_line;
pub mod bounded;
pub mod chain;
mod counts;
mod directory;
pub mod error;
pub mod excerpt;
pub mod files;
mod guard;
pub mod handover;
pub mod hasher;
pub mod journal;
pub mod layout;
pub mod manifest;
pub mod merkle;
pub mod origin;
pub mod part;
pub mod problem;
mod problem_log;
pub mod reader;
mod record_tree;
pub mod signable;
pub mod signing;
mod threads;
pub mod time_stamp;
mod version;
pub mod writer;

pub use error::Error;
pub use manifest::Manifest;
pub use problem::Problem;
pub use reader::Case;
pub use version::{FORMAT, FormatVersion};
pub use writer::CaseWriter;
