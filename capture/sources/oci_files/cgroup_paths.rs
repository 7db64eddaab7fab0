//! The directories of a container, from what its runtime wrote down.

use std::collections::BTreeMap;
use std::path::Path;

use obit_derivation::HierarchyId;
use obit_schema::text::escape;

use crate::host::hierarchies::{CgroupVersion, Hierarchies, Hierarchy};
use crate::sources::answer::PATH_BYTES;
use crate::sources::cgroupfs::open_directory;

/// A container's directory on one hierarchy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CgroupPath {
    /// The hierarchy.
    pub hierarchy: HierarchyId,
    /// Path from its root.
    pub path: String,
}

/// Returns the directories in runc's `cgroup_paths`: an absolute path by controller, `name=systemd`
/// or, for v2, `""`.
pub fn of_controllers(
    hierarchies: &Hierarchies,
    host_root: &Path,
    absolute_paths: &BTreeMap<String, String>,
) -> Vec<CgroupPath> {
    let mut places: Vec<CgroupPath> = Vec::new();
    for (controller, absolute) in absolute_paths {
        let Some(hierarchy) = hierarchies.mounted.iter().find(|one| carries(one, controller)) else {
            continue;
        };
        // The runtime sees the mount point without the prefix under which we see the host.
        let on_host = match hierarchy.mount_point.strip_prefix(host_root) {
            Ok(below) => Path::new("/").join(below),
            Err(_) => hierarchy.mount_point.clone(),
        };
        let Ok(below) = Path::new(absolute).strip_prefix(&on_host) else {
            continue;
        };
        let path = hierarchy.path_of(below.as_os_str().as_encoded_bytes());
        // Co-mounted controllers give the same directory twice.
        if is_plain(&path) && places.iter().all(|known| known.hierarchy != hierarchy.id) {
            places.push(CgroupPath { hierarchy: hierarchy.id, path: escape(&path).into_owned() });
        }
    }
    places.sort_by_key(|place| place.hierarchy);
    places
}

/// Returns the directories of crun's `cgroup-path`: the same path on every hierarchy that has a
/// directory there.
pub fn everywhere(hierarchies: &Hierarchies, path: &str) -> Vec<CgroupPath> {
    let path = format!("/{}", path.trim_matches('/'));
    if !is_plain(path.as_bytes()) {
        return Vec::new();
    }
    let path = escape(path.as_bytes()).into_owned();
    let exists = |hierarchy: &&Hierarchy| open_directory(hierarchy, &path).is_ok();
    let place = |hierarchy: &Hierarchy| CgroupPath { hierarchy: hierarchy.id, path: path.clone() };
    hierarchies.mounted.iter().filter(exists).map(place).collect()
}

/// Returns true if a state file of that owner may speak for a directory. root's may. Anybody else's
/// may only for directories that were delegated to that user, or every user could declare himself
/// the owner of every container.
pub fn may_claim(hierarchies: &Hierarchies, place: &CgroupPath, uid: u32) -> bool {
    if uid == 0 {
        return true;
    }
    let Some(hierarchy) = hierarchies.get(place.hierarchy) else {
        return false;
    };
    open_directory(hierarchy, &place.path).is_ok_and(|(_, found)| found.stx_uid == uid)
}

fn carries(hierarchy: &Hierarchy, controller: &str) -> bool {
    match hierarchy.version {
        CgroupVersion::V2 => controller.is_empty(),
        CgroupVersion::V1 => match controller.strip_prefix("name=") {
            Some(name) => hierarchy.name.as_deref() == Some(name),
            None => hierarchy.controllers.iter().any(|one| one == controller),
        },
    }
}

/// Returns true for a path below the root that needs no resolving. A container never owns the root
/// itself.
fn is_plain(path: &[u8]) -> bool {
    path.len() <= PATH_BYTES
        && path.strip_prefix(b"/").is_some_and(|below| {
            !below.contains(&0) && below.split(|&byte| byte == b'/').all(|part| !matches!(part, b"" | b"." | b".."))
        })
}
