//! What the recorder reads of its host, other than BPF: clocks, facts for the manifest, mounted cgroup hierarchies.
//!
//! Together with `snapshot` and `oci`, the only modules of the capture that look at /proc, /sys and clocks. From here on
//! everything is data.

pub mod capabilities;
pub mod case_dirs;
pub mod clock;
pub mod confine;
pub mod facts;
pub mod file;
pub mod hierarchies;
pub mod namespaces;
pub mod ntp;
#[cfg(test)]
pub mod testing;
