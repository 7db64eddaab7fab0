//! The case format: what a capture writes and a replay reads.

#![forbid(unsafe_code)]
#![warn(missing_docs)]

pub mod details;
