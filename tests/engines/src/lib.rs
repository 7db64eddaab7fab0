//! Real container engines for the live tests and the benchmarks.
//!
//! [`require_root`] takes the host for one test, [`Stage`] is a mount namespace of its own, and the engines start
//! containers in it: [`Containerd`], [`Docker`], [`Podman`], and runc or crun by hand ([`Oci`]). The container ids that
//! they return are the engines' own.

mod cgroups;
mod containerd;
mod daemon;
mod disk;
mod docker;
mod fake;
mod grounds;
mod live;
mod oci;
mod podman;
mod stage;

pub use cgroups::Cgroups;
pub use containerd::Containerd;
pub use daemon::{Daemon, output, terminate, wait_within};
pub use disk::SmallDisk;
pub use docker::Docker;
pub use fake::{Fake, Fault, LIE};
pub use grounds::{grounds, grounds_named, storm};
pub use live::{Live, require_root, wait_until};
pub use oci::{Oci, OciRuntime};
pub use podman::Podman;
pub use stage::{Stage, View};

/// Command of a process that lives until it is killed.
const FOREVER: [&str; 2] = ["/bin/sleep", "1000"];
/// Command of a process that ends at once.
const AT_ONCE: &str = "/bin/true";
