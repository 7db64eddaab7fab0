//! A directory as an event or a walk shows it.

use crate::identity::path::{PathIdentity, identify};
use crate::record::{CgroupEvent, CgroupId, CgroupKey, Directory};

/// A directory as an event or a walk shows it, with what its path says.
pub(crate) struct ObservedDirectory<'a> {
    pub key: CgroupKey,
    pub parent: Option<CgroupId>,
    pub path: &'a str,
    pub identity: PathIdentity<'a>,
    /// The user without privileges who made or removed it, or may have; `None` for root.
    pub user: Option<u32>,
}

impl<'a> ObservedDirectory<'a> {
    /// Reads a directory from an event. A cut path would be read as another name, so it says
    /// nothing.
    pub fn of_event(event: &CgroupEvent<'a>) -> Self {
        Self {
            key: event.key,
            parent: event.parent,
            path: event.path,
            identity: if event.path_truncated { PathIdentity::default() } else { identify(event.path) },
            user: Some(event.actor.uid).filter(|uid| *uid != 0),
        }
    }

    /// Reads a directory from a walk. A user who may make directories there may have made this one.
    pub fn of_walk(directory: &'a Directory<'_>) -> Self {
        Self {
            key: directory.key,
            parent: directory.parent,
            path: &directory.path,
            identity: identify(&directory.path),
            user: directory.parent_uid.filter(|uid| *uid != 0),
        }
    }
}
