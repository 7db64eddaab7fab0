//! The parent of the process that asks daemons: starts it again when it has ended.
//!
//! A confined recorder can start no program, so this process is there from before. It waits for its
//! child, tells the recorder of the end, and discards what was asked until the recorder has taken
//! note: so no question is both given up and answered. It reads nothing that daemons say.

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::message::{PACKET_BYTES, RESTART, ServiceMessage};
use super::program::{self, take_standard_output};
use crate::Outcome;
use crate::host::{confine, helper_process};

/// Name of the hidden command that is this process.
pub const COMMAND: &str = "supervise-asking";

/// Pause before the child is started again. Each further one is twice as long.
pub const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(64);
/// A child that has lived as long as this counts as sound: the next pause is the first one.
const SOUND_LIFE: Duration = Duration::from_secs(600);

/// Runs the hidden command, whose arguments are those of the child, until the recorder closes its
/// end of the socket that is standard output.
///
/// # Errors
/// The channel is none, the process cannot give up what it does not need, or the child cannot be
/// started.
pub fn run(host_root: &Path) -> Result<Outcome> {
    confine::forbid_dumps()?;
    helper_process::outlive_signals()?;
    let socket = take_standard_output().context("cannot take over standard output")?;
    confine::keep_capabilities_for_daemons(host_root)?;
    let mut pauses = RestartPauses::default();
    loop {
        let began = Instant::now();
        let status = start(&socket)?.wait().context("cannot wait for the process that asks daemons")?;
        // The child has changed that for both.
        socket.set_nonblocking(false).context("cannot use the socket")?;
        let ended = serde_json::to_vec(&ServiceMessage::Ended(status.to_string()))?;
        let may_go_on = socket.send(&ended).is_ok() && wait_for_restart(&socket);
        if !may_go_on || has_more_within(&socket, pauses.after(began.elapsed()))? {
            return Ok(Outcome::Complete);
        }
    }
}

/// Starts the child.
fn start(socket: &UnixDatagram) -> Result<Child> {
    let messages: OwnedFd = socket.try_clone().context("cannot copy the socket")?.into();
    let mut command = helper_process::command(messages);
    command.stdin(Stdio::null()).arg(program::COMMAND).args(std::env::args_os().skip(2));
    helper_process::start(&mut command).context("cannot start the process that asks daemons")
}

/// Discards what was asked until the recorder says that the child may be started again. Returns
/// false if it has closed its end instead.
fn wait_for_restart(socket: &UnixDatagram) -> bool {
    let mut packet = vec![0; PACKET_BYTES];
    loop {
        match socket.recv(&mut packet) {
            Ok(length) if packet.get(..length) == Some(RESTART) => return true,
            Ok(1..) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Ok(0) | Err(_) => return false,
        }
    }
}

/// Waits this long. Returns true if there is something to read before: as the recorder asks nobody
/// who has not been started, that is the end.
fn has_more_within(socket: &UnixDatagram, pause: Duration) -> Result<bool> {
    let until = Instant::now() + pause;
    loop {
        let left = Timespec::try_from(until.saturating_duration_since(Instant::now())).context("a pause too long")?;
        match poll(&mut [PollFd::new(socket, PollFlags::IN)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error).context("cannot wait for the recorder"),
        }
    }
}

/// The pauses before the child is started again.
#[derive(Debug, Default)]
struct RestartPauses {
    last: Option<Duration>,
}

impl RestartPauses {
    /// Returns the pause after a child that lived this long.
    fn after(&mut self, life: Duration) -> Duration {
        let pause = match self.last {
            Some(last) if life < SOUND_LIFE => (last * 2).min(LONGEST_PAUSE),
            _ => FIRST_PAUSE,
        };
        *self.last.insert(pause)
    }
}

#[cfg(test)]
mod tests {
    use super::super::process::packet_pair;
    use super::*;

    #[test]
    fn pauses_double_up_to_a_bound_and_begin_anew_after_a_sound_life() {
        let mut pauses = RestartPauses::default();
        let seconds: Vec<_> = (0..8).map(|_| pauses.after(Duration::ZERO).as_secs()).collect();
        assert_eq!(seconds, [1, 2, 4, 8, 16, 32, 64, 64]);
        assert_eq!(pauses.after(SOUND_LIFE), FIRST_PAUSE);
        assert_eq!(pauses.after(Duration::ZERO), FIRST_PAUSE * 2);
    }

    #[test]
    fn what_was_asked_of_a_child_that_ended_is_discarded() {
        let (recorder, ours) = packet_pair().unwrap();
        recorder.send(b"a question").unwrap();
        recorder.send(RESTART).unwrap();
        recorder.send(b"the next one").unwrap();
        assert!(wait_for_restart(&ours));
        assert!(has_more_within(&ours, Duration::from_secs(60)).unwrap());
        drop(recorder);
        assert!(!wait_for_restart(&ours), "the recorder has ended");
    }

    #[test]
    fn a_pause_without_a_word_of_the_recorder_is_waited_for() {
        let (_recorder, ours) = packet_pair().unwrap();
        let begun = Instant::now();
        assert!(!has_more_within(&ours, Duration::from_millis(5)).unwrap());
        assert!(begun.elapsed() >= Duration::from_millis(5));
    }
}
