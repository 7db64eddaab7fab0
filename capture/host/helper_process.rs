//! Processes that a recorder starts beside itself, each for one job that needs less than the
//! recorder has.

use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::{Context, Result};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};

use super::confine;

/// Returns this program as a command that runs it as such a process, which shares a stream of
/// messages with the recorder as its standard output. Standard error goes nowhere.
pub fn command(messages: OwnedFd) -> Command {
    // The path of this program may lead to another file by now.
    let mut command = Command::new("/proc/self/exe");
    command.stdout(messages).stderr(Stdio::null());
    command
}

/// Starts such a process. It gets no descriptor but the standard ones.
///
/// # Errors
/// The process cannot be started.
pub fn start(command: &mut Command) -> std::io::Result<Child> {
    confine::keep_descriptors_from_children();
    command.spawn()
}

/// Goes on when a terminal or a service manager signals the recorder and all that it started: the
/// recorder closes its case then, or says how it fares, and still needs this process.
///
/// # Errors
/// The handlers cannot be registered.
pub fn outlive_signals() -> Result<()> {
    for signal in [SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2] {
        signal_hook::flag::register(signal, Arc::new(AtomicBool::new(false))).context("cannot listen for signals")?;
    }
    Ok(())
}
