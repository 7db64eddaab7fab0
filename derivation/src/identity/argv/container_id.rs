//! The grammars of container ids: each OCI runtime's own.

use crate::identity::engine::OciRuntime;
use crate::identity::path::{OCI_ID_BYTES_MAX, is_oci_id};

/// Tests a text against the grammar of a runtime's ids. Where versions differ, the widest counts.
pub(super) fn is_container_id(runtime: OciRuntime, text: &str) -> bool {
    match runtime {
        OciRuntime::Runc => is_oci_id(text),
        OciRuntime::Crun => is_crun_id(text),
        // youki: crates/libcontainer/src/container/builder.rs, validate_id. runsc:
        // runsc/container/container.go, validateID.
        OciRuntime::Youki | OciRuntime::Runsc => is_oci_id(text) && !text.contains(','),
        OciRuntime::Kata => is_kata_id(text),
    }
}

/// Tests for an id of crun. Before 1.28 it takes any text without a slash
/// (src/libcrun/status.c, validate_id), and `.` and `..` make no directory of its own.
fn is_crun_id(text: &str) -> bool {
    (1..=OCI_ID_BYTES_MAX).contains(&text.len()) && !text.contains('/') && text != "." && text != ".."
}

/// Tests for an id of Kata 1 (virtcontainers/pkg/oci, VerifyContainerID) or of its shim, whose ids
/// are containerd's (pkg/identifiers).
fn is_kata_id(text: &str) -> bool {
    is_oci_id(text)
        && text.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
        && !text.contains([',', '+'])
}
