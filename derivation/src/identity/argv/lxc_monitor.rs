//! The title of LXC's monitor, which makes and removes a container's directories.

use super::invocation::Invocation;
use super::verb::Verb;
use crate::identity::engine::Engine;
use crate::identity::path::{components, split_last};

/// Reads `[lxc monitor] <directory of the containers> <name>`, the title that a monitor gives
/// itself in place of its arguments (lxc/lxc src/lxc/lxccontainer.c, do_lxcapi_start).
///
/// The title does not say what is being done, as with the shim of Kata: a monitor serves its
/// container from the beginning to the end.
pub(super) fn read_lxc_monitor<'a>(argv: &[&'a str]) -> Option<Invocation<'a>> {
    let [title] = argv else { return None };
    let (directory, name) = title.strip_prefix("[lxc monitor] ")?.rsplit_once(' ')?;
    if name.is_empty() || name.contains('/') {
        return None;
    }
    Some(Invocation {
        oci_runtime: None,
        verb: Verb::Run,
        container_id: name,
        root: None,
        bundle: None,
        engine: Some(engine_of_directory(directory)),
        namespace: None,
        is_partial: false,
    })
}

/// Tells Incus and LXD, which use LXC's library, from LXC: their containers are in `<directory of
/// the daemon>/containers` (lxc/incus internal/server/sys/os.go, internal/util/paths.go:
/// `/var/lib/incus`; LXD: `/var/lib/lxd`, `/var/snap/lxd/common/lxd`).
fn engine_of_directory(directory: &str) -> Engine {
    let (above, last) = split_last(directory);
    let is_incus = last == "containers" && components(above).any(|component| matches!(component, "incus" | "lxd"));
    if is_incus { Engine::Incus } else { Engine::Lxc }
}
