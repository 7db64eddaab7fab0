//! The anchor: where the head of the chain of parts is written, off the case. Whoever cuts off or
//! swaps the case later cannot change it.
//!
//! A thread of its own writes the lines: a disk or a network that is slow, full or hangs holds up
//! nobody else.

mod target;

use std::time::Instant;

use anyhow::{Context, Error, Result, anyhow};

use super::line_writer::{LineWriter, UnwrittenLines};

pub use self::target::AnchorTarget;

/// The queue of an anchor.
#[derive(Debug)]
pub struct Anchor {
    name: String,
    writer: LineWriter,
    /// The line handed over last.
    last: Option<String>,
}

impl Anchor {
    /// Starts the thread that writes to an anchor.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(mut target: AnchorTarget) -> Result<Self> {
        let name = target.name().to_owned();
        let writer = LineWriter::start("obit-anchor", move |line| target.write(line));
        Ok(Self { name, writer: writer.context("cannot start a thread")?, last: None })
    }

    /// Hands over a line unless it repeats the last one. Never waits.
    pub fn write(&mut self, line: String) {
        if self.last.as_ref() != Some(&line) {
            self.writer.push(&line);
            self.last = Some(line);
        }
    }

    /// Waits until all lines are written, at most until the deadline. Returns how many lines have
    /// not been written.
    pub fn flush(&self, deadline: Instant) -> u64 {
        self.writer.flush(deadline).err().map_or(0, |unwritten| unwritten.count)
    }

    /// Closes the anchor, at the latest at the deadline.
    ///
    /// # Errors
    /// Not all lines were written.
    pub fn finish(self, deadline: Instant) -> Result<()> {
        let Err(UnwrittenLines { count, error }) = self.writer.flush(deadline) else { return Ok(()) };
        let error = match error {
            None => anyhow!("it took too long to take them"),
            Some(error) if error.kind() == std::io::ErrorKind::WouldBlock => anyhow!("nobody reads it"),
            Some(error) => Error::from(error),
        };
        let name = &self.name;
        Err(error.context(format!("{count} lines did not reach the anchor {name}; the case itself has them")))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::UnixDatagram;
    use std::path::Path;
    use std::time::Duration;

    use rustix::fs::{FileType, Mode};

    use super::*;

    fn open(path: &Path) -> Anchor {
        Anchor::start(AnchorTarget::open(path).unwrap()).unwrap()
    }

    /// Opens the journal whose socket is at `socket`.
    fn open_journal(socket: &Path) -> Result<Anchor> {
        Anchor::start(AnchorTarget::open_with(Path::new("journal"), socket)?)
    }

    /// A deadline that a target which does its work keeps.
    fn late() -> Instant {
        Instant::now() + Duration::from_secs(60)
    }

    fn now() -> Instant {
        Instant::now()
    }

    /// Hands over more lines than the target takes and than wait here, and asserts that those that
    /// it lacks are told.
    fn assert_takes_few(mut anchor: Anchor, name: &str) {
        for number in 0..100_000 {
            anchor.write(format!("line {number}\n"));
        }
        let error = anchor.finish(now()).unwrap_err().to_string();
        let lacking: u64 = error.split(' ').next().and_then(|count| count.parse().ok()).unwrap();
        assert!((80_000..=100_000).contains(&lacking) && error.contains(name), "{error}");
    }

    #[test]
    fn a_file_gets_each_line_once_and_keeps_what_it_had() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("anchor");
        std::fs::write(&path, "before\n").unwrap();
        let mut anchor = open(&path);
        for line in ["a\n", "a\n", "b\n"] {
            anchor.write(line.to_owned());
        }
        anchor.finish(late()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before\na\nb\n");
    }

    #[test]
    fn a_line_that_was_cut_off_stays_a_line_of_its_own() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("anchor");
        std::fs::write(&path, "whole\ncut o").unwrap();
        let mut anchor = open(&path);
        anchor.write("next\n".to_owned());
        anchor.finish(late()).unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "whole\ncut o\nnext\n");
    }

    #[test]
    fn a_link_and_a_file_that_another_user_shares_are_refused() {
        let scratch = tempfile::tempdir().unwrap();
        let (path, link) = (scratch.path().join("anchor"), scratch.path().join("link"));
        std::fs::write(&path, "").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let refused = |path: &Path| format!("{:#}", AnchorTarget::open(path).unwrap_err());
        assert!(refused(&link).contains("it is a link"), "{}", refused(&link));
        std::fs::set_permissions(&path, PermissionsExt::from_mode(0o666)).unwrap();
        assert!(AnchorTarget::open(&path).is_ok(), "the recorder's user may share its own file");
        // Only root can give a file to somebody else.
        if rustix::process::geteuid().is_root() {
            std::os::unix::fs::chown(&path, Some(65534), None).unwrap();
            assert!(refused(&path).contains("uid 65534"), "{}", refused(&path));
        }
    }

    #[test]
    fn a_fifo_that_nobody_reads_holds_nothing_up() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let anchor = open(&path);
        assert_takes_few(anchor, "fifo");
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
        let nobody = open_journal(&path).unwrap_err();
        assert!(format!("{nobody:#}").contains("cannot open the anchor journal"), "{nobody:#}");

        let journal = UnixDatagram::bind(&path).unwrap();
        let mut anchor = open_journal(&path).unwrap();
        anchor.write("obit-head 1 case 0 00\n".to_owned());
        assert_eq!(anchor.flush(late()), 0);
        let first = "PRIORITY=5\nSYSLOG_IDENTIFIER=obit-capture\nMESSAGE=obit-head 1 case 0 00\n";
        assert_eq!(received(&journal), [first]);

        drop(journal);
        anchor.write("obit-head 1 case 1 aa\n".to_owned());
        std::fs::remove_file(&path).unwrap();
        let journal = UnixDatagram::bind(&path).unwrap();
        anchor.write("obit-head 1 case 2 bb\n".to_owned());
        assert_eq!(anchor.flush(late()), 0);
        let received = received(&journal);
        assert!(
            received.len() == 2 && received[0].contains("case 1 aa") && received[1].contains("case 2 bb"),
            "{received:?}"
        );
        anchor.finish(late()).unwrap();
    }

    #[test]
    fn a_journal_that_takes_nothing_holds_nothing_up() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let _journal = UnixDatagram::bind(&path).unwrap();
        let anchor = open_journal(&path).unwrap();
        // Its queue takes a few lines (net.unix.max_dgram_qlen).
        assert_takes_few(anchor, "journal");
    }
}
