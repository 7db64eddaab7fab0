//! Identity: a container's id and engine, by the word of one source.
//!
//! [`path`] reads a cgroup path, [`argv`] the argument vector of an OCI runtime,
//! [`runtime_process`] the name of a process of one. All are total: any text gives an answer, and
//! nothing is looked up.

pub mod argv;
mod engine;
pub mod path;
mod runtime_process;

pub use engine::{Engine, OciRuntime};
pub use runtime_process::{RuntimeProcess, runtime_process, task_name};
