//! Who else may have a hand in a file or directory: its owner and its permission bits.

use std::os::fd::AsFd;

use rustix::fs::{FileType, Mode, RawMode, fstat};
use rustix::io::Errno;
use rustix::process::geteuid;

/// The owner, type and permission bits of something that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FileAccess {
    uid: u32,
    mode: RawMode,
}

impl FileAccess {
    /// Reads them.
    ///
    /// # Errors
    /// Those of fstat(2).
    pub fn of(file: impl AsFd) -> Result<Self, Errno> {
        let found = fstat(file)?;
        Ok(Self { uid: found.st_uid, mode: found.st_mode })
    }

    /// Returns the user id of the owner.
    pub fn uid(self) -> u32 {
        self.uid
    }

    /// Returns the type.
    pub fn file_type(self) -> FileType {
        FileType::from_raw_mode(self.mode)
    }

    /// Returns the permission bits.
    pub fn permissions(self) -> RawMode {
        self.mode & 0o7777
    }

    /// Returns true if this process's user is the owner.
    pub fn is_own(self) -> bool {
        self.uid == geteuid().as_raw()
    }

    /// Returns true if the owner is this process's user or root.
    pub fn is_own_or_of_root(self) -> bool {
        self.uid == 0 || self.is_own()
    }

    /// Returns true if group or others may write it.
    pub fn is_writable_by_others(self) -> bool {
        Mode::from_raw_mode(self.mode).intersects(Mode::WGRP | Mode::WOTH)
    }

    /// Returns true if group or others may do anything with it.
    pub fn is_open_to_others(self) -> bool {
        Mode::from_raw_mode(self.mode).intersects(Mode::RWXG | Mode::RWXO)
    }
}
