//! Opening of an anchor, and the writing of one line into it.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow, bail};
use obit_case::access::FileAccess;
use obit_schema::text::printable;
use rustix::fs::{FileType, Mode, OFlags, open, stat};
use rustix::io::Errno;

/// The name that stands for the system journal.
const JOURNAL: &str = "journal";
/// The journal's socket (systemd, "Native Journal Protocol").
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// An open anchor.
#[derive(Debug)]
pub struct AnchorTarget {
    /// Name of the anchor, printable.
    name: String,
    kind: TargetKind,
}

#[derive(Debug)]
enum TargetKind {
    /// A file that is appended to, or a device.
    File {
        file: File,
        /// True if the file does not end with a whole line.
        is_torn: bool,
    },
    /// A FIFO. Its reader may come later.
    Fifo(File),
    /// The journal's socket. Its path is looked up with each line: after a restart of the journal
    /// it is another socket.
    Journal(UnixDatagram, PathBuf),
}

impl AnchorTarget {
    /// Opens an anchor: a file to append to, a FIFO, or `journal`.
    ///
    /// # Errors
    /// It cannot be opened, is a link, or is a file of another user that others may write.
    pub fn open(name: &Path) -> Result<Self> {
        Self::open_with(name, Path::new(JOURNAL_SOCKET))
    }

    pub(super) fn open_with(path: &Path, journal: &Path) -> Result<Self> {
        let name = printable(&path.to_string_lossy()).into_owned();
        let kind = if path == Path::new(JOURNAL) { open_journal(journal) } else { open_file(path) };
        let kind = kind.with_context(|| format!("cannot open the anchor {name}"))?;
        Ok(Self { name, kind })
    }

    /// Returns the name, printable.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Writes a line. After an error it may be written again.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
        match &mut self.kind {
            TargetKind::File { file, is_torn } => {
                // What was cut off by a full disk, or by whoever wrote before, stays a line of its
                // own.
                let text = if *is_torn { format!("\n{line}") } else { line.to_owned() };
                *is_torn = true;
                file.write_all(text.as_bytes())?;
                *is_torn = false;
                match file.sync_data() {
                    // A device or a pipe has nothing to sync.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                    synced => synced,
                }
            }
            // A line is shorter than PIPE_BUF: written whole or not at all (pipe(7)).
            TargetKind::Fifo(fifo) => fifo.write_all(line.as_bytes()),
            TargetKind::Journal(socket, path) => {
                let message = format!("PRIORITY=5\nSYSLOG_IDENTIFIER=obit-capture\nMESSAGE={}\n", line.trim_end());
                socket.send_to(message.as_bytes(), path).map(drop)
            }
        }
    }
}

fn open_journal(path: &Path) -> Result<TargetKind> {
    // Fails now, and not at the end of a recording, if nobody listens.
    UnixDatagram::unbound().and_then(|socket| socket.connect(path))?;
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok(TargetKind::Journal(socket, path.to_owned()))
}

fn open_file(path: &Path) -> Result<TargetKind> {
    let kind = stat(path).map_or(FileType::RegularFile, |found| FileType::from_raw_mode(found.st_mode));
    let access = match kind {
        // Opened for both, a FIFO never waits for its other end and never breaks; of a file, the
        // last byte is read.
        FileType::Fifo => OFlags::RDWR,
        FileType::RegularFile => OFlags::RDWR | OFlags::CREATE,
        _ => OFlags::WRONLY,
    };
    let flags = access | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY | OFlags::NOFOLLOW;
    let file = match open(path, flags, Mode::RUSR | Mode::WUSR) {
        Err(Errno::LOOP) => return Err(anyhow!("it is a link: name the file that it leads to")),
        opened => File::from(opened?),
    };
    let access = FileAccess::of(&file)?;
    if !access.is_own_or_of_root() && access.is_writable_by_others() {
        let (uid, mode) = (access.uid(), access.permissions());
        bail!(
            "it belongs to another user (uid {uid}) and others may write it (mode {mode:04o}): name a file of your own"
        );
    }
    match access.file_type() {
        FileType::Fifo => Ok(TargetKind::Fifo(file)),
        FileType::RegularFile => Ok(TargetKind::File { is_torn: ends_within_a_line(&file)?, file }),
        _ => Ok(TargetKind::File { file, is_torn: false }),
    }
}

/// Returns true if the last line of a file has no end.
fn ends_within_a_line(file: &File) -> io::Result<bool> {
    let Some(last) = file.metadata()?.len().checked_sub(1) else { return Ok(false) };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    Ok(byte != *b"\n")
}
