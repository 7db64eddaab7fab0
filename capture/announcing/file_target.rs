//! A file of announcements that is rotated, or a FIFO or a device, which is not.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use obit_case::access::FileAccess;
use rustix::fs::{FileType, Mode, OFlags, open, stat};
use rustix::io::Errno;

/// Size at which a file is rotated, in bytes.
pub const ROTATED_BYTES: u64 = 64 << 20;
/// Number of older files that are kept, `PATH.1` the newest of them.
pub const OLDER_FILES: u32 = 4;

/// An open file of announcements.
#[derive(Debug)]
pub struct FileTarget {
    path: PathBuf,
    file: File,
    /// Bytes that it has; `None` for what is not rotated.
    size_bytes: Option<u64>,
    max_bytes: u64,
}

impl FileTarget {
    /// Opens a file to append to, which is rotated at `max_bytes`, a FIFO or a device.
    ///
    /// # Errors
    /// It cannot be opened, is a link, or is a file of another user that others may write.
    pub fn open(path: &Path, max_bytes: u64) -> Result<Self> {
        let kind = stat(path).map_or(FileType::RegularFile, |found| FileType::from_raw_mode(found.st_mode));
        let file = match open(path, flags(kind), Mode::RUSR | Mode::WUSR) {
            Err(Errno::LOOP) => bail!("it is a link: name the file that it leads to"),
            opened => File::from(opened?),
        };
        let access = FileAccess::of(&file)?;
        if !access.is_own_or_of_root() && access.is_writable_by_others() {
            bail!("it belongs to another user (uid {}) and others may write it: name a file of your own", access.uid());
        }
        let is_regular = access.file_type() == FileType::RegularFile;
        let size_bytes = if is_regular { Some(file.metadata()?.len()) } else { None };
        Ok(Self { path: path.to_owned(), file, size_bytes, max_bytes })
    }

    /// Returns the directory that rotation needs to write to, or `None` if there is no rotation.
    pub fn directory(&self) -> Option<&Path> {
        let parent = self.path.parent()?;
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        self.size_bytes.is_some().then_some(parent)
    }

    /// Appends lines; of lines that do not fit, nothing stays. Waits for whoever reads a FIFO.
    pub fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(size_bytes) = self.size_bytes else { return self.file.write_all(lines) };
        if size_bytes > 0 && size_bytes + lines.len() as u64 > self.max_bytes {
            self.rotate()?;
        }
        let before = self.size_bytes.unwrap_or_default();
        match self.file.write_all(lines) {
            Ok(()) => {
                self.size_bytes = Some(before + lines.len() as u64);
                Ok(())
            }
            Err(error) => {
                self.file.set_len(before)?;
                Err(error)
            }
        }
    }

    /// Renames the file and those before it, and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        for number in (1..OLDER_FILES).rev() {
            match fs::rename(self.older(number), self.older(number + 1)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        match fs::rename(&self.path, self.older(1)) {
            // Somebody else moved it, as logrotate does.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let flags = flags(FileType::RegularFile) | OFlags::EXCL;
        self.file = File::from(open(&self.path, flags, Mode::RUSR | Mode::WUSR)?);
        self.size_bytes = Some(0);
        Ok(())
    }

    fn older(&self, number: u32) -> PathBuf {
        let mut name = self.path.clone().into_os_string();
        name.push(format!(".{number}"));
        name.into()
    }
}

fn flags(kind: FileType) -> OFlags {
    let access = match kind {
        // Opened for both, a FIFO never breaks when its reader goes.
        FileType::Fifo => OFlags::RDWR,
        FileType::RegularFile => OFlags::WRONLY | OFlags::CREATE,
        _ => OFlags::WRONLY,
    };
    access | OFlags::APPEND | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NOFOLLOW
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_rotated_between_lines_and_the_oldest_goes() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("rows");
        fs::write(&path, "before\n").unwrap();
        let mut target = FileTarget::open(&path, 16).unwrap();
        for number in 0..12 {
            target.write(format!("line {number}\n").as_bytes()).unwrap();
        }
        // Two lines of 7 bytes are 14, three would be more than 16; of 8 bytes two fill a file.
        let read = |name: &str| fs::read_to_string(scratch.path().join(name)).unwrap();
        assert_eq!(read("rows"), "line 11\n");
        assert_eq!(read("rows.1"), "line 9\nline 10\n");
        assert_eq!(read("rows.4"), "line 3\nline 4\n");
        assert_eq!(fs::read_dir(&scratch).unwrap().count(), 1 + OLDER_FILES as usize);
    }

    #[test]
    fn a_device_that_is_full_takes_nothing_and_a_link_is_refused() {
        let mut target = FileTarget::open(Path::new("/dev/full"), ROTATED_BYTES).unwrap();
        assert_eq!(target.write(b"line\n").unwrap_err().kind(), io::ErrorKind::StorageFull);
        assert_eq!(target.directory(), None);
        let scratch = tempfile::tempdir().unwrap();
        let link = scratch.path().join("link");
        std::os::unix::fs::symlink("/dev/null", &link).unwrap();
        assert!(FileTarget::open(&link, ROTATED_BYTES).unwrap_err().to_string().contains("it is a link"));
    }
}
