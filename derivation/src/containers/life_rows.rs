//! The rows of a life, made from what is known of it.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::life::{Life, Origin};
use super::usage;
use crate::ending;
use crate::record::{Seq, Stamp};
use crate::row::{ActorCopy, ContainerCreate, ContainerRemove, Death, ExistingContainer, Identity, Place, Step};

impl Life {
    /// Returns who the container is and where; `None` without claim or directory.
    ///
    /// A user who was given a subtree may name a directory there like a container. So a path that
    /// only a user without privileges stands behind is listed as a conflict.
    pub fn identity(&self) -> Option<(Identity, Place)> {
        let mut identity = self.claims.identity(self.parent_container_id.as_deref())?;
        if let Some(user) = self.unbacked_user() {
            let did = match self.origin {
                Origin::Made => "made by",
                Origin::Walked => "in a directory of",
                Origin::Leaving => "removed by",
            };
            identity.conflicts.push(format!("path: {did} uid {user}, no runtime backs it"));
        }
        let root = self.authority()?;
        Some((identity, Place { key: root.key, path: String::from(&*root.path) }))
    }

    /// Returns the records that a row came from, ascending, each once.
    fn evidence_seqs(&self, seen: &[Option<Seq>], of_end: &[Seq]) -> Vec<Seq> {
        let mut seqs = Vec::with_capacity(self.evidence.len() + seen.len() + of_end.len() + 1);
        seqs.extend_from_slice(&self.evidence);
        seqs.extend(self.claims.iter().map(|claim| claim.seq));
        seqs.extend(seen.iter().flatten());
        seqs.extend_from_slice(of_end);
        seqs.sort_unstable();
        seqs.dedup();
        seqs
    }

    /// Returns the row of the beginning. `maker` made the first directory, if that is what
    /// `decided` the row. `None` only without claim or directory, which no caller lets happen.
    pub fn create_row(&mut self, decided: Stamp, maker: Option<ActorCopy>) -> Option<ContainerCreate> {
        let (identity, place) = self.identity()?;
        let is_made = self.origin == Origin::Made;
        let maker = maker.filter(|_| is_made);
        Some(ContainerCreate {
            seq: decided.seq,
            ts: self.first.ts,
            boot_ns: self.first.boot_ns,
            identity,
            place,
            created_seq: self.first.seq,
            created_by: self.made_by.take().map(|made_by| *made_by).or(maker),
            inferred: !is_made,
            after_gap: self.after_gap,
            evidence_seqs: self.evidence_seqs(&[self.entered_seq], &[]),
        })
    }

    /// Returns the row of a container that was there before the capture; `None` as for
    /// [`Self::create_row`].
    pub fn existing_row(&self, decided: Stamp) -> Option<ExistingContainer> {
        let (identity, place) = self.identity()?;
        let made_at = (self.origin == Origin::Made).then_some(self.first.ts);
        Some(ExistingContainer {
            seq: decided.seq,
            ts: self.first.ts,
            boot_ns: self.first.boot_ns,
            identity,
            place,
            first_seen_seq: self.first.seq,
            created_at: made_at.or_else(|| self.claims.created_at()),
            evidence_seqs: self.evidence_seqs(&[], &[]),
        })
    }

    /// Returns the row of the end; `None` as for [`Self::create_row`]. `removed_by` is `None` where
    /// the removal was not seen but found out.
    pub fn remove_row(&self, decided: Stamp, removed_by: Option<ActorCopy>) -> Option<ContainerRemove> {
        let (identity, place) = self.identity()?;
        let end = self.end();
        let roots = self.roots.iter().filter(|_| end.evidence.has_oom_kills());
        let roots: Vec<_> = roots.map(|root| ending::RootPath { key: root.key, path: &root.path }).collect();
        let input = ending::VerdictInput {
            container_id: &identity.container_id,
            init_pid: identity.init_pid,
            stop_signal: self.claims.stop_signal(),
            roots: &roots,
            reports: self.reports(),
        };
        let mut death = Death::default();
        ending::write_verdict(&end.evidence, &input, &mut death);
        // The removal is the last step of an order.
        if let Some(actor) = removed_by.as_ref().filter(|_| !death.requested_by.is_empty()) {
            death.requested_by.push(Step { at: decided.ts, what: ending::describe_task(actor) });
        }
        let is_made = self.origin == Origin::Made;
        let inferred = removed_by.is_none();
        let seen = [self.entered_seq, end.emptied.map(|stamp| stamp.seq), Some(decided.seq)];
        Some(ContainerRemove {
            seq: decided.seq,
            ts: decided.ts,
            boot_ns: decided.boot_ns,
            identity,
            place,
            created_seq: is_made.then_some(self.first.seq),
            created_at: if is_made { Some(self.first.ts) } else { self.claims.created_at() },
            lifetime_ns: is_made.then(|| decided.boot_ns.0.saturating_sub(self.first.boot_ns.0)),
            emptied_at: end.emptied.map(|stamp| stamp.ts),
            usage: usage::for_row(&end.usage),
            inferred,
            never_started: match (self.is_entered, is_made && !self.after_gap && !inferred) {
                (true, _) => Some(false),
                (false, true) => Some(true),
                (false, false) => None,
            },
            after_gap: self.after_gap || self.exits_lost && death.exited_at.is_none(),
            rmdir_seq: (!inferred).then_some(decided.seq),
            evidence_seqs: self.evidence_seqs(&seen, &death.cause_evidence_seqs),
            death,
            removed_by,
        })
    }
}
