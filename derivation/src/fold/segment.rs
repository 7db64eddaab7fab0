//! Segments: a recording that drops its oldest part to make room is cut into stretches that stand
//! by themselves.
//!
//! A segment begins with a fold that has seen nothing, so that its rows follow from its own
//! records. The records that the knowledge of the containers still there rests on come again at its
//! head, as carried records with their own times. They make no rows, but rebuild what the fold
//! knew. The walk that follows shows what there is; at its end, the containers that were carried
//! have a row as containers that were there before.

use core::iter;

use super::apply::Fold;
use crate::containers::{DirectoryRole, Life};
use crate::record::{Body, Carried, CgroupKey, Outcome, Seq, Stamp, Target};
use crate::row::RowSink;

impl Fold {
    /// Ends what is held, as at the end of a log, and forgets everything.
    pub(super) fn on_segment_begin(&mut self, out: &mut dyn RowSink) {
        self.finish(out);
        let containers = self.containers.take_for_next_segment();
        *self = Self { containers, output: self.output.take_for_next_segment(), ..Self::default() };
    }

    /// Takes a record of an earlier segment again.
    pub(super) fn on_carried(&mut self, at: Stamp, carried: &Carried<'_>, out: &mut dyn RowSink) {
        self.is_carrying = true;
        match carried.body {
            // A claim about a path is for a directory that a walk shows, not for that of a later
            // life which was seen being made there.
            Body::Cgroup(_) => {
                let by_path = self.pending.take_all_by_path();
                self.on_body(at, &carried.body, out);
                self.pending.restore_by_path(by_path);
            }
            Body::Attach(_)
            | Body::Exec(_)
            | Body::Exit(_)
            | Body::Signal(_)
            | Body::Oom(_)
            | Body::Lost(_)
            | Body::Clock(_)
            | Body::Directory(_)
            | Body::Runtime(_) => self.on_body(at, &carried.body, out),
            // Walks and marks are about their own segment.
            _ => {}
        }
        self.is_carrying = false;
        self.has_carried = true;
    }

    /// Forgets claims about paths when the first record of this segment's own follows on those that
    /// were carried.
    pub(super) fn end_carrying(&mut self) {
        if core::mem::take(&mut self.has_carried) {
            self.pending.clear_by_path();
        }
    }

    /// Returns true if the knowledge of some container may rest on a record: see
    /// [`Self::named_records`]. To be asked before and after the record is applied.
    pub fn concerns(&self, body: &Body<'_>) -> bool {
        let is_known = |key: CgroupKey| self.containers.directory(key).is_some();
        let is_of_container = |target: &Target<'_>| self.containers.life_of_process(target).is_some();
        match body {
            Body::Cgroup(event) => is_known(event.key),
            Body::Directory(directory) => is_known(directory.key),
            Body::Attach(attach) => is_known(attach.key),
            Body::Exec(exec) => is_of_container(&exec.target),
            Body::Exit(exit) => is_of_container(&exit.target),
            Body::Signal(signal) => is_of_container(&signal.target),
            Body::Oom(kill) => is_of_container(&kill.target),
            Body::Runtime(answer) => answer.outcome == Outcome::Ok,
            // It was named, or it would not be there.
            Body::Carried(_) => true,
            _ => false,
        }
    }

    /// Iterates, in no order, over the records that the knowledge of the containers that still have
    /// a directory rests on: who they are, when they began, what happened to them. Those of a
    /// container that has ended are among them while it has other directories, so that these do not
    /// end it again, and while one that it sent a signal to has.
    pub fn named_records(&self) -> impl Iterator<Item = Seq> + '_ {
        // An event of a process may name a directory inside.
        let inside = self.containers.directories().map(|(_, directory)| directory);
        let inside = inside.filter(|directory| matches!(directory.role, DirectoryRole::Inside(_)));
        let lives = || self.containers.lives().filter(|life| life.is_present() || life.is_stated());
        // The end of a pid namespace passes a signal on to the containers that share it.
        let senders = lives().flat_map(|life| self.senders_to(life));
        let senders = senders.flat_map(|sender| iter::once(sender).chain(self.senders_to(sender)));
        let named = lives().chain(senders).flat_map(Life::seqs);
        named.chain(inside.map(|directory| directory.since)).chain(self.containers.usage_seqs())
    }

    /// Iterates over the other containers, as far as they are known, that sent signals to one.
    fn senders_to<'f>(&'f self, life: &'f Life) -> impl Iterator<Item = &'f Life> {
        life.senders().filter_map(|sender| self.containers.life(sender))
    }
}
