//! Checks the disk that a case would be written to.

use std::path::{Path, PathBuf};

use rustix::fs::{Access, StatVfsMountFlags, access, statfs, statvfs};

use super::report::CheckItem;

const GIB: u64 = 1 << 30;
const MIB: u64 = 1 << 20;
/// Enough for a busy day: a million containers take some 200 MiB.
const COMFORTABLE_BYTES: u64 = GIB;
/// Least space: the journal and a part of each table have to fit.
const LEAST_BYTES: u64 = 64 * MIB;
/// TMPFS_MAGIC and RAMFS_MAGIC of linux/magic.h.
const MEMORY_FILE_SYSTEMS: [u64; 2] = [0x0102_1994, 0x8584_58f6];

/// Examines the directory that a case would be made in.
pub fn examine(output: &Path) -> CheckItem {
    let name = "disk space";
    let existing = nearest_existing(output);
    let shown = existing.display();
    let advice = "choose another directory for the case";
    let (volume, kind) = match (statvfs(&existing), statfs(&existing)) {
        (Ok(volume), Ok(kind)) => (volume, kind),
        (Err(errno), _) | (_, Err(errno)) => return CheckItem::failed(name, format!("{shown}: {errno}"), advice),
    };
    if volume.f_flag.contains(StatVfsMountFlags::RDONLY) {
        return CheckItem::failed(name, format!("{shown} is read-only"), advice);
    }
    if let Err(errno) = access(&existing, Access::WRITE_OK) {
        return CheckItem::failed(name, format!("{shown} cannot be written: {errno}"), advice);
    }
    let free_bytes = volume.f_bavail.saturating_mul(volume.f_frsize);
    let in_memory = u64::try_from(kind.f_type).is_ok_and(|kind| MEMORY_FILE_SYSTEMS.contains(&kind));
    verdict(name, &shown.to_string(), free_bytes, in_memory)
}

fn verdict(name: &str, shown: &str, free_bytes: u64, in_memory: bool) -> CheckItem {
    let found = format!("{} MiB free at {shown}", free_bytes / MIB);
    if free_bytes < LEAST_BYTES {
        let advice = format!("free at least {} MiB, or choose another directory for the case", LEAST_BYTES / MIB);
        CheckItem::failed(name, found, advice)
    } else if in_memory {
        CheckItem::warning(
            name,
            format!("{found}, in memory"),
            "choose a directory on a disk: this one is gone after a power cut",
        )
    } else if free_bytes < COMFORTABLE_BYTES {
        CheckItem::warning(name, found, "enough for a short capture; a long one stops when the disk is full")
    } else {
        CheckItem::ok(name, found)
    }
}

/// Returns the nearest directory above a case that exists. The capture makes the ones below.
fn nearest_existing(output: &Path) -> PathBuf {
    let absolute = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    absolute.ancestors().find(|path| path.exists()).map_or_else(|| PathBuf::from("/"), Path::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::check::report::CheckStatus;

    #[test]
    fn little_space_warns_and_none_fails() {
        let status = |free_bytes, in_memory| verdict("disk space", "/x", free_bytes, in_memory).status;
        assert_eq!(status(2 * GIB, false), CheckStatus::Ok);
        assert_eq!(status(2 * GIB, true), CheckStatus::Warning);
        assert_eq!(status(GIB - 1, false), CheckStatus::Warning);
        assert_eq!(status(LEAST_BYTES, false), CheckStatus::Warning);
        assert_eq!(status(LEAST_BYTES - 1, false), CheckStatus::Failed);
    }

    #[test]
    fn a_case_that_does_not_exist_yet_is_judged_by_what_does() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().canonicalize().unwrap();
        assert_eq!(nearest_existing(&root.join("cases/2026/one")), root);
        assert_eq!(nearest_existing(Path::new(".")), std::env::current_dir().unwrap());
    }

    #[test]
    fn a_file_system_that_takes_no_files_fails() {
        // Neither root nor anybody else can write there.
        let item = examine(Path::new("/proc/self/case"));
        assert_eq!(item.status, CheckStatus::Failed, "{item:?}");
    }
}
