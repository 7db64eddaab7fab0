//! The sources of a record: the kernel's events, cgroupfs, the files of OCI runtimes, the answers
//! of daemons.

pub mod answer;
pub mod cgroupfs;
pub mod daemons;
pub mod kernel;
pub mod oci_files;
