//! Directories that walks of cgroupfs saw.

use alloc::borrow::Cow;
use alloc::vec::Vec;

use super::ids::{CgroupId, CgroupKey, HierarchyId};
use super::names::names;

/// The reason for a walk of cgroupfs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SnapshotReason {
    /// The capture started.
    Start,
    /// A container root appeared and its own directory was read.
    Mkdir,
    /// Events were lost.
    Resync,
    /// The capture is about to stop.
    Stop,
}

/// A cgroup directory as cgroupfs showed it.
#[derive(Clone, Debug, PartialEq)]
pub struct Directory<'a> {
    /// The reason for reading it.
    pub reason: SnapshotReason,
    /// The directory.
    pub key: CgroupKey,
    /// The directory above it; `None` for a hierarchy's root or where it was not read.
    pub parent: Option<CgroupId>,
    /// The owner of the directory above it, who besides root may have made this one; `None` where
    /// it was not read.
    pub parent_uid: Option<u32>,
    /// Path from the hierarchy's root, with a leading `/`.
    pub path: Cow<'a, str>,
    /// True if a task was in it or below it; `None` if that could not be read.
    pub populated: Option<bool>,
    /// Process ids in it, in the initial pid namespace as far as it was visible.
    pub pids: Vec<u32>,
}

/// A part of a hierarchy that a walk could not read.
#[derive(Clone, Debug, PartialEq)]
pub struct UnreadPart<'a> {
    /// The hierarchy.
    pub hierarchy: HierarchyId,
    /// The directory below which it was not read whole; `None` if nothing follows from any
    /// directory missing in the hierarchy.
    pub below: Option<Cow<'a, str>>,
}

impl Directory<'_> {
    /// Returns the directory with a copy of its path.
    pub fn to_owned(&self) -> Directory<'static> {
        Directory { path: Cow::Owned(self.path.clone().into_owned()), pids: self.pids.clone(), ..*self }
    }
}

names!(SnapshotReason { Start => "start", Mkdir => "mkdir", Resync => "resync", Stop => "stop" });
