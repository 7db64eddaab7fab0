//! What the recorder reads of its host, other than BPF: clocks, facts for the manifest, mounted cgroup hierarchies.
//!
//! Together with `snapshot` and `oci`, the only modules of the capture that look at /proc, /sys and clocks. From here on
//! everything is data.

pub(crate) mod capabilities;
pub(crate) mod case_dirs;
pub(crate) mod clock;
pub(crate) mod confine;
pub(crate) mod facts;
pub(crate) mod file;
pub mod hierarchies;
pub(crate) mod namespaces;
pub(crate) mod ntp;
#[cfg(test)]
pub(crate) mod testing;
