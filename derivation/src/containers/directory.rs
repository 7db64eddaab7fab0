//! A live directory, and what it has to do with a container.

use crate::containers::life_table::LifeId;
use crate::identity::path;
use crate::record::{CgroupEvent, CgroupId, CgroupKey, Seq};

/// What a live directory has to do with a container. Directories that have nothing to do with one are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DirectoryRole {
    /// The life's root on this hierarchy.
    Root(LifeId),
    /// Made by a runtime for the life, but its name does not say so: its root, unless the runtime goes on to
    /// make another one below it.
    Candidate(LifeId),
    /// Below the life's root.
    Inside(LifeId),
}

impl DirectoryRole {
    pub fn life_id(self) -> LifeId {
        match self {
            Self::Root(number) | Self::Candidate(number) | Self::Inside(number) => number,
        }
    }

    /// The container that a directory below such a one is in, as far as known.
    pub fn encloses(self) -> Option<LifeId> {
        match self {
            Self::Root(number) | Self::Inside(number) => Some(number),
            Self::Candidate(_) => None,
        }
    }
}

/// A live directory that has to do with a container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TrackedDirectory {
    pub role: DirectoryRole,
    pub since: Seq,
    /// The event of its making was seen, so that another such event is about another directory.
    pub is_made: bool,
}

impl TrackedDirectory {
    /// A directory that a walk shows.
    pub fn walked(role: DirectoryRole, since: Seq) -> Self {
        Self { role, since, is_made: false }
    }
}

/// A directory as an event or a walk shows it, with what its path says.
pub(crate) struct ObservedDirectory<'a> {
    pub key: CgroupKey,
    pub parent: Option<CgroupId>,
    pub path: &'a str,
    pub identity: path::PathIdentity<'a>,
    /// The user who made or removed it, if that is one without privileges.
    pub user: Option<u32>,
}

impl<'a> ObservedDirectory<'a> {
    pub fn new(key: CgroupKey, parent: Option<CgroupId>, path: &'a str, truncated: bool) -> Self {
        // A cut path would be read as another name: it says nothing.
        let identity = if truncated { path::PathIdentity::default() } else { path::identify(path) };
        Self { key, parent, path, identity, user: None }
    }

    /// The directory that an event shows.
    pub fn of_event(event: &CgroupEvent<'a>) -> Self {
        Self::new(event.key, event.parent, event.path, event.path_truncated).by(event.actor.uid)
    }

    /// The same, by a task of that user.
    pub fn by(self, uid: u32) -> Self {
        Self { user: (uid != 0).then_some(uid), ..self }
    }
}

/// The key of a directory of the same hierarchy.
pub(crate) fn beside(key: CgroupKey, cgroup: CgroupId) -> CgroupKey {
    CgroupKey { hierarchy: key.hierarchy, cgroup }
}
