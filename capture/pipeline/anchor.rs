//! The anchor: where the head of the chain of parts is written, off the case. Whoever cuts off or
//! swaps the case later cannot change it.

use std::collections::VecDeque;
use std::fs::File;
use std::io::{self, Write as _};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use anyhow::{Context, Error, Result, anyhow};
use rustix::fs::{FileType, Mode, OFlags};

/// The name that stands for the system journal.
const JOURNAL: &str = "journal";
/// The journal's socket (systemd, "Native Journal Protocol").
const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";
/// Lines that wait for a reader at most. Each head stands for all before it, so the oldest may go.
const MAX_WAITING: usize = 1024;

/// An open anchor.
#[derive(Debug)]
pub struct Anchor {
    name: PathBuf,
    target: AnchorTarget,
    waiting: VecDeque<String>,
    last: Option<String>,
    error: Option<Error>,
}

#[derive(Debug)]
enum AnchorTarget {
    /// A file that is appended to, or a device.
    File(File),
    /// A FIFO, which is never waited for.
    Fifo(File),
    /// The journal's socket. Its path is looked up with each line: after a restart of the journal
    /// it is another socket.
    Journal(UnixDatagram, PathBuf),
}

impl Anchor {
    /// Opens an anchor: a file to append to, a FIFO, or `journal`.
    pub fn open(name: &Path) -> Result<Self> {
        Self::open_with(name, Path::new(JOURNAL_SOCKET))
    }

    fn open_with(name: &Path, journal: &Path) -> Result<Self> {
        let cannot = || format!("cannot open the anchor {}", obit_schema::text::printable(&name.to_string_lossy()));
        let target = if name == Path::new(JOURNAL) {
            // Fails now, and not at the end of a recording, if nobody listens.
            UnixDatagram::unbound().and_then(|socket| socket.connect(journal)).with_context(cannot)?;
            let socket = UnixDatagram::unbound().with_context(cannot)?;
            socket.set_nonblocking(true).with_context(cannot)?;
            AnchorTarget::Journal(socket, journal.to_owned())
        } else {
            // A FIFO opened for both never waits for its other end and never breaks.
            let is_fifo = rustix::fs::stat(name).is_ok_and(|status| is_fifo(status.st_mode));
            let access = if is_fifo { OFlags::RDWR } else { OFlags::WRONLY | OFlags::CREATE };
            let flags = access | OFlags::APPEND | OFlags::NONBLOCK | OFlags::CLOEXEC | OFlags::NOCTTY;
            let fd = rustix::fs::open(name, flags, Mode::RUSR | Mode::WUSR).with_context(cannot)?;
            if is_fifo { AnchorTarget::Fifo(File::from(fd)) } else { AnchorTarget::File(File::from(fd)) }
        };
        Ok(Self { name: name.to_owned(), target, waiting: VecDeque::new(), last: None, error: None })
    }

    /// Writes a line unless it repeats the last one. A failure is reported at the end, and the
    /// capture goes on.
    pub fn write(&mut self, line: String) {
        if self.last.as_ref() != Some(&line) {
            self.last = Some(line.clone());
            self.waiting.push_back(line);
        }
        while let Some(line) = self.waiting.front() {
            match self.target.write(line) {
                Ok(()) => drop(self.waiting.pop_front()),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    // The next line tries again.
                    self.error = Some(error.into());
                    break;
                }
            }
        }
        if self.waiting.len() > MAX_WAITING {
            self.waiting.pop_front();
        }
    }

    /// Closes the anchor.
    ///
    /// # Errors
    /// Not all lines were written.
    pub fn finish(self) -> Result<()> {
        if self.waiting.is_empty() {
            return Ok(());
        }
        let error = self.error.unwrap_or_else(|| anyhow!("nobody reads it"));
        let name = self.name.to_string_lossy();
        Err(error.context(format!("the last {} lines did not reach the anchor {name}", self.waiting.len())))
    }
}

impl AnchorTarget {
    fn write(&mut self, line: &str) -> io::Result<()> {
        match self {
            Self::File(file) => {
                file.write_all(line.as_bytes())?;
                match file.sync_data() {
                    // A device or a pipe has nothing to sync.
                    Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                    synced => synced,
                }
            }
            // A line is shorter than PIPE_BUF: written whole or not at all (pipe(7)).
            Self::Fifo(fifo) => fifo.write_all(line.as_bytes()),
            Self::Journal(socket, path) => {
                let message = format!("PRIORITY=5\nSYSLOG_IDENTIFIER=obit-capture\nMESSAGE={}\n", line.trim_end());
                socket.send_to(message.as_bytes(), path).map(drop)
            }
        }
    }
}

fn is_fifo(mode: u32) -> bool {
    FileType::from_raw_mode(mode) == FileType::Fifo
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_gets_each_line_once_and_keeps_what_it_had() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("anchor");
        std::fs::write(&path, "before\n").unwrap();
        let mut anchor = Anchor::open(&path).unwrap();
        for line in ["a\n", "a\n", "b\n"] {
            anchor.write(line.to_owned());
        }
        anchor.finish().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\na\nb\n");
    }

    #[test]
    fn a_fifo_that_nobody_reads_holds_nothing_up() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let mut anchor = Anchor::open(&path).unwrap();
        for number in 0..100_000 {
            anchor.write(format!("line {number}\n"));
        }
        let error = anchor.finish().unwrap_err().to_string();
        assert!(error.contains("1024 lines") && error.contains("fifo"), "{error}");
    }

    /// Returns what waits at a journal's socket.
    fn received(journal: &UnixDatagram) -> Vec<String> {
        journal.set_nonblocking(true).unwrap();
        let mut buffer = [0; 4096];
        let next =
            || journal.recv(&mut buffer).ok().map(|length| String::from_utf8_lossy(&buffer[..length]).into_owned());
        std::iter::from_fn(next).collect()
    }

    #[test]
    fn the_journal_gets_a_field_a_line_and_may_be_started_again() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let name = Path::new(JOURNAL);
        let nobody = Anchor::open_with(name, &path).unwrap_err();
        assert!(format!("{nobody:#}").contains("cannot open the anchor journal"), "{nobody:#}");

        let journal = UnixDatagram::bind(&path).unwrap();
        let mut anchor = Anchor::open_with(name, &path).unwrap();
        anchor.write("obit-head 1 case 0 00\n".to_owned());
        let first = "PRIORITY=5\nSYSLOG_IDENTIFIER=obit-capture\nMESSAGE=obit-head 1 case 0 00\n";
        assert_eq!(received(&journal), [first]);

        drop(journal);
        anchor.write("obit-head 1 case 1 aa\n".to_owned());
        std::fs::remove_file(&path).unwrap();
        let journal = UnixDatagram::bind(&path).unwrap();
        anchor.write("obit-head 1 case 2 bb\n".to_owned());
        let received = received(&journal);
        assert!(
            received.len() == 2 && received[0].contains("case 1 aa") && received[1].contains("case 2 bb"),
            "{received:?}"
        );
        anchor.finish().unwrap();
    }

    #[test]
    fn a_journal_that_takes_nothing_holds_nothing_up() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let _journal = UnixDatagram::bind(&path).unwrap();
        let mut anchor = Anchor::open_with(Path::new(JOURNAL), &path).unwrap();
        // More than its queue takes (net.unix.max_dgram_qlen) and than wait here.
        for number in 0..100_000 {
            anchor.write(format!("line {number}\n"));
        }
        let error = anchor.finish().unwrap_err().to_string();
        assert!(error.contains("1024 lines"), "{error}");
    }
}
