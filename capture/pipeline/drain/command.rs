//! Commands to the drain thread.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel};

use crate::pipeline::input::SequencerInput;
use crate::pipeline::notifier::Notifier;

/// A command to the drain thread.
#[derive(Debug)]
pub enum DrainCommand {
    /// Delivers this input after every event that is in the ring buffer now, then confirms it.
    DeliverAfter(SequencerInput, SyncSender<()>),
    /// Detaches the probes, delivers what is left, and ends.
    Stop,
}

/// Sends commands to the drain thread, and wakes it if it sleeps.
#[derive(Clone, Debug)]
pub struct DrainCommands {
    sender: Sender<DrainCommand>,
    notifier: Arc<Notifier>,
}

impl DrainCommands {
    /// Returns both ends, for a thread that this notifier wakes.
    pub fn new(notifier: Arc<Notifier>) -> (Self, Receiver<DrainCommand>) {
        let (sender, receiver) = channel();
        (Self { sender, notifier }, receiver)
    }

    /// Sends a command.
    ///
    /// # Errors
    /// The drain thread is gone; the error returns the command.
    pub fn send(&self, command: DrainCommand) -> Result<(), DrainCommand> {
        self.sender.send(command).map_err(|unsent| unsent.0)?;
        self.notifier.notify();
        Ok(())
    }
}
