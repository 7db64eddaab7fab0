//! The thread that reads what an event points to: a new container's directory and its bundle.
//!
//! It works from a queue, so that no event waits for a file. A question that finds the queue full is not asked, and
//! that is recorded too.

use std::sync::mpsc::{Receiver, SyncSender};

use obit_derivation::CgroupKey;
use obit_derivation::record::SnapshotReason;

use super::input::Input;
use crate::host::clock::ClockPair;
use crate::host::hierarchies::Hierarchies;
use crate::oci::OciFiles;
use crate::snapshot;

/// Questions that may wait. A container asks about eleven; a read takes well under a millisecond.
pub const QUEUE: usize = 1024;

/// A question about a container that has just begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What does its directory on this hierarchy hold?
    Directory {
        /// The directory.
        key: CgroupKey,
        /// Its path from the hierarchy's root.
        path: String,
    },
    /// What does its bundle's `config.json` say?
    Bundle {
        /// The bundle directory, as the runtime was told.
        bundle: String,
        /// The container, as the runtime was told.
        container_id: String,
    },
}

/// Answers questions until nobody asks any more.
pub fn run(questions: &Receiver<Question>, sequencer: &SyncSender<Input>, hierarchies: &Hierarchies, files: &OciFiles) {
    while let Ok(question) = questions.recv() {
        let answer = match question {
            Question::Directory { key, path } => {
                let Some(hierarchy) = hierarchies.get(key.hierarchy) else { continue };
                let (directory, details) =
                    snapshot::read_directory(hierarchy, &path, key.cgroup, SnapshotReason::Mkdir);
                Input::Directories(vec![(ClockPair::read(), directory, details)])
            }
            Question::Bundle { bundle, container_id } => {
                let answer = files.bundle(&bundle, Some(&container_id));
                Input::Answer(ClockPair::read(), Box::new(answer))
            }
        };
        if sequencer.send(answer).is_err() {
            return;
        }
    }
}
