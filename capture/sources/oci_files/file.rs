//! Opening a file that a runtime, or somebody who can start one, named.

use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use obit_derivation::WallNs;
use obit_derivation::record::Outcome;
use obit_schema::text::{escape, unescape};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, open, openat2, readlink};
use rustix::io::Errno;
use serde::{Serialize, Serializer};

use crate::host::file::{self, SizeHint};
use crate::sources::answer::PATH_BYTES;

/// The content of a file, with its owner and mode.
#[derive(Debug)]
pub struct FileContent {
    /// All of it.
    pub bytes: Vec<u8>,
    /// The owner and mode of the file.
    pub origin: FileOrigin,
    /// Time of its last change.
    pub changed_at: WallNs,
}

/// The owner and mode of a file. They are kept in the document of an answer, since a claim is as
/// good as its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FileOrigin {
    /// Owner.
    pub uid: u32,
    /// Permission bits, written in octal.
    #[serde(serialize_with = "octal")]
    pub mode: u16,
    /// Size in bytes.
    pub bytes: u64,
}

fn octal<S: Serializer>(mode: &u16, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{mode:04o}"))
}

/// Opens a directory by its absolute path on the host, spelt as in a record. Links lead at most to
/// the host's root.
///
/// # Errors
/// INVAL for a path that is not absolute, has `..` in it or is longer than a path can be, else the
/// kernel's.
pub fn open_directory(host_root: &Path, path: &str) -> Result<OwnedFd, Errno> {
    let path = harmless(path)?;
    open_on_host(host_root, path, OFlags::PATH | OFlags::DIRECTORY)
}

/// Opens a file of a directory, as [`open_directory`] does that. A link by the file's name is not
/// followed.
///
/// # Errors
/// LOOP if it is a link, else those of [`open_directory`].
pub fn open_file(host_root: &Path, directory: &str, name: &str) -> Result<OwnedFd, Errno> {
    let mut path = harmless(directory)?;
    path.push(b'/');
    path.extend_from_slice(name.as_bytes());
    open_on_host(host_root, path, FILE)
}

/// A file that is read: nothing that it may be instead of a regular one is waited for.
const FILE: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::NOCTTY);

fn open_on_host(host_root: &Path, path: Vec<u8>, flags: OFlags) -> Result<OwnedFd, Errno> {
    let flags = flags | OFlags::CLOEXEC;
    // Nothing leads out of this process's own root, so it need not be opened first.
    if host_root == Path::new("/") {
        return openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_MAGICLINKS);
    }
    let root = open(host_root, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    openat2(root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS)
}

/// Returns the bytes of an absolute path without `..`.
fn harmless(path: &str) -> Result<Vec<u8>, Errno> {
    let path = unescape(path);
    let is_harmless = path.starts_with(b"/")
        && path.len() <= PATH_BYTES
        && !path.contains(&0)
        && path.split(|&byte| byte == b'/').all(|part| part != b"..");
    is_harmless.then_some(path).ok_or(Errno::INVAL)
}

/// Returns the path of something open, without links, from the host's root, spelt as in a record. A
/// user's directory that links to another's must not pass for one of that user's own.
///
/// # Errors
/// The kernel's; NOENT if it lies outside the host's root.
pub fn real_path(host_root: &Path, opened: impl AsFd) -> Result<String, Errno> {
    let link = format!("/proc/self/fd/{}", opened.as_fd().as_raw_fd());
    let path = readlink(link, Vec::new())?.into_bytes();
    let root = readlink_root(host_root)?;
    let below = Path::new(OsStr::from_bytes(&path)).strip_prefix(root).map_err(|_| Errno::NOENT)?;
    Ok(format!("/{}", escape(below.as_os_str().as_bytes())))
}

fn readlink_root(host_root: &Path) -> Result<PathBuf, Errno> {
    std::fs::canonicalize(host_root).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}

/// Reads a file of a directory whole.
///
/// # Errors
/// Those of [`open_file`] and [`read_open`].
pub fn read(host_root: &Path, directory: &str, name: &str, limit: usize) -> Result<FileContent, Errno> {
    read_open(&open_file(host_root, directory, name)?, limit)
}

/// Reads an open file whole.
///
/// # Errors
/// FBIG if it is larger than `limit`, INVAL if it is no regular file, else the kernel's.
pub fn read_open(file: &OwnedFd, limit: usize) -> Result<FileContent, Errno> {
    let found = file::regular(file)?;
    let mut bytes = Vec::new();
    if file::read_into(file, &mut bytes, limit, SizeHint::Exact(found.stx_size))? {
        return Err(Errno::FBIG);
    }
    let origin = FileOrigin { uid: found.stx_uid, mode: found.stx_mode & 0o7777, bytes: found.stx_size };
    let (seconds, ns) = (found.stx_mtime.tv_sec, i64::from(found.stx_mtime.tv_nsec));
    let changed_at = WallNs(seconds.saturating_mul(1_000_000_000).saturating_add(ns));
    Ok(FileContent { bytes, origin, changed_at })
}

/// Returns the outcome for an error.
pub fn outcome_of(errno: Errno) -> Outcome {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Outcome::NotFound,
        Errno::ACCESS | Errno::PERM => Outcome::Denied,
        _ => Outcome::Invalid,
    }
}
