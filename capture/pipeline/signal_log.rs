//! The signals to a recorder. Who sent those that end a recording is part of the record.

use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result};
use obit_schema::text::{escape, printable, time};
use procfs::process::Process;
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::backend::Handle;
use signal_hook::iterator::exfiltrator::origin::{Origin, WithOrigin};
use signal_hook::low_level::signal_name;

use super::drain::{DrainCommand, DrainCommands};
use super::input::SequencerInput;
use super::messages::MessageOutput;
use super::progress::Progress;
use crate::host::clock::ClockPair;

/// Signals that end a recording.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// The signal on which the recorder says how it fares.
const STATUS: i32 = SIGUSR1;
/// The signal on which it seals the open parts of the case.
const SEAL: i32 = SIGUSR2;
/// Signals that are logged at most. Later ones still end the recording.
const MAX_LOGGED: usize = 100;

/// The handlers of signals. Once they are registered, no such signal ends the process; those that
/// come before [`Self::listen`] are taken by it.
pub struct SignalHandlers(SignalsInfo<WithOrigin>);

/// What signals act on.
pub(super) struct SignalSubjects<'a> {
    pub progress: Arc<Progress>,
    pub messages: Arc<MessageOutput>,
    pub to_drain: DrainCommands,
    /// Directory of the case.
    pub output: &'a Path,
}

impl SignalHandlers {
    /// Registers the handlers; that of SIGHUP only if this process was not started to ignore it. A
    /// shell starts background commands with SIGINT ignored, but a recorder must end by it all the
    /// same. Starts no thread.
    pub fn register() -> Result<Self> {
        let ending = ENDING.into_iter().filter(|signal| *signal != SIGHUP || !is_ignored(SIGHUP));
        SignalsInfo::new(ending.chain([STATUS, SEAL])).map(Self).context("cannot listen for signals")
    }

    /// Starts the thread that takes signals: logs those that end the session, and ends it.
    pub(super) fn listen(mut self, subjects: SignalSubjects<'_>) -> Result<SignalLog> {
        let (handle, seen) = (self.0.handle(), Arc::new(Mutex::new(Vec::new())));
        let log = SignalLog { handle, seen: Arc::clone(&seen) };
        let SignalSubjects { progress, messages, to_drain, output } = subjects;
        let since = time::rfc3339(ClockPair::read().wall.0);
        let place = printable(&output.to_string_lossy()).into_owned();
        let listen = move || {
            for origin in self.0.forever() {
                match origin.signal {
                    STATUS => {
                        messages
                            .say(&format!("obit-capture: recording to {place} since {since}: {}", progress.tally()));
                    }
                    SEAL => {
                        // Nobody waits for the confirmation, and no drain is left if the recording
                        // is over.
                        let (confirm, _) = sync_channel(1);
                        let _ = to_drain.send(DrainCommand::DeliverAfter(SequencerInput::Seal, confirm));
                    }
                    _ => {
                        if let Ok(mut seen) = seen.lock()
                            && seen.len() < MAX_LOGGED
                        {
                            seen.push(describe(&origin));
                        }
                        progress.set_done();
                    }
                }
            }
        };
        thread::Builder::new().name("obit-signals".into()).spawn(listen).context("cannot start a thread")?;
        Ok(log)
    }
}

/// The signals that have ended a session.
pub struct SignalLog {
    handle: Handle,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl SignalLog {
    /// Returns the signals received so far.
    pub fn seen(&self) -> Vec<Value> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// Stops the thread and returns all signals received.
    pub fn stop(self) -> Vec<Value> {
        self.handle.close();
        self.seen()
    }
}

/// Returns whether this process was started to ignore a signal, as nohup(1) does with SIGHUP. A
/// handler would undo that.
fn is_ignored(signal: i32) -> bool {
    let status = Process::myself().and_then(|process| process.status());
    // Bit 0 is signal 1 (proc_pid_status(5)).
    let bit = u32::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    status.is_ok_and(|status| bit.is_some_and(|bit| status.sigign.checked_shr(bit).unwrap_or(0) & 1 == 1))
}

/// Returns a signal and its sender as case.json has them.
fn describe(origin: &Origin) -> Value {
    let sender = origin.process.map(|process| {
        // The sender may have ended already.
        let comm = std::fs::read(format!("/proc/{}/comm", process.pid)).ok();
        let comm = comm.map(|comm| escape(comm.trim_ascii_end()).into_owned());
        json!({"pid": process.pid, "uid": process.uid, "comm": comm})
    });
    json!({
        "signal": signal_name(origin.signal),
        "sender": sender,
        "received_at": time::rfc3339(ClockPair::read().wall.0),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_that_is_ignored_is_told_from_others() {
        // Rust's runtime starts every program so (library/std/src/rt.rs).
        assert!(is_ignored(signal_hook::consts::SIGPIPE));
        assert!(!is_ignored(signal_hook::consts::SIGSEGV) && !is_ignored(0) && !is_ignored(-1) && !is_ignored(65));
    }
}
