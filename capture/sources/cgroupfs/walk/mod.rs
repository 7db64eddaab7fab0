//! A walk of one whole hierarchy.
//!
//! Each directory is opened relative to the one above it, so that a name that is exchanged for a
//! link, or a directory that vanishes under the walk, leads nowhere else. The walk holds one open
//! directory a level and no list of names.

use std::collections::BTreeSet;
use std::ffi::CStr;
use std::fmt;
use std::ops::ControlFlow;
use std::os::fd::{AsFd, OwnedFd};

use obit_derivation::record::{Directory, Outcome, SnapshotReason};
use obit_derivation::{CgroupId, CgroupKey, WallNs};
use obit_schema::details::DirectoryDetails;
use obit_schema::text::escape;
use rustix::fs::{Dir, FileType, Mode, OFlags, ResolveFlags, Statx, open, openat2};
use rustix::io::Errno;

use crate::host::file;
use crate::host::hierarchies::Hierarchy;
use crate::sources::cgroupfs::contents::{DirectoryReader, Occupancy};

/// Deepest level walked below the mount point. Real nesting (docker in docker in kubernetes) stays
/// below 30.
const MAX_DEPTH: usize = 256;
/// Most directories of one walk.
const MAX_DIRECTORIES: u64 = 4_000_000;
/// Inode of every hierarchy's real root (fs/kernfs/dir.c, kernfs_create_root: ids start at 1).
const ROOT_INODE: u64 = 1;
/// Paths kept below which a hierarchy was not read whole.
const MAX_UNREAD: usize = 256;
/// Errors whose text is kept.
const KEPT_ERRORS: usize = 16;

/// The result of a walk.
#[derive(Debug, Default)]
pub struct WalkSummary {
    /// Directories handed out.
    pub directories: u64,
    /// Directories that were gone before they could be opened: no error, their events tell.
    pub vanished: u64,
    /// Everything that made the walk incomplete.
    pub errors: u64,
    /// The first of them.
    pub first_errors: Vec<WalkError>,
    /// The paths below which it was not read whole, escaped. Those in a subtree that was given to a
    /// user are one: the user cannot make them many.
    unread: BTreeSet<String>,
    /// There were more of them than are kept, or the root could not be read.
    is_unread: bool,
    /// The mount, or the cgroup namespace, shows a part of the hierarchy only.
    pub partial: bool,
    /// The visitor ended the walk.
    pub stopped: bool,
}

impl WalkSummary {
    /// Returns true if every directory that was not handed out was absent at some moment of the
    /// walk.
    pub fn is_complete(&self) -> bool {
        self.errors == 0 && !self.is_unknown()
    }

    /// Returns true if nothing follows from any directory that was not handed out.
    fn is_unknown(&self) -> bool {
        self.partial || self.stopped || self.is_unread
    }

    /// Returns the parts that were not read, for the records that say so: the path below which
    /// something was not read, or `None` for the whole.
    pub fn unread_parts(&self) -> Vec<Option<String>> {
        match self.is_unknown() {
            true => vec![None],
            false => self.unread.iter().cloned().map(Some).collect(),
        }
    }
}

/// A part of the tree that could not be read.
#[derive(Debug)]
pub struct WalkError {
    /// The directory's path, escaped.
    pub path: String,
    /// The reason.
    pub cause: WalkErrorCause,
}

/// The reason why a part of the tree could not be read.
#[derive(Debug, thiserror::Error)]
pub enum WalkErrorCause {
    /// The kernel refused.
    #[error("{0}")]
    Kernel(#[from] Errno),
    /// Nested deeper than any container host nests.
    #[error("nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// More directories than a host can use.
    #[error("more than {MAX_DIRECTORIES} directories")]
    TooMany,
}

impl fmt::Display for WalkError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot read cgroup directory {}: {}", self.path, self.cause)
    }
}

/// Walks a hierarchy from its mount point down, each directory before those below it, in the
/// kernel's order.
///
/// `wants_files` says by its path whether the accounting files of a directory are read too; that
/// costs about twenty times the rest. `visit` gets every directory; on `Break` the walk ends.
pub fn walk(
    hierarchy: &Hierarchy,
    reason: SnapshotReason,
    wants_files: impl Fn(&str) -> bool,
    visit: impl FnMut(Directory<'static>, DirectoryDetails) -> ControlFlow<()>,
) -> WalkSummary {
    let mut walk = HierarchyWalk {
        hierarchy,
        reason,
        wants_files,
        visit,
        reader: DirectoryReader::default(),
        path: Vec::new(),
        levels: Vec::new(),
        summary: WalkSummary::default(),
    };
    walk.run();
    walk.summary
}

struct HierarchyWalk<'h, W, V> {
    hierarchy: &'h Hierarchy,
    reason: SnapshotReason,
    wants_files: W,
    visit: V,
    reader: DirectoryReader,
    /// Path of the directory at hand, below the mount point, raw.
    path: Vec<u8>,
    levels: Vec<WalkLevel>,
    summary: WalkSummary,
}

/// A directory whose children are being read.
struct WalkLevel {
    entries: Dir,
    own: ParentDirectory,
    /// Length of its path.
    path_bytes: usize,
}

/// The part of a directory that is told with each of its children.
#[derive(Clone, Copy)]
struct ParentDirectory {
    id: CgroupId,
    /// The owner of the directory.
    uid: u32,
}

impl<W, V> HierarchyWalk<'_, W, V>
where
    W: Fn(&str) -> bool,
    V: FnMut(Directory<'static>, DirectoryDetails) -> ControlFlow<()>,
{
    fn run(&mut self) {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let root = open(&self.hierarchy.mount_point, flags, Mode::empty());
        if self.enter(root, None, None).is_break() {
            return;
        }
        while let Some(level) = self.levels.last_mut() {
            self.path.truncate(level.path_bytes);
            match level.entries.read() {
                None => {
                    self.levels.pop();
                }
                Some(Err(errno)) => {
                    self.fail(errno.into());
                    self.levels.pop();
                }
                Some(Ok(entry)) => {
                    // kernfs gives every entry's type (fs/kernfs/dir.c, kernfs_fop_readdir).
                    let name = entry.file_name();
                    if entry.file_type() != FileType::Directory || name == c"." || name == c".." {
                        continue;
                    }
                    if self.child(name, CgroupId(entry.ino())).is_break() {
                        return;
                    }
                }
            }
        }
    }

    fn child(&mut self, name: &CStr, listed: CgroupId) -> ControlFlow<()> {
        let Some(level) = self.levels.last() else {
            return ControlFlow::Continue(());
        };
        let parent = level.own;
        let opened = level.entries.fd().and_then(|above| {
            openat2(
                above,
                name,
                OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC,
                Mode::empty(),
                ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_XDEV,
            )
        });
        if !self.path.is_empty() {
            self.path.push(b'/');
        }
        self.path.extend_from_slice(name.to_bytes());
        self.enter(opened, Some(parent), Some(listed))
    }

    /// Hands out the directory at hand and makes its children the next to be read. `listed` is the
    /// id by which the directory above lists it.
    fn enter(
        &mut self,
        opened: Result<OwnedFd, Errno>,
        parent: Option<ParentDirectory>,
        listed: Option<CgroupId>,
    ) -> ControlFlow<()> {
        if self.summary.directories >= MAX_DIRECTORIES {
            self.fail(WalkErrorCause::TooMany);
            return ControlFlow::Break(());
        }
        let read = opened.and_then(|directory| file::properties(&directory).map(|found| (directory, found)));
        let (directory, found) = match read {
            Ok(read) => read,
            Err(Errno::NOENT | Errno::NODEV) if parent.is_some() => {
                self.summary.vanished += 1;
                return ControlFlow::Continue(());
            }
            Err(errno) => {
                self.fail(errno.into());
                // The directory exists, though its content stays unknown.
                let Some(id) = listed else {
                    return ControlFlow::Continue(());
                };
                let details = DirectoryDetails { outcome: outcome_of(errno), ctime: None, files: Vec::new() };
                return self.hand_out(id, parent, Occupancy::default(), details);
            }
        };
        let id = CgroupId(found.stx_ino);
        if parent.is_none() {
            self.summary.partial = id.0 != ROOT_INODE;
        }
        let occupancy = self.reader.occupancy(directory.as_fd(), self.hierarchy.version);
        let files = if (self.wants_files)(&escape(&self.hierarchy.path_of(&self.path))) {
            self.reader.accounting(directory.as_fd(), self.hierarchy)
        } else {
            Vec::new()
        };
        let details = DirectoryDetails { outcome: Outcome::Ok, ctime: Some(ctime_of(&found)), files };
        self.hand_out(id, parent, occupancy, details)?;
        // kernfs counts subdirectories in the link count, two more than there are
        // (fs/kernfs/inode.c, kernfs_refresh_inode). Most cgroups have none, and listing their
        // dozens of files costs more than any other step.
        if found.stx_nlink != 2 {
            self.descend(directory, ParentDirectory { id, uid: found.stx_uid });
        }
        ControlFlow::Continue(())
    }

    fn descend(&mut self, directory: OwnedFd, own: ParentDirectory) {
        if self.levels.len() >= MAX_DEPTH {
            self.fail(WalkErrorCause::TooDeep);
            return;
        }
        match Dir::new(directory) {
            Ok(entries) => self.levels.push(WalkLevel { entries, own, path_bytes: self.path.len() }),
            Err(errno) => self.fail(errno.into()),
        }
    }

    fn hand_out(
        &mut self,
        id: CgroupId,
        parent: Option<ParentDirectory>,
        occupancy: Occupancy,
        details: DirectoryDetails,
    ) -> ControlFlow<()> {
        let directory = Directory {
            reason: self.reason,
            key: CgroupKey { hierarchy: self.hierarchy.id, cgroup: id },
            parent: parent.map(|above| above.id),
            parent_uid: parent.map(|above| above.uid),
            path: escape(&self.hierarchy.path_of(&self.path)).into_owned().into(),
            populated: occupancy.populated,
            pids: occupancy.pids,
        };
        self.summary.directories += 1;
        let flow = (self.visit)(directory, details);
        self.summary.stopped |= flow.is_break();
        flow
    }

    fn fail(&mut self, cause: WalkErrorCause) {
        self.summary.errors += 1;
        // The highest directory on the way that belongs to a user: whoever has a subtree may make
        // any number of directories there that cannot be read.
        let given = self.levels.iter().find(|level| level.own.uid != 0);
        let bytes = given.map_or(self.path.len(), |level| level.path_bytes.min(self.path.len()));
        let is_root = self.levels.is_empty();
        if is_root || matches!(cause, WalkErrorCause::TooMany) || self.summary.unread.len() >= MAX_UNREAD {
            self.summary.is_unread = true;
        } else {
            let path = escape(&self.hierarchy.path_of(&self.path[..bytes])).into_owned();
            self.summary.unread.insert(path);
        }
        if self.summary.first_errors.len() < KEPT_ERRORS {
            let path = escape(&self.hierarchy.path_of(&self.path)).into_owned();
            self.summary.first_errors.push(WalkError { path, cause });
        }
    }
}

/// Change time of the inode. kernfs sets it when the inode is first looked up, so it can be later
/// than the creation.
pub fn ctime_of(found: &Statx) -> WallNs {
    let seconds_ns = found.stx_ctime.tv_sec.saturating_mul(1_000_000_000);
    WallNs(seconds_ns.saturating_add(found.stx_ctime.tv_nsec.into()))
}

/// Returns the outcome for an error of the kernel's.
pub fn outcome_of(errno: Errno) -> Outcome {
    match errno {
        Errno::NOENT | Errno::NODEV | Errno::NOTDIR => Outcome::NotFound,
        Errno::ACCESS | Errno::PERM => Outcome::Denied,
        _ => Outcome::Invalid,
    }
}

#[cfg(test)]
mod tests;
