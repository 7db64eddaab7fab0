//! The recorder's side of the process that announces rows.

use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::Child;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};

use super::COMMAND;
use super::target::AnnouncementTarget;
use crate::host::{frame, helper_process};

/// Longest time that the process may take to start.
const START_PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const MAX_ANSWER_BYTES: u64 = 16 << 10;

/// A process that has a target open and writes to it.
#[derive(Debug)]
pub struct AnnouncingProcess {
    pub(super) child: Child,
    pub(super) stream: UnixStream,
}

impl AnnouncingProcess {
    /// Starts the process, which opens the target.
    ///
    /// # Errors
    /// The target cannot be opened, or the process cannot be started.
    pub fn start(target: &AnnouncementTarget) -> Result<Self> {
        let (mut stream, theirs) = UnixStream::pair().context("cannot make a pair of sockets")?;
        let mut command = helper_process::command(OwnedFd::from(theirs));
        command.arg(COMMAND).arg(target.as_argument());
        let child = helper_process::start(&mut command).context("cannot start the process that announces")?;
        drop(command);
        stream.set_read_timeout(Some(START_PATIENCE))?;
        let answer = frame::read(&mut stream, MAX_ANSWER_BYTES).context("the process that announces gave no answer")?;
        let answer = answer.as_deref().and_then(frame::decode_answer);
        answer.context("the process that announces has ended")?.map_err(|why| anyhow!(why))?;
        stream.set_read_timeout(None)?;
        Ok(Self { child, stream })
    }
}
