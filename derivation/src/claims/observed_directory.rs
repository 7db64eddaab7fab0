//! A directory as an event or a walk shows it.

use crate::identity::path::{PathIdentity, identify};
use crate::record::{CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, Directory, ProcessAttach, Seq};

/// A directory as an event or a walk shows it, with what its path says.
pub(crate) struct ObservedDirectory<'a> {
    pub key: CgroupKey,
    pub parent: Option<CgroupId>,
    pub path: &'a str,
    /// True if the path is cut.
    pub is_path_cut: bool,
    pub identity: PathIdentity<'a>,
    /// True if tasks are in it or below it, as a walk or its removal showed.
    pub is_populated: Option<bool>,
    /// The record with which the walk began that shows it: what ended since may be in it yet.
    pub walk_began: Option<Seq>,
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
            is_path_cut: event.path_truncated,
            // The kernel removes no directory that has tasks.
            is_populated: (event.kind == CgroupEventKind::Rmdir).then_some(false),
            walk_began: None,
            identity: if event.path_truncated { PathIdentity::default() } else { identify(event.path) },
            user: Some(event.actor.uid).filter(|uid| *uid != 0),
        }
    }

    /// Reads the directory that a process was put into. A call of a runtime makes it a container's,
    /// not its path, which was there before.
    pub fn of_attach(attach: &ProcessAttach<'a>) -> Self {
        Self {
            key: attach.key,
            parent: None,
            path: attach.path,
            is_path_cut: attach.path_truncated,
            is_populated: None,
            walk_began: None,
            identity: PathIdentity::default(),
            user: Some(attach.mover.uid).filter(|uid| *uid != 0),
        }
    }

    /// Reads a directory from a walk. A user who may make directories there may have made this one.
    pub fn of_walk(directory: &'a Directory<'_>, walk_began: Option<Seq>) -> Self {
        Self {
            key: directory.key,
            parent: directory.parent,
            path: &directory.path,
            is_path_cut: false,
            is_populated: directory.populated,
            walk_began,
            identity: identify(&directory.path),
            user: directory.parent_uid.filter(|uid| *uid != 0),
        }
    }
}
