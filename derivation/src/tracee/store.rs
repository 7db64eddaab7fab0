//! Tracee's maps of cgroup directories and of containers.
//!
//! The rules are those of `Manager` in pkg/datastores/container/containers.go. Two maps:
//! directories by the low 32 bits of their cgroup id, and containers by id. All directories and all
//! lives of a container share its entry, which is deleted 30 s after any of these directories was
//! removed: so Tracee loses containers.

use alloc::borrow::ToOwned;
use alloc::collections::{BTreeMap, BTreeSet};
use alloc::string::String;

use super::path::{ContainerPath, parse_cut_path, parse_path};
use crate::identity::Engine;
use crate::record::{BootNs, CgroupId, Seq};

/// Time for which a removed directory is kept, in nanoseconds (`expiryTime`, line 421).
const EXPIRY_NS: u64 = 30_000_000_000;

/// The key of a directory: the low 32 bits of its cgroup id (line 246).
type LowBits = u32;

/// A directory (`CgroupDir`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct CgroupDir {
    /// Id of its container; empty if it has nothing to do with one.
    container_id: String,
    is_root: bool,
    /// Time from which it may be forgotten; `None` is Go's zero time, which lies before any other.
    expires: Option<BootNs>,
    /// Record that its path is from.
    told_by: Seq,
}

/// The store's answer about a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DirectoryInfo<'a> {
    /// Id that its path names; empty if none.
    pub container_id: &'a str,
    /// True if its path ends in that container's name.
    pub is_root: bool,
    /// True if the container still has an entry.
    pub has_container: bool,
    /// Engine of that entry; `None` is Tracee's `unknown`.
    pub runtime: Option<Engine>,
    /// True if it was removed.
    pub is_removed: bool,
    /// Record that its path is from.
    pub told_by: Seq,
}

/// The two maps and the list of removed directories.
#[derive(Clone, Debug, Default)]
pub(super) struct CgroupStore {
    directories: BTreeMap<LowBits, CgroupDir>,
    containers: BTreeMap<String, Option<Engine>>,
    /// Removed directories that are still kept, by the time from which they may be forgotten.
    /// Tracee keeps a list and walks all of it on each removal; it forgets the same ones.
    ///
    /// Invariant: a pair `(expires, key)` is here only while `directories[key].expires == expires`.
    removed: BTreeSet<(Option<BootNs>, LowBits)>,
}

impl CgroupStore {
    /// Returns true if a directory with these low bits is known (`CgroupExists`).
    pub fn contains(&self, cgroup: CgroupId) -> bool {
        self.directories.contains_key(&low_bits(cgroup))
    }

    /// Takes a directory that a walk or an event shows (`cgroupUpdate`, lines 222 to 250).
    ///
    /// Overwrites an entry with the same low bits. If that one was removed, it stays on the list of
    /// removed ones, where its zero time now makes the next removal forget the new directory.
    pub fn update(&mut self, cgroup: CgroupId, path: &str, told_by: Seq) {
        self.insert(cgroup, parse_path(path), told_by);
    }

    /// Takes a directory of whose path the end is missing in the record. Tracee gets it whole.
    pub fn update_by_cut_path(&mut self, cgroup: CgroupId, path: &str, told_by: Seq) {
        self.insert(cgroup, parse_cut_path(path), told_by);
    }

    fn insert(&mut self, cgroup: CgroupId, named: Option<ContainerPath<'_>>, told_by: Seq) {
        let key = low_bits(cgroup);
        let container_id = named.map_or("", |named| named.container_id);
        let directory = CgroupDir {
            container_id: container_id.to_owned(),
            is_root: named.is_some_and(|named| named.is_root),
            expires: None,
            told_by,
        };
        self.containers.insert(container_id.to_owned(), named.and_then(|named| named.runtime));
        if let Some(before) = self.directories.insert(key, directory)
            && self.removed.remove(&(before.expires, key))
        {
            self.removed.insert((None, key));
        }
    }

    /// Takes the removal of a directory (`CgroupRemove`, lines 432 to 453): first forgets what is
    /// due, then puts this one on the list.
    pub fn remove(&mut self, cgroup: CgroupId, now: BootNs) {
        while let Some(&(expires, key)) = self.removed.first() {
            // Go's `After`: not yet at the very moment.
            if expires.is_some_and(|expires| now <= expires) {
                break;
            }
            self.removed.pop_first();
            if let Some(directory) = self.directories.remove(&key) {
                self.containers.remove(&directory.container_id);
            }
        }
        let key = low_bits(cgroup);
        if let Some(directory) = self.directories.get_mut(&key) {
            self.removed.remove(&(directory.expires, key));
            directory.expires = Some(BootNs(now.0.saturating_add(EXPIRY_NS)));
            self.removed.insert((directory.expires, key));
        }
    }

    /// Returns what is known of a directory that an event names (`GetCgroupInfo`, lines 504 to
    /// 546).
    ///
    /// Tracee looks for an unknown one in cgroupfs as it is then, and keeps one without a path if
    /// it is not found. What it would find there is not recorded; for the event of a removal it is
    /// nothing, as the directory is gone.
    pub fn look_up(&mut self, cgroup: CgroupId, asked_by: Seq) -> DirectoryInfo<'_> {
        if !self.contains(cgroup) {
            self.update(cgroup, "", asked_by);
        }
        self.get(cgroup).unwrap_or(DirectoryInfo {
            container_id: "",
            is_root: false,
            has_container: false,
            runtime: None,
            is_removed: true,
            told_by: asked_by,
        })
    }

    /// Returns what is known of a directory, if anything is.
    pub fn get(&self, cgroup: CgroupId) -> Option<DirectoryInfo<'_>> {
        let directory = self.directories.get(&low_bits(cgroup))?;
        let container = self.containers.get(&directory.container_id);
        Some(DirectoryInfo {
            container_id: &directory.container_id,
            is_root: directory.is_root,
            has_container: container.is_some(),
            runtime: container.copied().flatten(),
            is_removed: directory.expires.is_some(),
            told_by: directory.told_by,
        })
    }
}

fn low_bits(cgroup: CgroupId) -> LowBits {
    (cgroup.0 & u64::from(LowBits::MAX)) as LowBits
}
