//! Identity: a container's id and engine, by the word of one source.
//!
//! [`path`] reads a cgroup path, [`argv`] the argument vector of an OCI runtime. Both are total:
//! any text gives an answer, and nothing is looked up.

pub mod argv;
mod engine;
pub mod path;

pub use engine::{Engine, OciRuntime};
