//! Segments: a recording that drops its oldest part to make room is cut into stretches that stand by themselves.
//!
//! A segment begins with a fold that has seen nothing, so that its rows follow from its own records. What earlier ones
//! knew of the containers that are still there comes again at its head, as carried records: the same ones, with their own
//! times. They make no rows, but rebuild what the fold knew. The walk that follows shows what there is, and with its end
//! those that were carried have a row as containers that were there before.

use super::Fold;
use crate::containers::directory::DirectoryRole;
use crate::containers::life::{Life, Stamp};
use crate::record::{Body, Carried, CgroupKey, Seq};
use crate::row::RowSink;

impl Fold {
    /// Ends what is held, as at the end of a log, and forgets everything.
    pub(super) fn begin_segment(&mut self, out: &mut dyn RowSink) {
        self.finish(out);
        *self = Self { held: self.held.anew(), early: self.early.take(), ..Self::default() };
    }

    /// Takes a record of an earlier segment again.
    pub(super) fn carry(&mut self, moment: Stamp, carried: &Carried<'_>, out: &mut dyn RowSink) {
        self.carrying = true;
        // Walks and marks are about their own segment.
        let is_carriable = matches!(
            carried.body,
            Body::Cgroup(_)
                | Body::Exit(_)
                | Body::Signal(_)
                | Body::Oom(_)
                | Body::Lost(_)
                | Body::Clock(_)
                | Body::Directory(_)
                | Body::Runtime(_)
        );
        if is_carriable {
            // What is said of a place is for directories that walks show, not for those of a later life that were seen being
            // made there.
            let is_event = matches!(carried.body, Body::Cgroup(_));
            let stated = is_event.then(|| core::mem::take(&mut self.stated));
            self.take(moment, &carried.body, out);
            if let Some(stated) = stated {
                self.stated = stated;
            }
        }
        self.carrying = false;
        self.has_carried = true;
    }

    /// The first record of this segment's own follows on those that were carried.
    pub(super) fn end_carrying(&mut self) {
        if core::mem::take(&mut self.has_carried) {
            self.stated.clear();
        }
    }

    /// Whether a record may be one that what is known of some container rests on: see [`Self::named_records`]. To be
    /// asked before and after the record is applied.
    pub fn concerns(&self, body: &Body<'_>) -> bool {
        let is_known = |key: &CgroupKey| self.directories.contains_key(key);
        match body {
            Body::Cgroup(event) => is_known(&event.key),
            Body::Directory(directory) => is_known(&directory.key),
            Body::Exit(exit) => exit.target.places().any(|key| is_known(&key)),
            Body::Signal(signal) => signal.target.places().any(|key| is_known(&key)),
            Body::Oom(kill) => kill.target.places().any(|key| is_known(&key)),
            Body::Runtime(answer) => answer.outcome == crate::record::Outcome::Ok,
            // It was named, or it would not be there.
            Body::Carried(_) => true,
            _ => false,
        }
    }

    /// The records that what is known of the containers that still have a directory rests on, in no order: who they are,
    /// when they began, what happened to them. Those of a container that has ended are among them while it has other
    /// directories, so that these do not end it again.
    pub fn named_records(&self) -> impl Iterator<Item = Seq> + '_ {
        let below = self.used_below.values().flat_map(|below| below.told.iter().copied());
        // What happens to processes may be told of a directory inside.
        let inside = self.directories.values().filter(|known| matches!(known.role, DirectoryRole::Inside(_)));
        let lives = self.lives.iter().filter(|life| life.is_present()).flat_map(named_by);
        lives.chain(inside.map(|known| known.since)).chain(below)
    }
}

fn named_by(life: &Life) -> impl Iterator<Item = Seq> + '_ {
    life.evidence
        .iter()
        .copied()
        .chain(life.claims.seqs())
        .chain(life.entered_seq)
        .chain(life.end().emptied.map(|moment| moment.seq))
        .chain(life.roots.iter().filter_map(|root| root.gone_seq))
        .chain(life.end().death.seqs())
        .chain(life.said().seqs())
}
