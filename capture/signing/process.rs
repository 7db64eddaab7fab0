//! The recorder's side of the process that holds the key.

use std::fs::File;
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Child;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use obit_case::Error;
use obit_case::signing::{CaseSigner, open_key};
use rustix::stdio::dup2_stdin;

use super::{COMMAND, STANDARD_INPUT};
use crate::host::{frame, helper_process};

/// Longest time that the process may take to start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Longest time that a signature may take: nothing is written meanwhile.
const SIGN_PATIENCE: Duration = Duration::from_secs(5);
/// Longest answer, in bytes.
const MAX_ANSWER_BYTES: u64 = 16 << 10;

/// A process that holds the key and signs for this one.
#[derive(Debug)]
pub struct SigningProcess {
    fingerprint: String,
    channel: Mutex<SigningChannel>,
}

#[derive(Debug)]
struct SigningChannel {
    child: Child,
    stream: UnixStream,
}

impl SigningProcess {
    /// Starts the process and hands it the open file of the key; `-` is standard input, which is
    /// then closed here.
    ///
    /// # Errors
    /// The key cannot be used, or the process cannot be started.
    pub fn start(key: &Path) -> Result<Self> {
        let file = match key == Path::new(STANDARD_INPUT) {
            true => take_standard_input().context("cannot take the key from standard input")?,
            false => open_key(key)?,
        };
        let (stream, theirs) = UnixStream::pair().context("cannot make a pair of sockets")?;
        let mut command = helper_process::command(OwnedFd::from(theirs));
        command.arg(COMMAND).arg(key).stdin(file);
        let child = helper_process::start(&mut command).context("cannot start the process that holds the key")?;
        let mut channel = SigningChannel { child, stream };
        let fingerprint = channel.answer(START_PATIENCE).map_err(|why| anyhow!(why))?;
        Ok(Self { fingerprint, channel: Mutex::new(channel) })
    }

    /// Returns the fingerprint of its key, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl CaseSigner for SigningProcess {
    fn sign(&self, message: &[u8]) -> Result<String, Error> {
        let mut channel = self.channel.lock().unwrap_or_else(PoisonError::into_inner);
        channel.request(message, SIGN_PATIENCE).map_err(|why| Error::Sign { why })
    }
}

impl SigningChannel {
    fn request(&mut self, message: &[u8], patience: Duration) -> Result<String, String> {
        let mut stream = DeadlineStream { stream: &self.stream, deadline: Instant::now() + patience };
        let written = frame::write(&mut stream, message);
        written.map_err(|error| self.give_up(&error, patience))?;
        self.answer(patience)
    }

    fn answer(&mut self, patience: Duration) -> Result<String, String> {
        let mut stream = DeadlineStream { stream: &self.stream, deadline: Instant::now() + patience };
        let answer = match frame::read(&mut stream, MAX_ANSWER_BYTES) {
            Ok(message) => message.as_deref().and_then(frame::decode_answer).ok_or(ErrorKind::UnexpectedEof.into()),
            Err(error) => Err(error),
        };
        answer.unwrap_or_else(|error| Err(self.give_up(&error, patience)))
    }

    /// Ends the use of the process: an answer that is late would be taken for the next one. Returns
    /// the reason.
    fn give_up(&mut self, error: &io::Error, patience: Duration) -> String {
        let _ = self.stream.shutdown(Shutdown::Both);
        match error.kind() {
            ErrorKind::TimedOut | ErrorKind::WouldBlock => {
                format!("the process that holds the key gave no answer within {} s", patience.as_secs())
            }
            ErrorKind::UnexpectedEof | ErrorKind::BrokenPipe | ErrorKind::ConnectionReset => {
                // Collects it, too, so that it does not stay a zombie.
                let status = self.child.try_wait().ok().flatten();
                let status = status.map_or_else(String::new, |status| format!(" ({status})"));
                format!("the process that holds the key has ended{status}")
            }
            _ => format!("cannot talk to the process that holds the key: {error}"),
        }
    }
}

/// Returns standard input as a file, and leaves nothing in its place.
fn take_standard_input() -> io::Result<File> {
    let file = io::stdin().as_fd().try_clone_to_owned()?;
    dup2_stdin(File::open("/dev/null")?)?;
    Ok(file.into())
}

/// A stream whose reads and writes end at a moment, however often they are begun.
struct DeadlineStream<'a> {
    stream: &'a UnixStream,
    deadline: Instant,
}

impl DeadlineStream<'_> {
    fn time_left(&self) -> io::Result<Option<Duration>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(ErrorKind::TimedOut.into()) } else { Ok(Some(left)) }
    }
}

impl Read for DeadlineStream<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.time_left()?)?;
        self.stream.read(buffer)
    }
}

impl Write for DeadlineStream<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.time_left()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    /// Returns a channel to a process that never answers, and that process' end.
    fn channel() -> (SigningChannel, UnixStream) {
        let child = Command::new("true").spawn().unwrap();
        let (stream, theirs) = UnixStream::pair().unwrap();
        (SigningChannel { child, stream }, theirs)
    }

    #[test]
    fn a_process_that_does_not_answer_is_given_up() {
        let (mut channel, mut theirs) = channel();
        let patience = Duration::from_millis(50);
        let why = channel.request(b"first", patience).unwrap_err();
        assert!(why.contains("no answer within"), "{why}");
        // An answer to the first message must not be taken for one to the second.
        let _ = frame::write(&mut theirs, &frame::encode_answer(Ok("late")));
        assert!(channel.request(b"second", SIGN_PATIENCE).is_err());
        channel.child.wait().unwrap();
    }

    #[test]
    fn a_process_that_stops_within_an_answer_is_given_up() {
        let (mut channel, mut theirs) = channel();
        theirs.write_all(&[0, 0, 0, 100, b'+']).unwrap();
        let why = channel.request(b"first", Duration::from_millis(50)).unwrap_err();
        assert!(why.contains("no answer within"), "{why}");
        channel.child.wait().unwrap();
    }

    #[test]
    fn a_process_that_has_ended_is_told_with_its_status() {
        let (mut channel, theirs) = channel();
        drop(theirs);
        channel.child.wait().unwrap();
        let why = channel.request(b"first", SIGN_PATIENCE).unwrap_err();
        assert!(why.contains("has ended (exit status: 0)"), "{why}");
    }
}
