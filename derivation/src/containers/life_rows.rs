//! The rows of a life, made from what is known of it.

use alloc::format;
use alloc::vec::Vec;
use core::mem;

use super::end::{Exit, ExitEvidence};
use super::life::Life;
use super::origin::Origin;
use super::usage;
use crate::claims::RunInit;
use crate::ending::{self, ProgramStart};
use crate::identity::OciRuntime;
use crate::record::{Actor, Seq, Stamp, WallNs};
use crate::row::{
    ActorCopy, ContainerCreate, ContainerExit, ContainerRemove, Death, ExistingContainer, Identity, Place, overwrite,
};

impl Life {
    /// Returns who the container is and where; `None` without claim or directory.
    pub fn identity(&self) -> Option<(Identity, Place)> {
        let (mut identity, mut place) = (Identity::default(), Place::default());
        let is_written = self.write_identity(self.begun_init(), &mut identity) && self.write_place(&mut place);
        is_written.then_some((identity, place))
    }

    /// Returns the init as the rows of the beginning tell of it.
    fn begun_init(&self) -> RunInit {
        match self.init() {
            Some(init) => RunInit::Shown(init.pid),
            None if self.is_beginning_lost() => RunInit::Doubtful,
            None => RunInit::Stated,
        }
    }

    /// Returns the init as the rows of the end tell of it.
    fn ended_init(&self) -> RunInit {
        match self.init_exit() {
            Some(exit) => RunInit::Shown(exit.process().pid),
            None if self.is_run_doubtful() => RunInit::Doubtful,
            None => self.begun_init(),
        }
    }

    /// Writes who the container is. Returns false without a claim.
    ///
    /// A user who was given a subtree may name a directory there like a container. So a path that
    /// only a user without privileges stands behind is listed as a conflict.
    fn write_identity(&self, init: RunInit, identity: &mut Identity) -> bool {
        if !self.claims.write_identity(self.parent_container_id.as_deref(), init, identity) {
            return false;
        }
        if let Some(user) = self.unbacked_user() {
            let did = match self.origin {
                Origin::Made => "made by",
                Origin::Walked => "in a directory of",
                Origin::Leaving => "removed by",
                Origin::Stated => "stated as of",
            };
            identity.conflicts.push(format!("path: {did} uid {user}, no runtime backs it"));
        }
        true
    }

    /// Writes where the container is. Returns false if it has no directory.
    fn write_place(&self, place: &mut Place) -> bool {
        let Some(root) = self.authority() else { return false };
        place.key = root.key;
        overwrite(&mut place.path, &root.path);
        place.is_path_cut = root.is_path_cut;
        true
    }

    /// Writes the records that a row came from, ascending, each once.
    fn write_evidence_seqs(&self, seen: &[Option<Seq>], of_end: &[Seq], seqs: &mut Vec<Seq>) {
        seqs.clear();
        seqs.extend_from_slice(&self.evidence);
        seqs.extend(self.claims.evidence());
        seqs.extend(self.init.seq());
        seqs.extend(seen.iter().flatten());
        seqs.extend_from_slice(of_end);
        seqs.sort_unstable();
        seqs.dedup();
    }

    /// Writes the row of the beginning over another. `maker` made the first directory, if that is
    /// what `decided` the row. Returns false only without claim or directory, which no caller lets
    /// happen.
    pub fn write_create_row(&mut self, decided: Stamp, maker: Option<&Actor<'_>>, row: &mut ContainerCreate) -> bool {
        let ContainerCreate {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_by,
            inferred,
            after_gap,
            evidence_seqs,
        } = row;
        if !self.write_identity(self.begun_init(), identity) || !self.write_place(place) {
            return false;
        }
        let is_made = self.origin == Origin::Made;
        if (is_made || self.after_gap) && self.init().is_none() {
            // Its program has not begun, or nobody knows which run a source speaks of.
            (identity.init_pid, identity.started_at) = (None, None);
        }
        match (self.made_by.take(), maker) {
            (Some(made_by), _) => *created_by = Some(*made_by),
            (None, Some(maker)) if is_made => created_by.get_or_insert_default().copy_from(maker),
            _ => *created_by = None,
        }
        *seq = decided.seq;
        *ts = self.first.ts;
        *boot_ns = self.first.boot_ns;
        *created_seq = self.first.seq;
        *inferred = !is_made;
        *after_gap = self.after_gap;
        self.write_evidence_seqs(&[self.entered_seq], &[], evidence_seqs);
        true
    }

    /// Returns the row of a container that was there before the capture; `None` as for
    /// [`Self::identity`].
    pub fn existing_row(&self, decided: Stamp) -> Option<ExistingContainer> {
        let (identity, place) = self.identity()?;
        let made_at = (self.origin == Origin::Made).then_some(self.first.ts);
        let mut evidence_seqs = Vec::new();
        self.write_evidence_seqs(&[], &[], &mut evidence_seqs);
        Some(ExistingContainer {
            seq: decided.seq,
            ts: self.first.ts,
            boot_ns: self.first.boot_ns,
            identity,
            place,
            first_seen_seq: self.first.seq,
            created_at: made_at.or_else(|| self.claims.created_at(self.begun_init())),
            evidence_seqs,
        })
    }

    /// Writes the row of the exit over another. Returns false without a claim, which no caller lets
    /// happen.
    pub fn write_exit_row(&self, Exit { at, evidence }: Exit, row: &mut ContainerExit) -> bool {
        let ContainerExit {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_at,
            lifetime_ns,
            emptied_at,
            death,
            usage,
            inferred,
            never_started,
            after_gap,
            evidence_seqs,
        } = row;
        if !self.write_identity(self.ended_init(), identity) {
            return false;
        }
        if self.authority().is_none() {
            *place = None;
        } else {
            self.write_place(place.get_or_insert_default());
        }
        let end = self.end();
        self.write_death(identity, death);
        let is_made = self.origin == Origin::Made;
        let is_moment = matches!(evidence, ExitEvidence::InitEnded | ExitEvidence::Emptied);
        // Of records that do not show which exit is the init's at once, the exit is found later.
        // One whose program never began has ended when its last task left.
        let emptied = end.emptied.filter(|_| self.program_start() != ProgramStart::Possible);
        let ended = self.init_exit().map(|exit| exit.at()).or(emptied).unwrap_or(at);
        *seq = at.seq;
        *ts = ended.ts;
        *boot_ns = ended.boot_ns;
        *created_seq = is_made.then_some(self.first.seq);
        *created_at = self.created_at();
        *lifetime_ns = (is_made && is_moment).then(|| ended.boot_ns.0.saturating_sub(self.first.boot_ns.0));
        *emptied_at = end.emptied.map(|stamp| stamp.ts);
        *usage = usage::for_row(&end.usage);
        *inferred = death.exited_at.is_none() && self.program_start() == ProgramStart::Possible;
        *never_started = self.never_started(false);
        *after_gap = self.is_after_gap(death);
        let seen = [self.entered_seq, end.emptied.map(|stamp| stamp.seq), Some(at.seq)];
        self.write_evidence_seqs(&seen, &death.cause_evidence_seqs, evidence_seqs);
        true
    }

    /// Writes the row of the removal over another. `remover` changes places with the task that the
    /// row has; it is `None` where the removal was not seen but found out. Returns false as
    /// [`Self::write_create_row`] does.
    pub fn write_remove_row(&self, decided: Stamp, remover: &mut Option<ActorCopy>, row: &mut ContainerRemove) -> bool {
        let ContainerRemove {
            seq,
            ts,
            boot_ns,
            identity,
            place,
            created_seq,
            created_at,
            lifetime_ns,
            emptied_at,
            death,
            removed_by,
            usage,
            inferred,
            never_started,
            after_gap,
            rmdir_seq,
            evidence_seqs,
        } = row;
        if !self.write_identity(self.ended_init(), identity) || !self.write_place(place) {
            return false;
        }
        mem::swap(removed_by, remover);
        let end = self.end();
        self.write_death(identity, death);
        let is_made = self.origin == Origin::Made;
        *inferred = removed_by.is_none();
        *seq = decided.seq;
        *ts = decided.ts;
        *boot_ns = decided.boot_ns;
        *created_seq = is_made.then_some(self.first.seq);
        *created_at = self.created_at();
        *lifetime_ns = is_made.then(|| decided.boot_ns.0.saturating_sub(self.first.boot_ns.0));
        *emptied_at = end.emptied.map(|stamp| stamp.ts);
        *usage = usage::for_row(&end.usage);
        *never_started = self.never_started(*inferred);
        *after_gap = self.is_after_gap(death);
        *rmdir_seq = (!*inferred).then_some(decided.seq);
        let seen = [self.entered_seq, end.emptied.map(|stamp| stamp.seq), Some(decided.seq)];
        self.write_evidence_seqs(&seen, &death.cause_evidence_seqs, evidence_seqs);
        true
    }

    /// Writes what ended the container. The row names its init only if the end of that was seen.
    fn write_death(&self, identity: &mut Identity, death: &mut Death) {
        let end = self.end();
        let roots = self.roots.iter().filter(|_| end.evidence.has_oom_kills());
        let roots: Vec<_> = roots.map(|root| ending::RootPath { key: root.key, path: &root.path }).collect();
        let input = ending::VerdictInput {
            container_id: &identity.container_id,
            init_exit: self.init_exit(),
            start: self.program_start(),
            is_sandboxed: identity.oci_runtime == Some(OciRuntime::Runsc),
            stop_signal: self.claims.stop_signal(),
            roots: &roots,
            reports: self.reports(),
            is_run_doubtful: self.is_run_doubtful(),
        };
        ending::write_verdict(&end.evidence, &input, death);
        identity.init_pid = identity.init_pid.filter(|_| self.has_seen_init_exit());
        // Others may have been sent before the capture, or are among the events that were lost.
        let is_whole = self.origin == Origin::Made && !self.after_gap;
        death.signals_total = death.signals_total.filter(|_| is_whole);
    }

    fn created_at(&self) -> Option<WallNs> {
        if self.origin == Origin::Made {
            return Some(self.first.ts);
        }
        // What was created after the container was found is another run.
        let init = if self.is_beginning_lost() { self.ended_init() } else { RunInit::Stated };
        self.claims.created_at(init).filter(|created| *created <= self.first.ts)
    }

    /// Tells whether the container's program was never executed. A removal that was not seen leaves
    /// open what came before it.
    fn never_started(&self, is_inferred: bool) -> Option<bool> {
        match self.program_start() {
            ProgramStart::Failed => Some(true),
            ProgramStart::Never if !is_inferred => Some(true),
            ProgramStart::Never | ProgramStart::Unclear => None,
            ProgramStart::Possible => (self.is_entered && self.may_have_begun()).then_some(false),
        }
    }

    fn is_after_gap(&self, death: &Death) -> bool {
        self.after_gap || (self.exits_lost || self.execs_lost) && death.exited_at.is_none()
    }
}
