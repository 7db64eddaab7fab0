//! Bounded reading of small files that somebody else may be writing, removing or forging.

use std::os::fd::AsFd;

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags, Statx, StatxFlags, openat, statx};
use rustix::io::{Errno, read, retry_on_intr};

/// The start of a file, read up to a bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundedRead {
    /// The bytes read.
    pub bytes: Vec<u8>,
    /// The file holds more.
    pub truncated: bool,
}

/// Knowledge of a file's size. It can spare the last read, which returns nothing: for a small
/// file, one call in three.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SizeHint {
    /// Nothing is known.
    Unknown,
    /// The file is of cgroupfs. A read fills a page with whole records and stops at the first that
    /// does not fit (fs/seq_file.c, `seq_read_iter`); a record is all of the file, whatever its
    /// size, or a line with a pid. So less than half a page is the whole file.
    Cgroupfs,
    /// The file is regular and has this size: a read that returns less than it was asked for has
    /// reached the end.
    Exact(u64),
}

/// Size of the first read if the size is unknown, and of a page of a sequential file.
const PAGE_BYTES: usize = 4096;
/// Largest read, in bytes.
const READ_BYTES: usize = 64 << 10;

/// Reads up to `limit` bytes of an open file into `buffer`, in place of what it held. Returns
/// whether the file has more.
///
/// # Errors
/// Those of read(2); for a cgroup file, ENODEV when its directory was removed meanwhile.
pub fn read_into(file: impl AsFd, buffer: &mut Vec<u8>, limit: usize, hint: SizeHint) -> Result<bool, Errno> {
    let first = match hint {
        SizeHint::Unknown | SizeHint::Cgroupfs => PAGE_BYTES,
        SizeHint::Exact(size) => usize::try_from(size).unwrap_or(usize::MAX).saturating_add(1).min(limit + 1),
    };
    buffer.clear();
    loop {
        let have = buffer.len();
        // One byte over the limit tells a file that just fits from one that does not.
        let want = (limit + 1 - have).min(if have == 0 { first } else { READ_BYTES });
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
        let is_over = match hint {
            SizeHint::Unknown => false,
            SizeHint::Cgroupfs => have == 0 && count < want && count < PAGE_BYTES / 2,
            SizeHint::Exact(size) => count < want && buffer.len() as u64 >= size,
        };
        if count == 0 || is_over {
            return Ok(false);
        }
    }
}

/// Reads up to `limit` bytes of `name` below an open directory, without following a link in its
/// last component.
///
/// # Errors
/// Those of openat(2) and read(2).
pub fn read_at(directory: impl AsFd, name: impl rustix::path::Arg, limit: usize) -> Result<BoundedRead, Errno> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = openat(directory, name, flags, Mode::empty())?;
    let mut bytes = Vec::new();
    let truncated = read_into(&file, &mut bytes, limit, SizeHint::Unknown)?;
    Ok(BoundedRead { bytes, truncated })
}

/// Reads a small file of /proc or /sys as text, trimmed; `None` if it cannot be read or is over a
/// page.
pub fn read_trimmed(path: &str) -> Option<String> {
    let BoundedRead { bytes, truncated } = read_at(CWD, path, 4096).ok()?;
    if truncated {
        return None;
    }
    Some(String::from_utf8_lossy(&bytes).trim().to_owned())
}

/// Returns the properties of an open file or directory.
///
/// # Errors
/// Those of statx(2).
pub fn properties(file: impl AsFd) -> Result<Statx, Errno> {
    statx(file, c"", AtFlags::EMPTY_PATH, StatxFlags::BASIC_STATS)
}

/// Returns the properties of a regular file. Refuses anything else: a FIFO would block, a device
/// might do anything.
///
/// # Errors
/// EINVAL for another type, else those of statx(2).
pub fn regular(file: impl AsFd) -> Result<Statx, Errno> {
    let properties = properties(file)?;
    if FileType::from_raw_mode(properties.stx_mode.into()) != FileType::RegularFile {
        return Err(Errno::INVAL);
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

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
    fn a_file_that_has_another_size_than_was_said_is_read_whole_all_the_same() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        std::fs::write(&path, vec![b'x'; 9_000]).unwrap();
        let mut bytes = Vec::new();
        for said in [0, 1, 8_999, 9_000, 9_001, 20_000, u64::MAX] {
            let opened = std::fs::File::open(&path).unwrap();
            assert_eq!(read_into(&opened, &mut bytes, 10_000, SizeHint::Exact(said)), Ok(false));
            assert_eq!(bytes.len(), 9_000, "a size of {said} was said");
            let opened = std::fs::File::open(&path).unwrap();
            assert_eq!(read_into(&opened, &mut bytes, 8_999, SizeHint::Exact(said)), Ok(true));
            assert_eq!(bytes.len(), 8_999);
        }
    }

    #[test]
    fn of_a_page_that_is_half_full_it_is_not_said_that_it_is_the_last() {
        // A pipe gives what was written, as cgroupfs gives what fits into a page.
        let (reader, mut writer) = std::io::pipe().unwrap();
        let mut bytes = Vec::new();
        writer.write_all(&[b'7'; 2047]).unwrap();
        assert_eq!(read_into(&reader, &mut bytes, 32_768, SizeHint::Cgroupfs), Ok(false));
        assert_eq!(bytes.len(), 2047, "and the pipe, still open, was not waited for");
        writer.write_all(&[b'7'; 2048]).unwrap();
        drop(writer);
        assert_eq!(read_into(&reader, &mut bytes, 32_768, SizeHint::Cgroupfs), Ok(false));
        assert_eq!(bytes.len(), 2048);
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
