//! obit-capture as a library: recording the end of containers, with the evidence, into a case.
//!
//! The program (`main.rs`) maps outcomes to exit codes and nothing else; fuzz targets and benchmarks use this library too.
//! Records flow from [`sources`] through `pipeline` into a case; [`host`] is what the recorder reads of its host and gives up
//! on it; [`commands`] are what a user can ask for.

#![cfg(feature = "capture")]

pub mod cli;
pub mod commands;
pub mod host;
mod pipeline;
pub mod sources;

/// How a command that came to its end ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and nothing is missing.
    Complete,
    /// Capture cannot run on this host (`check`).
    NotHere,
    /// There is a case, and something is missing in it.
    Incomplete,
}
