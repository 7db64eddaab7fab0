//! obit-capture as a library: records the end of containers, with the evidence, into a case.
//!
//! The program (`main.rs`) maps outcomes to exit codes and nothing else; fuzz targets use this
//! library too. Records flow from [`sources`] through `pipeline` into a case. [`host`] reads the
//! recorder's host and confines the recorder on it; [`commands`] has a module for each command.

#![cfg(feature = "capture")]

pub mod announcing;
pub mod cli;
pub mod commands;
pub mod host;
mod pipeline;
pub mod signing;
pub mod sources;

/// The outcome of a command that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The command is done, and nothing is missing.
    Complete,
    /// A capture cannot run on this host (`check`).
    NotHere,
    /// The case is made, and something is missing in it.
    Incomplete,
}
