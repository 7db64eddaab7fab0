//! The programs that are OCI runtimes.

use crate::identity::engine::OciRuntime;
use crate::identity::path::split_last;

/// Returns true if a program, by its name or path, is an OCI runtime whose arguments
/// [`parse`](super::parse) reads. LXC's monitor is none.
#[must_use]
pub fn is_oci_runtime(program: &str) -> bool {
    oci_runtime(program).is_some()
}

/// Returns the OCI runtime that a program is, by its name or path.
pub(super) fn oci_runtime(program: &str) -> Option<OciRuntime> {
    let name = name(program);
    Some(match name {
        // The names under which distributions and products install runc, and forks and wrappers
        // that keep its command line: nvidia's toolkit executes runc with the same arguments.
        "runc"
        | "docker-runc"
        | "docker-runc-current"
        | "containerd-runc"
        | "buildkit-runc"
        | "balena-runc"
        | "sysbox-runc"
        | "nvidia-container-runtime"
        | "nvidia-container-runtime.real" => OciRuntime::Runc,
        "crun" | "krun" | "crun-krun" | "crun-wasm" => OciRuntime::Crun,
        "youki" => OciRuntime::Youki,
        "runsc" => OciRuntime::Runsc,
        // Kata 1 by itself and behind kata-deploy's wrappers, one for each hypervisor.
        "kata-runtime" | "kata-qemu" | "kata-fc" | "kata-clh" | "kata-acrn" | "kata-nemu" => OciRuntime::Kata,
        _ if is_shim_of_kata(name) => OciRuntime::Kata,
        _ => return None,
    })
}

/// Returns true for the shim of Kata 2 and later: a shim of containerd that makes the sandbox's
/// cgroups itself. There may be one for each configuration, `containerd-shim-kata-<name>-v2`.
pub(super) fn is_kata_shim(program: &str) -> bool {
    is_shim_of_kata(name(program))
}

fn is_shim_of_kata(name: &str) -> bool {
    name.strip_prefix("containerd-shim-kata-").is_some_and(|rest| rest == "v2" || rest.ends_with("-v2"))
}

fn name(program: &str) -> &str {
    if program.ends_with('/') { "" } else { split_last(program).1 }
}
