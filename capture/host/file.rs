//! Bounded reading of small files that somebody else may be writing, removing or forging.

use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags, openat, statx};
use rustix::io::{Errno, read, retry_on_intr};

/// What was read, and whether more was there than the bound allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bounded {
    /// At most the bound's number of bytes.
    pub bytes: Vec<u8>,
    /// The file holds more.
    pub truncated: bool,
}

/// Reads up to `limit` bytes of an open file, into a buffer that is used again.
///
/// # Errors
/// The kernel's; of a cgroup file, ENODEV when its directory was removed meanwhile.
pub fn read_into(file: impl AsFd, buffer: &mut Vec<u8>, limit: usize) -> Result<bool, Errno> {
    buffer.clear();
    loop {
        let have = buffer.len();
        // One byte over the limit tells a file that just fits from one that does not.
        let want = (limit + 1 - have).min(if have == 0 { 4096 } else { 64 << 10 });
        buffer.resize(have + want, 0);
        let count = match retry_on_intr(|| read(&file, &mut buffer[have..])) {
            Ok(count) => count,
            Err(errno) => {
                buffer.truncate(have);
                return Err(errno);
            }
        };
        buffer.truncate(have + count);
        if buffer.len() > limit {
            buffer.truncate(limit);
            return Ok(true);
        }
        if count == 0 {
            return Ok(false);
        }
    }
}

/// Reads up to `limit` bytes of `name` below an open directory, without following a link in its last component.
///
/// # Errors
/// The kernel's.
pub fn read_at(directory: impl AsFd, name: impl rustix::path::Arg, limit: usize) -> Result<Bounded, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = openat(directory, name, flags, Mode::empty())?;
    let mut bytes = Vec::new();
    let truncated = read_into(&file, &mut bytes, limit)?;
    Ok(Bounded { bytes, truncated })
}

/// Reads a small file of /proc or /sys as text, trimmed; `None` if it cannot be read or is over a page.
pub fn read_trimmed(path: &str) -> Option<String> {
    let Bounded { bytes, truncated } = read_at(CWD, path, 4096).ok()?;
    if truncated {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// The properties of an open file or directory itself.
///
/// # Errors
/// The kernel's.
pub fn properties(file: impl AsFd) -> Result<Statx, Errno> {
    statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
}

/// Refuses anything but a regular file: a FIFO would block, a device might do anything.
///
/// # Errors
/// EINVAL for another type, else the kernel's.
pub fn regular(file: OwnedFd) -> Result<(OwnedFd, Statx), Errno> {
    let properties = properties(&file)?;
    if FileType::from_raw_mode(properties.stx_mode.into()) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    Ok((file, properties))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_exactly_the_limit_is_whole_and_one_byte_more_is_not() {
        let directory = tempfile::tempdir().unwrap();
        for (size, truncated) in [(0, false), (9_999, false), (10_000, false), (10_001, true)] {
            let path = directory.path().join(size.to_string());
            std::fs::write(&path, vec![b'x'; size]).unwrap();
            let read = read_at(CWD, &path, 10_000).unwrap();
            assert_eq!((read.bytes.len(), read.truncated), (size.min(10_000), truncated), "{size} bytes");
        }
    }

    #[test]
    fn links_are_not_followed_and_a_fifo_is_no_regular_file() {
        let directory = tempfile::tempdir().unwrap();
        let link = directory.path().join("link");
        std::os::unix::fs::symlink("/etc/passwd", &link).unwrap();
        assert_eq!(read_at(CWD, &link, 10).unwrap_err(), Errno::LOOP);

        let fifo = directory.path().join("fifo");
        rustix::fs::mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR, 0).unwrap();
        let opened = openat(CWD, &fifo, OFlags::RDONLY | OFlags::NONBLOCK, Mode::empty()).unwrap();
        assert_eq!(regular(opened).unwrap_err(), Errno::INVAL);
    }
}
