//! The thread that walks cgroupfs: before the first event is derived, after events were lost, and
//! at the end.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use obit_derivation::identity::path;
use obit_derivation::record::{SnapshotReason, UnreadPart};

use super::drain::{DrainCommand, DrainCommands};
use super::input::SequencerInput;
use crate::host::clock::ClockPair;
use crate::host::hierarchies::Hierarchies;
use crate::host::read_thread::ReadThread;
use crate::sources::answer::Stamped;
use crate::sources::cgroupfs;
use crate::sources::oci_files::{self, OciFiles, READ_LIMIT};

/// Directories in one delivery: few enough to keep memory flat, enough to make sending cheap.
const DELIVERY: usize = 256;

/// Walks cgroupfs for each reason received. The walk at the stop is the last.
pub fn run(
    reasons: &Receiver<SnapshotReason>,
    sequencer: &SyncSender<SequencerInput>,
    drain: &DrainCommands,
    host_root: &Path,
) {
    let mut thread = ReadThread::new(READ_LIMIT);
    while let Ok(reason) = reasons.recv() {
        if walk(reason, sequencer, drain, host_root, &mut thread).is_break() || reason == SnapshotReason::Stop {
            return;
        }
    }
}

fn walk(
    reason: SnapshotReason,
    sequencer: &SyncSender<SequencerInput>,
    drain: &DrainCommands,
    host_root: &Path,
    thread: &mut ReadThread,
) -> ControlFlow<()> {
    let deliver = |input| match sequencer.send(input) {
        Ok(()) => ControlFlow::Continue(()),
        Err(_) => ControlFlow::Break(()),
    };
    deliver(SequencerInput::SnapshotBegin(reason, ClockPair::read()))?;
    // Read anew each time: a hierarchy may have been mounted meanwhile. If that fails, the walk
    // shows nothing and proves nothing.
    let hierarchies = Hierarchies::read().ok();
    // State files come first: the walk then finds the places that they name.
    if let Some(hierarchies) = &hierarchies {
        let mut listening = ControlFlow::Continue(());
        oci_files::scan(&OciFiles::new(host_root, hierarchies.clone()), thread, |record| {
            if listening.is_continue() {
                listening = deliver(SequencerInput::Answers(vec![Stamped::now(record)]));
            }
        });
        listening?;
    }
    for hierarchy in hierarchies.iter().flat_map(|hierarchies| &hierarchies.mounted) {
        let mut pending = Vec::with_capacity(DELIVERY);
        let mut listening = ControlFlow::Continue(());
        let summary = cgroupfs::walk(
            hierarchy,
            reason,
            |path| path::identify(path).root,
            |directory, details| {
                pending.push((ClockPair::read(), directory, details));
                if pending.len() >= DELIVERY {
                    let full = std::mem::replace(&mut pending, Vec::with_capacity(DELIVERY));
                    listening = deliver(SequencerInput::Directories(full));
                }
                listening
            },
        );
        listening?;
        deliver(SequencerInput::Directories(pending))?;
        for below in summary.unread_parts() {
            let part = UnreadPart { hierarchy: hierarchy.id, below: below.map(Cow::Owned) };
            deliver(SequencerInput::SnapshotFailed(part, ClockPair::read()))?;
        }
    }
    // The end goes by way of the drain thread, so that what happened before it is admitted before
    // it. The next walk begins when this one is over: an end must not be taken for that of the next
    // walk, which would have shown little by then.
    let (delivered, confirmed) = sync_channel(1);
    let end = DrainCommand::DeliverAfter(SequencerInput::SnapshotEnd(reason, ClockPair::read()), delivered);
    match drain.send(end).is_ok() && confirmed.recv().is_ok() {
        true => ControlFlow::Continue(()),
        false => ControlFlow::Break(()),
    }
}
