//! The real engines. Each starts containers in a stage and removes them; the ids they return are the engines' own.

mod containerd;
mod docker;
mod oci;
mod podman;

pub use containerd::Containerd;
pub use docker::Docker;
pub use oci::{Oci, OciRuntime};
pub use podman::Podman;

/// A process that lives until it is killed, and one that ends at once.
const FOREVER: [&str; 2] = ["/bin/sleep", "1000"];
const AT_ONCE: &str = "/bin/true";
