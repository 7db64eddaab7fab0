//! The destination of output: standard output, or a new file.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, StdoutLock, Write};
use std::path::{Path, PathBuf};

use anyhow::anyhow;

use super::pager::Pager;

/// An open destination. Call [`Destination::finish`] at the end: a file that was not finished is
/// removed, so that half an answer is never taken for a whole one.
pub enum Destination {
    /// Standard output.
    Stdout(BufWriter<StdoutLock<'static>>),
    /// A new file.
    File(NewFile),
    /// A pager on the terminal.
    Pager(BufWriter<Pager>),
}

/// A file that this program created.
pub struct NewFile {
    writer: BufWriter<File>,
    path: PathBuf,
    finished: bool,
}

impl Destination {
    /// Opens standard output, or a new file at `path`.
    pub fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        match path {
            Some(path) => Ok(Self::File(NewFile::create(path)?)),
            None => Ok(Self::Stdout(BufWriter::with_capacity(1 << 16, io::stdout().lock()))),
        }
    }

    /// Opens a destination for text that people read: as [`Self::open`], but a terminal gets a
    /// pager.
    pub fn for_people(path: Option<&Path>) -> anyhow::Result<Self> {
        match path.map_or_else(Pager::start, |_| None) {
            Some(pager) => Ok(Self::Pager(BufWriter::new(pager))),
            None => Self::open(path),
        }
    }

    /// Writes what is buffered, and syncs a file to the disk.
    pub fn finish(self) -> io::Result<()> {
        match self {
            Self::Stdout(mut stdout) => stdout.flush(),
            Self::File(file) => file.finish(),
            Self::Pager(mut pager) => pager.flush(),
        }
    }
}

impl NewFile {
    /// Creates the file, which must not exist.
    pub fn create(path: &Path) -> anyhow::Result<Self> {
        let file = OpenOptions::new().write(true).create_new(true).open(path).map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => {
                anyhow!("{} exists and is not overwritten; name another file or remove it first", path.display())
            }
            _ => anyhow!(error).context(format!("cannot create {} (check its directory)", path.display())),
        })?;
        let writer = BufWriter::with_capacity(1 << 16, file);
        Ok(Self { writer, path: path.to_owned(), finished: false })
    }

    /// Syncs the file to the disk. Without this, it is removed.
    pub fn finish(mut self) -> io::Result<()> {
        let written = self.writer.flush().and_then(|()| self.writer.get_ref().sync_all());
        written?;
        self.finished = true;
        Ok(())
    }
}

impl Write for NewFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.writer.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        // An unfinished file means that an error came first, and that error is the one to report.
        if !self.finished {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Write for Destination {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(file) => file.write(bytes),
            Self::Pager(pager) => pager.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
            Self::Pager(pager) => pager.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_existing_file_is_left_as_it_is() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rows");
        fs::write(&path, "before").expect("a file");
        let error = Destination::open(Some(&path)).err().expect("refused");
        assert!(error.to_string().contains("not overwritten"), "{error}");
        assert_eq!(fs::read(&path).expect("still there"), b"before");
    }

    #[test]
    fn half_an_answer_is_removed_and_a_whole_one_stays() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("rows");
        let mut half = Destination::open(Some(&path)).expect("new file");
        half.write_all(b"half").expect("writable");
        drop(half);
        assert!(!path.exists());
        let mut whole = Destination::open(Some(&path)).expect("new file");
        whole.write_all(b"whole").expect("writable");
        whole.finish().expect("writable");
        assert_eq!(fs::read(&path).expect("finished"), b"whole");
    }
}
