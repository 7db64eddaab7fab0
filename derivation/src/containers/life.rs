//! One life of one container id on the host.

use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::mem;

use super::usage;
use crate::claims::{Claim, ClaimSet, OwnedClaim};
use crate::containers::end::{self, End};
use crate::containers::small_list::SmallList;
use crate::ending;
use crate::ending::reports::{self, EndReports};
use crate::record::{Actor, BootNs, CgroupKey, HierarchyId, Seq, Source, WallNs};
use crate::row::{ActorCopy, ContainerCreate, ContainerRemove, ExistingContainer, Identity, Place, Step, write_over};

/// A moment, as a record gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub seq: Seq,
    pub ts: WallNs,
    pub boot_ns: BootNs,
}

/// How the fold came to know of an life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// Its first directory was seen being made.
    Made,
    /// A walk found it; its row is written at the walk's end, unless the event of its making still turns up.
    Walked,
    /// It first showed itself when it was removed.
    Leaving,
}

/// How far its life has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A runtime made a directory for it, but not yet one that is surely its root; no row yet.
    Provisional,
    /// TrackedDirectory, no row about its beginning yet (a walk is under way).
    Unannounced,
    /// Its beginning has a row.
    Announced,
    /// Its end has a row. It is kept until its last directory is gone, so that these end nothing more.
    Ended,
}

/// A directory that is the container's root on one hierarchy.
#[derive(Clone, Debug)]
pub(crate) struct RootDirectory {
    pub key: CgroupKey,
    pub path: Arc<str>,
    /// The record that showed that it is gone.
    pub gone_seq: Option<Seq>,
}

impl RootDirectory {
    pub fn is_present(&self) -> bool {
        self.gone_seq.is_none()
    }
}

/// One life of one container id. A host may have a hundred thousand of these: what most of the living have not is boxed.
#[derive(Debug)]
pub(crate) struct Life {
    pub claims: ClaimSet,
    pub origin: Origin,
    /// Who made its first directory, where the row of its beginning is yet to tell.
    pub made_by: Option<Box<ActorCopy>>,
    pub stage: Stage,
    pub first: Stamp,
    /// The user who made its first directory, if that is one without privileges; of one that a walk showed: who may have, and
    /// of one that first showed itself when it was removed: who removed it.
    pub user: Option<u32>,
    /// In the order in which they were seen; stays when a directory is gone.
    pub roots: SmallList<RootDirectory>,
    pub parent_container_id: Option<Arc<str>>,
    /// Its beginning has a row in an earlier segment.
    pub is_carried: bool,
    pub after_gap: bool,
    /// Exits of processes were lost within its life.
    pub exits_lost: bool,
    /// It has ended and its row is to come.
    pub held: bool,
    /// It is kept only so that nothing ends it again.
    pub is_ghost: bool,
    /// A task was seen in it.
    pub entered: bool,
    pub entered_seq: Option<Seq>,
    /// What is known of its end, or may have to do with it.
    end: Option<Box<End>>,
    /// What was said of its end.
    said: Option<Box<EndReports>>,
    /// Records of its directories' making or finding.
    pub evidence: SmallList<Seq>,
}

/// Evidence kept for one life; it has at most a directory a hierarchy, and there are at most 16 of those.
const MAX_EVIDENCE: usize = 64;

impl Life {
    pub fn new(origin: Origin, stage: Stage, first: Stamp) -> Self {
        Self {
            claims: ClaimSet::default(),
            origin,
            made_by: None,
            stage,
            first,
            user: None,
            roots: SmallList::default(),
            parent_container_id: None,
            is_carried: false,
            after_gap: false,
            exits_lost: false,
            held: false,
            is_ghost: false,
            entered: false,
            entered_seq: None,
            end: None,
            said: None,
            evidence: SmallList::default(),
        }
    }

    /// What is known of its end.
    pub fn end(&self) -> &End {
        self.end.as_deref().unwrap_or(&end::UNKNOWN)
    }

    /// The same, to be added to.
    pub fn end_mut(&mut self) -> &mut End {
        self.end.get_or_insert_default()
    }

    /// What was said of its end.
    pub fn said(&self) -> &EndReports {
        self.said.as_deref().unwrap_or(&reports::NO_REPORTS)
    }

    /// The same, to be added to.
    pub fn said_mut(&mut self) -> &mut EndReports {
        self.said.get_or_insert_default()
    }

    /// A task entered it.
    pub fn enter(&mut self, seq: Seq) {
        self.entered = true;
        self.entered_seq.get_or_insert(seq);
        if let Some(end) = &mut self.end {
            end.emptied = None;
        }
    }

    pub fn note(&mut self, seq: Seq) {
        if self.evidence.len() < MAX_EVIDENCE {
            self.evidence.push(seq);
        }
    }

    pub fn add_root(&mut self, key: CgroupKey, path: &str) {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            root.gone_seq = None;
            return;
        }
        // Most have the same path on each hierarchy.
        let path = self.path_like(path).unwrap_or_else(|| path.into());
        self.roots.push(RootDirectory { key, path, gone_seq: None });
    }

    /// This path, if one of its roots has it: to be shared.
    fn path_like(&self, path: &str) -> Option<Arc<str>> {
        self.roots.iter().find(|root| *root.path == *path).map(|root| Arc::clone(&root.path))
    }

    /// Forgets a directory that turned out to be a mere parent of the root.
    pub fn drop_root(&mut self, key: CgroupKey) {
        self.roots.retain(|root| root.key != key);
    }

    /// Takes note that a directory of it is gone. Whether that is its end: the directory has [authority](Self::authority), or
    /// was the last.
    pub fn ends_with(&mut self, key: CgroupKey, seq: Seq) -> bool {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            root.gone_seq = Some(seq);
        }
        self.authority().is_some_and(|root| root.key == key) || !self.roots.iter().any(RootDirectory::is_present)
    }

    /// Whether what is said may be about this life: not if that container was created when this life was over, which is all
    /// that tells them apart where an id is given again from the same bundle. A wall clock that was `set` since this life began
    /// tells nothing.
    pub fn can_be_subject_of(&self, claim: &Claim<'_>, set: Option<Seq>) -> bool {
        let is_later = |ended: WallNs| claim.facts().created_at.is_some_and(|created| created > ended);
        let can_tell = set.is_none_or(|set| set < self.first.seq);
        !(can_tell && self.end().at.is_some_and(is_later)) && self.claims.iter().all(|have| have.agrees_on_home(claim))
    }

    pub fn is_present(&self) -> bool {
        self.roots.iter().any(RootDirectory::is_present)
    }

    pub fn is_present_on(&self, hierarchy: HierarchyId) -> bool {
        self.roots.iter().any(|root| root.is_present() && root.key.hierarchy == hierarchy)
    }

    /// The directory whose removal is the end: on v2 if it has or had one there, else the first seen.
    fn authority(&self) -> Option<&RootDirectory> {
        self.roots.iter().find(|root| root.key.hierarchy == HierarchyId::V2).or_else(|| self.roots.first())
    }

    pub fn container_id(&self) -> Option<&Arc<str>> {
        self.claims.container_id()
    }

    /// Writes over where it is; whether it has or had a directory.
    fn write_place(&self, place: &mut Place) -> bool {
        let Some(root) = self.authority() else { return false };
        place.key = root.key;
        write_over(&mut place.path, &root.path);
        true
    }

    /// The user without privileges who alone stands behind it: no OCI runtime does, and no engine that runs it. An engine
    /// that only knows the id may have a stopped container in mind.
    pub fn unbacked_user(&self) -> Option<u32> {
        let backs = |claim: &OwnedClaim| match claim.source {
            Source::Path => false,
            Source::OciArgv | Source::OciState | Source::OciBundle => true,
            _ => claim.facts().init_pid.is_some(),
        };
        self.user.filter(|_| !self.claims.iter().any(backs))
    }

    /// Writes over who it is; whether anything says so. Whoever was given a subtree may call a directory there like a
    /// container: a path that nobody but an unprivileged user stands behind is told as a conflict.
    fn write_identity(&self, identity: &mut Identity) -> bool {
        if !self.claims.write_identity(self.parent_container_id.as_deref(), identity) {
            return false;
        }
        if let Some(user) = self.unbacked_user() {
            let did = match self.origin {
                Origin::Made => "made by",
                Origin::Walked => "in a directory of",
                Origin::Leaving => "removed by",
            };
            identity.conflicts.push(format!("path: {did} uid {user}, no runtime backs it"));
        }
        true
    }

    /// Who it is and where it is.
    pub fn who_and_where(&self) -> Option<(Identity, Place)> {
        let (mut identity, mut place) = (Identity::default(), Place::default());
        (self.write_identity(&mut identity) && self.write_place(&mut place)).then_some((identity, place))
    }

    /// Writes over the records that a row came from.
    fn write_evidence(&self, more: &[Option<Seq>], of_death: &[Seq], seqs: &mut Vec<Seq>) {
        seqs.clear();
        // Nearly all come in order, or are the last one again.
        let mut add = |seq: Seq| match seqs.last() {
            Some(last) if *last == seq => {}
            Some(last) if *last > seq => {
                if let Err(place) = seqs.binary_search(&seq) {
                    seqs.insert(place, seq);
                }
            }
            _ => seqs.push(seq),
        };
        self.evidence.iter().for_each(|seq| add(*seq));
        self.claims.iter().for_each(|claim| add(claim.seq));
        more.iter().flatten().for_each(|seq| add(*seq));
        of_death.iter().for_each(|seq| add(*seq));
    }

    /// Writes over the row of its beginning; `maker` is who made its first directory, if that is happening. False only without
    /// claim or directory, which no caller lets happen.
    pub fn write_create(&mut self, decided: Stamp, maker: Option<&Actor<'_>>, row: &mut ContainerCreate) -> bool {
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
        if !(self.write_identity(identity) && self.write_place(place)) {
            return false;
        }
        let is_made = self.origin == Origin::Made;
        match (self.made_by.take(), maker) {
            (Some(made_by), _) => *created_by = Some(*made_by),
            (None, Some(maker)) if is_made => created_by.get_or_insert_default().copy(maker),
            _ => *created_by = None,
        }
        *seq = decided.seq;
        *ts = self.first.ts;
        *boot_ns = self.first.boot_ns;
        *created_seq = self.first.seq;
        *inferred = !is_made;
        *after_gap = self.after_gap;
        self.write_evidence(&[self.entered_seq], &[], evidence_seqs);
        true
    }

    /// The row of a container that was there before the capture.
    pub fn existing_row(&self, decided: Stamp) -> Option<ExistingContainer> {
        let made_at = matches!(self.origin, Origin::Made).then_some(self.first.ts);
        let (identity, place) = self.who_and_where()?;
        let mut evidence_seqs = Vec::new();
        self.write_evidence(&[], &[], &mut evidence_seqs);
        Some(ExistingContainer {
            seq: decided.seq,
            ts: self.first.ts,
            boot_ns: self.first.boot_ns,
            identity,
            place,
            first_seen_seq: self.first.seq,
            created_at: made_at.or_else(|| self.claims.created_at()),
            evidence_seqs,
        })
    }

    /// Writes over the row of its end; false as in [`Self::write_create`]. Who removed it, `None` where the removal was not
    /// seen but found out, is exchanged for who is in the row.
    pub fn write_remove(&self, decided: Stamp, remover: &mut Option<ActorCopy>, row: &mut ContainerRemove) -> bool {
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
        if !(self.write_identity(identity) && self.write_place(place)) {
            return false;
        }
        mem::swap(removed_by, remover);
        let is_made = matches!(self.origin, Origin::Made);
        *inferred = removed_by.is_none();
        let end = self.end();
        let roots = self.roots.iter().filter(|_| end.death.has_oom_kills());
        let root_paths: Vec<_> = roots.map(|root| ending::RootPath { key: root.key, path: &root.path }).collect();
        let input = ending::VerdictInput {
            container_id: &identity.container_id,
            init_pid: identity.init_pid,
            stop_signal: self.claims.stop_signal(),
            roots: &root_paths,
            reports: self.said(),
        };
        ending::write_verdict(&end.death, &input, death);
        // What came of an order ends with it.
        if let Some(actor) = removed_by.as_ref().filter(|_| !death.requested_by.is_empty()) {
            death.requested_by.push(Step { at: decided.ts, what: ending::describe_task(actor) });
        }
        *seq = decided.seq;
        *ts = decided.ts;
        *boot_ns = decided.boot_ns;
        *created_seq = is_made.then_some(self.first.seq);
        *created_at = if is_made { Some(self.first.ts) } else { self.claims.created_at() };
        *lifetime_ns = is_made.then(|| decided.boot_ns.0.saturating_sub(self.first.boot_ns.0));
        *emptied_at = end.emptied.map(|moment| moment.ts);
        *usage = usage::for_row(&end.usage);
        *never_started = match (self.entered, is_made && !self.after_gap && !*inferred) {
            (true, _) => Some(false),
            (false, true) => Some(true),
            (false, false) => None,
        };
        *after_gap = self.after_gap || self.exits_lost && death.exited_at.is_none();
        *rmdir_seq = (!*inferred).then_some(decided.seq);
        let seen = [self.entered_seq, end.emptied.map(|moment| moment.seq), Some(decided.seq)];
        self.write_evidence(&seen, &death.cause_evidence_seqs, evidence_seqs);
        true
    }
}

impl From<&Actor<'_>> for ActorCopy {
    fn from(actor: &Actor<'_>) -> Self {
        let mut copy = Self::default();
        copy.copy(actor);
        copy
    }
}
