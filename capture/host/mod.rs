//! The recorder's host, other than BPF: clocks, facts for the manifest, mounted cgroup hierarchies,
//! and confinement.
//!
//! Besides `sources`, only these modules look at /proc, /sys and clocks. Everything they return is
//! data.

pub(crate) mod capabilities;
pub(crate) mod case_dirs;
pub(crate) mod clock;
pub(crate) mod confine;
pub(crate) mod facts;
pub(crate) mod file;
pub(crate) mod frame;
pub mod helper_process;
pub mod hierarchies;
pub(crate) mod namespaces;
pub(crate) mod ntp;
pub(crate) mod read_thread;
#[cfg(test)]
pub(crate) mod testing;
