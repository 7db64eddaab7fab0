//! Which signals the recorder was sent, and by whom: the end of a recording is part of the record.

use std::sync::{Arc, Mutex};
use std::thread;

use anyhow::{Context, Result};
use obit_schema::print::time;
use obit_schema::text::escape;
use procfs::process::Process;
use serde_json::{Value, json};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::SignalsInfo;
use signal_hook::iterator::backend::Handle;
use signal_hook::iterator::exfiltrator::origin::{Origin, WithOrigin};
use signal_hook::low_level::signal_name;

use crate::host::clock::ClockPair;

/// Signals that end a recording; what each does is decided elsewhere.
const ENDING: [i32; 3] = [SIGINT, SIGTERM, SIGHUP];
/// Most signals kept.
const MAX_KEPT: usize = 100;

/// Listens for signals.
pub struct SignalWitness {
    handle: Handle,
    seen: Arc<Mutex<Vec<Value>>>,
}

impl SignalWitness {
    /// Starts to listen.
    pub fn start() -> Result<Self> {
        let ending = ENDING.into_iter().filter(|signal| !is_ignored(*signal));
        let mut signals = SignalsInfo::<WithOrigin>::new(ending).context("cannot listen for signals")?;
        let handle = signals.handle();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let witness = Self { handle, seen: Arc::clone(&seen) };
        let listen = move || {
            for origin in signals.forever() {
                if let Ok(mut seen) = seen.lock()
                    && seen.len() < MAX_KEPT
                {
                    seen.push(statement(&origin));
                }
            }
        };
        thread::Builder::new().name("obit-signals".into()).spawn(listen).context("cannot start a thread")?;
        Ok(witness)
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Value> {
        self.seen.lock().map(|seen| seen.clone()).unwrap_or_default()
    }

    /// Stops, and gives what came.
    pub fn stop(self) -> Vec<Value> {
        self.handle.close();
        self.seen()
    }
}

/// Whether this process was started to ignore a signal, as nohup(1) has it with SIGHUP. Listening for it would undo that.
pub fn is_ignored(signal: i32) -> bool {
    let status = Process::myself().and_then(|process| process.status());
    // Bit 0 is signal 1 (proc_pid_status(5)).
    let bit = u32::try_from(signal).ok().and_then(|signal| signal.checked_sub(1));
    status.is_ok_and(|status| bit.is_some_and(|bit| status.sigign.checked_shr(bit).unwrap_or(0) & 1 == 1))
}

fn statement(origin: &Origin) -> Value {
    let sender = origin.process.map(|process| {
        // Whoever it was may be gone.
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
