//! An open directory. All file operations of a case go through its descriptor, so that a path that
//! is swapped meanwhile leads nowhere else. They follow no link below a case, and overwrite nothing
//! but case.json.

use std::fs::File;
use std::io::{self, Read, Seek as _, SeekFrom};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{AtFlags, Dir, FileType, FlockOperation, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::access::FileAccess;
use crate::error::Error;
use crate::files::{Folder, OutputFile};

/// Mode of files: the recorder's user alone may read them, as a case says what ran on a host.
const FILE_MODE: Mode = Mode::RUSR.union(Mode::WUSR);
/// Mode of directories: the recorder's user alone may enter them.
const DIRECTORY_MODE: Mode = Mode::RWXU;
/// Mode of a directory that gives what is made in it to its group to read. Its set-group-id bit has
/// the kernel hand the group on.
const SHARED_MODE: Mode = Mode::SGID.union(Mode::RGRP).union(Mode::XGRP);
/// Most names that are read of a case's directories, more than any case has.
pub(crate) const MAX_NAMES: usize = 1 << 20;

/// The names in a directory.
#[derive(Debug, Default)]
pub(crate) struct NameList {
    /// The names; bytes that are not UTF-8 are replaced, which makes a name that no case has.
    pub(crate) names: Vec<String>,
    /// True if there are more.
    pub(crate) is_cut: bool,
}

/// An open directory.
#[derive(Debug)]
pub(crate) struct Directory {
    fd: OwnedFd,
    path: PathBuf,
}

impl Directory {
    /// Opens a directory that a user named; links to it are followed.
    pub(crate) fn open(path: &Path) -> Result<Self, Error> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let fd = rustix::fs::open(path, flags, Mode::empty()).map_err(Error::io("open", path))?;
        Ok(Self { fd, path: path.to_owned() })
    }

    /// Makes a directory, or opens an empty one that nobody else can write.
    pub(crate) fn create(path: &Path) -> Result<Self, Error> {
        match rustix::fs::mkdir(path, DIRECTORY_MODE) {
            Ok(()) => {
                // The case's name survives a power cut. A parent that may not be read is not
                // synced; that is no reason not to record.
                let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                if let Ok(parent) = File::open(parent) {
                    let _ = parent.sync_all();
                }
            }
            Err(Errno::EXIST) => {}
            Err(error) => return Err(Error::io("create", path)(error)),
        }
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = match rustix::fs::open(path, flags, Mode::empty()) {
            Err(Errno::NOTDIR | Errno::LOOP) => return Err(Error::Exists { path: path.to_owned() }),
            opened => opened.map_err(Error::io("open", path))?,
        };
        let directory = Self { fd, path: path.to_owned() };
        directory.check_is_private()?;
        match directory.list()?.is_empty() {
            true => Ok(directory),
            false => Err(Error::Exists { path: path.to_owned() }),
        }
    }

    /// Fails if another user owns the directory or may write it: whoever can rename what is in it
    /// can swap the case while it is written.
    fn check_is_private(&self) -> Result<(), Error> {
        let access = FileAccess::of(&self.fd).map_err(Error::io("read", &self.path))?;
        let why = if !access.is_own() {
            format!("belongs to another user (uid {})", access.uid())
        } else if access.is_writable_by_others() {
            format!("may be written by others (mode {:04o})", access.permissions())
        } else {
            return Ok(());
        };
        Err(Error::ForeignDirectory { path: self.path.clone(), why })
    }

    /// Returns true if whoever made the directory gave it to a group to read: by its set-group-id
    /// bit, which no directory has by accident.
    fn is_shared(&self) -> bool {
        FileAccess::of(&self.fd).is_ok_and(|access| Mode::from_raw_mode(access.permissions()).contains(SHARED_MODE))
    }

    /// Opens a directory in this one.
    pub(crate) fn child(&self, name: &str) -> Result<Self, Error> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::NOFOLLOW;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(Error::io("open", &path))?;
        Ok(Self { fd, path })
    }

    /// Opens a regular file for reading. Refuses a pipe or a device and does not wait for it.
    pub(crate) fn open_file(&self, name: &str) -> Result<File, Error> {
        let path = self.path.join(name);
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let fd = rustix::fs::openat(&self.fd, name, flags, Mode::empty()).map_err(Error::io("open", &path))?;
        let status = rustix::fs::fstat(&fd).map_err(Error::io("read", &path))?;
        match FileType::from_raw_mode(status.st_mode) {
            FileType::RegularFile => Ok(File::from(fd)),
            _ => Err(Error::Io { action: "read", path, cause: io::Error::other("it is not a regular file") }),
        }
    }

    /// Brings everything that was written to this file system to disk.
    pub(crate) fn sync_file_system(&self) -> Result<(), Error> {
        rustix::fs::syncfs(&self.fd).map_err(Error::io("sync", &self.path))
    }

    /// Locks the case for one writer, until this is dropped or the process ends.
    pub(crate) fn lock(&self) -> Result<(), Error> {
        match rustix::fs::flock(&self.fd, FlockOperation::NonBlockingLockExclusive) {
            Err(Errno::WOULDBLOCK) => Err(Error::Busy { path: self.path.clone() }),
            // A file system without locks is no reason not to record.
            Err(_) | Ok(()) => Ok(()),
        }
    }

    /// Returns true if a writer has locked the case. A writer that begins at this very moment may
    /// find it locked by this look.
    pub(crate) fn is_locked(&self) -> bool {
        match rustix::fs::flock(&self.fd, FlockOperation::NonBlockingLockShared) {
            Err(errno) => errno == Errno::WOULDBLOCK,
            Ok(()) => {
                // The lock is gone with this descriptor in any case.
                let _ = rustix::fs::flock(&self.fd, FlockOperation::Unlock);
                false
            }
        }
    }

    /// Lists the names that are UTF-8, sorted; no others are a case's.
    pub(crate) fn list(&self) -> Result<Vec<String>, Error> {
        let mut names = self.list_up_to(MAX_NAMES)?.names;
        names.retain(|name| !name.contains(char::REPLACEMENT_CHARACTER));
        Ok(names)
    }

    /// Lists the names, sorted, up to this number of them.
    pub(crate) fn list_up_to(&self, max_names: usize) -> Result<NameList, Error> {
        let read = || Error::io("list", &self.path);
        let mut list = NameList::default();
        for entry in Dir::read_from(&self.fd).map_err(read())? {
            let entry = entry.map_err(read())?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if list.names.len() >= max_names {
                list.is_cut = true;
                break;
            }
            list.names.push(String::from_utf8_lossy(name).into_owned());
        }
        list.names.sort_unstable();
        Ok(list)
    }
}

impl Folder for Directory {
    fn path(&self) -> &Path {
        &self.path
    }

    fn make_folder(&self, name: &str) -> Result<Arc<dyn Folder>, Error> {
        let path = self.path.join(name);
        let mode = if self.is_shared() { DIRECTORY_MODE | Mode::RGRP | Mode::XGRP } else { DIRECTORY_MODE };
        rustix::fs::mkdirat(&self.fd, name, mode).map_err(Error::io("create", &path))?;
        Ok(Arc::new(self.child(name)?))
    }

    fn create_file(&self, name: &str) -> Result<Box<dyn OutputFile>, Error> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
        let mode = if self.is_shared() { FILE_MODE | Mode::RGRP } else { FILE_MODE };
        let fd = rustix::fs::openat(&self.fd, name, flags, mode).map_err(Error::io("create", &self.path.join(name)))?;
        Ok(Box::new(File::from(fd)))
    }

    fn read_file(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error> {
        let file = self.open_file(name)?;
        let length = file.metadata().map_err(Error::io("read", &self.path.join(name)))?.len();
        Ok((Box::new(file), length))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), Error> {
        match rustix::fs::renameat_with(&self.fd, from, &self.fd, to, RenameFlags::NOREPLACE) {
            // This file system cannot refuse to replace, so look first.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                match rustix::fs::statat(&self.fd, to, AtFlags::SYMLINK_NOFOLLOW) {
                    Err(Errno::NOENT) => rustix::fs::renameat(&self.fd, from, &self.fd, to),
                    Err(error) => Err(error),
                    Ok(_) => Err(Errno::EXIST),
                }
            }
            renamed => renamed,
        }
        .map_err(Error::io("create", &self.path.join(to)))
    }

    fn replace(&self, from: &str, to: &str) -> Result<(), Error> {
        rustix::fs::renameat(&self.fd, from, &self.fd, to).map_err(Error::io("replace", &self.path.join(to)))
    }

    fn remove_file(&self, name: &str) -> Result<(), Error> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::empty()).map_err(Error::io("remove", &self.path.join(name)))
    }

    fn remove_folder(&self, name: &str) -> Result<(), Error> {
        rustix::fs::unlinkat(&self.fd, name, AtFlags::REMOVEDIR).map_err(Error::io("remove", &self.path.join(name)))
    }

    fn sync(&self) -> Result<(), Error> {
        rustix::fs::fsync(&self.fd).map_err(Error::io("sync", &self.path))
    }

    fn names(&self) -> Result<Vec<String>, Error> {
        self.list()
    }
}

impl OutputFile for File {
    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_case_is_readable_by_its_owner_only() {
        let scratch = tempfile::tempdir().unwrap();
        let case = Directory::create(&scratch.path().join("case")).unwrap();
        case.make_folder("raw").unwrap().create_file("part").unwrap();
        let mode = |path: &str| scratch.path().join(path).metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!((mode("case"), mode("case/raw"), mode("case/raw/part")), (0o700, 0o700, 0o600));
    }

    #[test]
    fn a_directory_that_was_given_to_a_group_to_read_hands_that_on() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("case");
        let mode = |path: &str| scratch.path().join(path).metadata().unwrap().permissions().mode() & 0o7777;
        for (given, folder, file) in [(0o2750, 0o2750, 0o640), (0o750, 0o700, 0o600), (0o2710, 0o2700, 0o600)] {
            std::fs::create_dir(&path).unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(given)).unwrap();
            let case = Directory::create(&path).unwrap();
            case.make_folder("raw").unwrap().create_file("part").unwrap();
            assert_eq!((mode("case/raw"), mode("case/raw/part")), (folder, file), "{given:o}");
            std::fs::remove_dir_all(&path).unwrap();
        }
    }

    #[test]
    fn an_empty_directory_that_others_may_write_is_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("case");
        std::fs::create_dir(&path).unwrap();
        for (mode, is_taken) in [(0o777, false), (0o770, false), (0o702, false), (0o1777, false), (0o755, true)] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            match Directory::create(&path) {
                Ok(_) => assert!(is_taken, "{mode:o}"),
                Err(error) => {
                    assert!(!is_taken && error.to_string().contains(&format!("{mode:04o}")), "{mode:o}: {error}");
                }
            }
        }
        // Only root can give a directory to somebody else.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            let error = Directory::create(&path).unwrap_err().to_string();
            assert!(error.contains("another user (uid 65534)"), "{error}");
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::open(scratch.path()).unwrap();
        std::fs::write(scratch.path().join("there"), "old").unwrap();
        std::fs::write(scratch.path().join("new"), "new").unwrap();
        assert!(directory.create_file("there").is_err());
        assert!(directory.rename("new", "there").is_err());
        assert_eq!(std::fs::read_to_string(scratch.path().join("there")).unwrap(), "old");
        assert!(matches!(Directory::create(scratch.path()), Err(Error::Exists { .. })));
        assert!(matches!(Directory::create(&scratch.path().join("there")), Err(Error::Exists { .. })));
    }

    #[test]
    fn links_and_pipes_are_not_read() {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::open(scratch.path()).unwrap();
        std::fs::write(scratch.path().join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink("secret", scratch.path().join("link")).unwrap();
        rustix::fs::mknodat(&directory.fd, "pipe", FileType::Fifo, FILE_MODE, 0).unwrap();
        assert!(directory.open_file("secret").is_ok());
        assert!(directory.open_file("link").is_err());
        assert!(directory.open_file("pipe").is_err());
    }
}
