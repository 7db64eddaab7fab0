//! Identity: a container's id and engine, by the word of one source.
//!
//! [`path`] reads a cgroup path, [`argv`] the argument vector of an OCI runtime,
//! [`runtime_process`] the name of a process of one, [`may_be_of_user`] whose directory a path may
//! be. All are total: any text gives an answer, and
//! nothing is looked up.

pub mod argv;
mod engine;
pub mod path;
mod place;
mod runtime_process;

pub use engine::{Engine, OciRuntime};
pub use place::may_be_of_user;
pub use runtime_process::{RuntimeProcess, runtime_process, task_name};
