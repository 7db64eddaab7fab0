//! Real container engines for the live tests and the benchmarks.
//!
//! [`require_root`] takes the host for one test, [`Stage`] is a mount namespace of its own, and the
//! engines start containers in it: [`Containerd`], [`Docker`], [`Podman`], and runc or crun by hand
//! ([`Oci`]). The container ids that they return are the engines' own.

mod cgroups;
mod containerd;
mod daemon;
mod disk;
mod docker;
mod fake_daemon;
mod hanging_disk;
mod live;
mod oci;
mod podman;
mod stage;
mod test_cgroups;

pub use cgroups::Cgroups;
pub use containerd::Containerd;
pub use daemon::{Daemon, output, terminate, wait_within};
pub use disk::SmallDisk;
pub use docker::Docker;
pub use fake_daemon::{DaemonFault, FakeDaemon, LIAR_ID};
pub use hanging_disk::HangingDisk;
pub use live::{HostLock, require_root, wait_until};
pub use oci::{Oci, OciRuntime};
pub use podman::Podman;
pub use stage::{CgroupView, Stage};
pub use test_cgroups::{make_and_remove, test_cgroups, test_cgroups_named};

/// Command of a process that lives until it is killed.
pub const FOREVER: [&str; 2] = ["/bin/sleep", "1000"];
/// Shell script that doubles a variable until there is no memory left for it.
pub const HOG: &str = "x=0123456789abcdef; while :; do x=$x$x; done";

/// Command of a process that ends at once.
const AT_ONCE: &str = "/bin/true";
