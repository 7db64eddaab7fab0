//! Live directories, and the container that each has to do with.

use super::life_id::LifeId;
use crate::record::{CgroupId, CgroupKey, Seq};

/// The relation of a live directory to a container. Directories without one are not tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryRole {
    /// The life's root on this hierarchy.
    Root(LifeId),
    /// A directory that a runtime made for the life, but whose name does not say so: the life's
    /// root, unless the runtime goes on to make another one below it.
    Candidate(LifeId),
    /// A directory below the life's root.
    Inside(LifeId),
}

impl DirectoryRole {
    /// Returns the life that the directory has to do with.
    pub fn life_id(self) -> LifeId {
        match self {
            Self::Root(life_id) | Self::Candidate(life_id) | Self::Inside(life_id) => life_id,
        }
    }

    /// Returns the life that encloses a directory below this one, as far as known.
    pub fn encloses(self) -> Option<LifeId> {
        match self {
            Self::Root(life_id) | Self::Inside(life_id) => Some(life_id),
            Self::Candidate(_) => None,
        }
    }
}

/// A live directory that has to do with a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrackedDirectory {
    pub role: DirectoryRole,
    /// The record that first showed the directory.
    pub since: Seq,
    /// The event of its making was seen, so another such event is about another directory.
    pub is_made: bool,
}

impl TrackedDirectory {
    /// Tracks a directory whose making was seen.
    pub fn made(role: DirectoryRole, since: Seq) -> Self {
        Self { role, since, is_made: true }
    }

    /// Tracks a directory whose making was not seen, or not yet.
    pub fn found(role: DirectoryRole, since: Seq) -> Self {
        Self { role, since, is_made: false }
    }
}

/// Returns the key of another directory on the hierarchy of `key`.
pub(super) fn beside(key: CgroupKey, cgroup: CgroupId) -> CgroupKey {
    CgroupKey { hierarchy: key.hierarchy, cgroup }
}
