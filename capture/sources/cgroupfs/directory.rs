//! Reading of a single directory that an event named.

use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;

use obit_derivation::record::{Directory, Outcome, SnapshotReason};
use obit_derivation::{CgroupId, CgroupKey};
use obit_schema::details::DirectoryDetails;
use obit_schema::text::unescape;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, Statx, openat2};
use rustix::io::Errno;

use super::contents::DirectoryReader;
use super::walk::{ctime_of, outcome_of};
use crate::host::file;
use crate::host::hierarchies::Hierarchy;

/// Reads the directory that `path` (from the hierarchy's root, as a record spells it) leads to,
/// with its accounting files, if it still is the one with the id `expected`.
///
/// Always returns a record. A directory that is gone, or whose name another directory has by now,
/// has the outcome `NotFound`.
pub fn read_directory(
    hierarchy: &Hierarchy,
    path: &str,
    expected: CgroupId,
    reason: SnapshotReason,
) -> (Directory<'static>, DirectoryDetails) {
    let mut directory = Directory {
        reason,
        key: CgroupKey { hierarchy: hierarchy.id, cgroup: expected },
        parent: None,
        parent_uid: None,
        path: path.to_owned().into(),
        populated: None,
        pids: Vec::new(),
    };
    let mut details = DirectoryDetails { outcome: Outcome::NotFound, ctime: None, files: Vec::new() };
    match open_directory(hierarchy, path) {
        Err(errno) => details.outcome = outcome_of(errno),
        Ok((_, found)) if found.stx_ino != expected.0 => {}
        Ok((opened, found)) => {
            let mut reader = DirectoryReader::default();
            let occupancy = reader.occupancy(opened.as_fd(), hierarchy.version);
            directory.populated = occupancy.populated;
            directory.pids = occupancy.pids;
            details.files = reader.accounting(opened.as_fd(), hierarchy);
            details.ctime = Some(ctime_of(&found));
            details.outcome = Outcome::Ok;
        }
    }
    (directory, details)
}

/// Opens a directory by its path from the hierarchy's root; neither links nor other mounts are
/// followed.
pub(crate) fn open_directory(hierarchy: &Hierarchy, path: &str) -> Result<(OwnedFd, Statx), Errno> {
    let path = unescape(path);
    let below = hierarchy.below_mount(&path).ok_or(Errno::NOENT)?;
    if below.split(|&byte| byte == b'/').any(|part| part == b"..") {
        return Err(Errno::XDEV);
    }
    // Open the whole path at once from the root: opening the mount point by itself would take two
    // calls more for each directory, and keeping it open would keep the hierarchy mounted. The
    // kernel's list of mounts has no links in its paths.
    let mut whole = hierarchy.mount_point.as_os_str().as_bytes().to_vec();
    whole.push(b'/');
    whole.extend_from_slice(below);
    // O_PATH spares the kernel all that comes with a file that can be read.
    let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = openat2(CWD, whole, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    let found = file::properties(&opened)?;
    if (found.stx_dev_major, found.stx_dev_minor) != hierarchy.device {
        return Err(Errno::XDEV);
    }
    Ok((opened, found))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;
    use crate::host::hierarchies::{CgroupVersion, Hierarchies};
    use crate::host::testing::{OwnedCgroup, live};
    use obit_derivation::HierarchyId;

    fn hierarchies_without_a_mount() -> Hierarchy {
        Hierarchy {
            id: HierarchyId(4),
            version: CgroupVersion::V1,
            controllers: vec!["memory".to_owned()],
            name: None,
            mount_point: "/nonexistent".into(),
            device: (0, 4),
            mount_root: "/".to_owned(),
        }
    }

    #[test]
    fn a_directory_that_cannot_be_found_is_a_record_too() {
        let hierarchy = hierarchies_without_a_mount();
        for path in ["/docker/abc", "", "docker", "/../etc", "/a\0b", "//"] {
            let (directory, details) = read_directory(&hierarchy, path, CgroupId(7), SnapshotReason::Mkdir);
            assert!(matches!(details.outcome, Outcome::NotFound | Outcome::Invalid), "{path:?}: {details:?}");
            assert_eq!((directory.key.cgroup, directory.path.as_ref()), (CgroupId(7), path));
        }
    }

    #[test]
    fn root_a_directory_is_read_with_its_accounting_files() {
        if !live() {
            return;
        }
        let has = |controller: &'static str| {
            move |one: &Hierarchy| one.version == CgroupVersion::V1 && one.controllers.iter().any(|c| c == controller)
        };
        let v2 = |one: &Hierarchy| one.version == CgroupVersion::V2;
        let cases: [(Option<OwnedCgroup>, &str); 3] = [
            (OwnedCgroup::create(has("memory")), "memory.limit_in_bytes"),
            (OwnedCgroup::create(has("pids")), "pids.current"),
            (OwnedCgroup::create(v2), "cgroup.events"),
        ];
        let mut seen = 0;
        for (cgroup, expected_file) in cases {
            let Some(cgroup) = cgroup else { continue };
            let hierarchy = Hierarchies::read().unwrap().get(cgroup.view.id).unwrap().clone();
            let id = CgroupId(std::fs::metadata(cgroup.path()).unwrap().ino());
            let path = cgroup.view.mount_root.clone();

            let (directory, details) = read_directory(&hierarchy, &path, id, SnapshotReason::Mkdir);
            assert_eq!((details.outcome, directory.key.cgroup), (Outcome::Ok, id));
            assert!(details.files.iter().any(|(name, text)| name == expected_file && !text.is_empty()), "{details:?}");
            assert!(details.ctime.is_some());
            assert_eq!(directory.pids, [0_u32; 0]);

            let (_, stranger) = read_directory(&hierarchy, &path, CgroupId(id.0 + 1), SnapshotReason::Mkdir);
            assert_eq!((stranger.outcome, stranger.files.len()), (Outcome::NotFound, 0), "another life of that name");
            let out = format!("{path}/../../..");
            let (_, escaped) = read_directory(&hierarchy, &out, CgroupId(1), SnapshotReason::Mkdir);
            assert_ne!(escaped.outcome, Outcome::Ok, "a path never leads out of the mount");
            let elsewhere = Hierarchy { device: (0, 0), ..hierarchy };
            let (_, foreign) = read_directory(&elsewhere, &path, id, SnapshotReason::Mkdir);
            assert_ne!(foreign.outcome, Outcome::Ok, "nor into another mount");
            seen += 1;
        }
        assert!(seen > 0, "this host has a v2, memory or pids hierarchy");
    }
}
