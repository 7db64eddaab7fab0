//! A life of a container id on the host.

use alloc::boxed::Box;
use alloc::sync::Arc;

use super::end::{EndFacts, NO_FACTS};
use super::usage;
use crate::claims::{Claim, ClaimSet, OwnedClaim};
use crate::ending;
use crate::ending::reports::{self, EndReport, EndReports};
use crate::record::{Actor, CgroupKey, HierarchyId, Seq, Source, Stamp, Usage, WallNs};
use crate::row::ActorCopy;
use crate::small_list::SmallList;

/// The way in which the fold came to know of a life.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The making of its first directory was seen.
    Made,
    /// A walk found it. Its row is written at the walk's end, unless the event of its making still
    /// turns up.
    Walked,
    /// The removal of its first known directory was seen, and nothing before.
    Leaving,
}

/// The stage of a life, by its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// A runtime made a directory for it, but not yet one that is surely its root; no row yet.
    Provisional,
    /// The life has a root, and no row about its beginning yet (a walk is under way).
    Unannounced,
    /// The life's beginning has a row.
    Announced,
    /// The life is over. It is kept until its last directory is gone, so that these end nothing
    /// more.
    Ended,
}

/// A directory that is the container's root on one hierarchy.
#[derive(Clone, Debug)]
pub(super) struct RootDirectory {
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

/// A life of a container id. A host may have a hundred thousand, so what most of the living lack is
/// boxed.
#[derive(Debug)]
pub(crate) struct Life {
    pub(super) claims: ClaimSet,
    pub(super) origin: Origin,
    /// The task that made its first directory, where its first row is yet to tell.
    pub(super) made_by: Option<Box<ActorCopy>>,
    pub(super) stage: Stage,
    pub(super) first: Stamp,
    /// The user without privileges who made its first directory; of a life that a walk showed, who
    /// may have made it; of one that first showed itself when it was removed, who removed it.
    /// `None` for root.
    pub(super) user: Option<u32>,
    /// The root directories in the order in which they were seen; one that is gone stays in the
    /// list.
    pub(super) roots: SmallList<RootDirectory>,
    pub(super) parent_container_id: Option<Arc<str>>,
    /// True if an earlier segment has the row of the beginning.
    pub(super) is_carried: bool,
    /// True if events were lost within the life.
    pub(super) after_gap: bool,
    /// True if exits of processes were lost within the life.
    pub(super) exits_lost: bool,
    /// True if the life has ended and the row of the end is to come.
    pub(super) is_held: bool,
    /// True if the life is kept only so that nothing ends it again.
    pub(super) is_ghost: bool,
    /// True if a task was seen in the life.
    pub(super) is_entered: bool,
    pub(super) entered_seq: Option<Seq>,
    end: Option<Box<EndFacts>>,
    reports: Option<Box<EndReports>>,
    /// The records of its directories' making or finding.
    pub(super) evidence: SmallList<Seq>,
    /// True if another life has or had one of its ids, so that the index is to know where it is.
    pub(super) is_one_of_many: bool,
}

/// Most records of directories kept for one life; it has at most one directory on each of at most
/// 16 hierarchies.
const MAX_EVIDENCE: usize = 64;

impl Life {
    /// Returns a life without directories or claims.
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
            is_held: false,
            is_ghost: false,
            is_entered: false,
            entered_seq: None,
            end: None,
            reports: None,
            evidence: SmallList::default(),
            is_one_of_many: false,
        }
    }

    /// Returns the way in which the fold came to know of the life.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the stage that the life has reached.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns the stamp of the first record about the life.
    pub fn first(&self) -> Stamp {
        self.first
    }

    /// Returns the claims about the life, to be added to.
    pub fn claims_mut(&mut self) -> &mut ClaimSet {
        &mut self.claims
    }

    /// Returns the container id by the best claim.
    pub fn container_id(&self) -> Option<&Arc<str>> {
        self.claims.container_id()
    }

    /// Returns the records of the directories' making or finding.
    pub fn evidence(&self) -> &[Seq] {
        &self.evidence
    }

    /// Keeps a record as evidence of the life, within a bound.
    pub fn add_evidence(&mut self, seq: Seq) {
        if self.evidence.len() < MAX_EVIDENCE {
            self.evidence.push(seq);
        }
    }

    pub(super) fn end(&self) -> &EndFacts {
        self.end.as_deref().unwrap_or(&NO_FACTS)
    }

    fn end_mut(&mut self) -> &mut EndFacts {
        self.end.get_or_insert_default()
    }

    /// Returns the evidence of why the life ends, to be added to.
    pub fn end_evidence_mut(&mut self) -> &mut ending::DeathEvidence {
        &mut self.end_mut().evidence
    }

    /// Returns the reports about the life's end.
    pub fn reports(&self) -> &EndReports {
        self.reports.as_deref().unwrap_or(&reports::NO_REPORTS)
    }

    /// Keeps a report about the life's end.
    pub fn add_report(&mut self, report: EndReport) {
        self.reports.get_or_insert_default().add(report);
    }

    /// Marks that a row says that the life goes on although a report says it has ended.
    pub fn mark_told_alive(&mut self) {
        self.reports.get_or_insert_default().is_told_alive = true;
    }

    /// Marks that a task was seen in the life, at no particular moment.
    pub fn mark_entered(&mut self) {
        self.is_entered = true;
    }

    /// Marks that a task entered the life.
    pub fn enter(&mut self, seq: Seq) {
        self.is_entered = true;
        self.entered_seq.get_or_insert(seq);
        if let Some(end) = &mut self.end {
            end.emptied = None;
        }
    }

    /// Marks that the last task left the life, which had used so much.
    pub fn leave(&mut self, at: Stamp, used: &Usage) {
        self.is_entered = true; // what is emptied was populated, seen or not
        self.end_mut().emptied = Some(at);
        self.add_usage(used);
    }

    /// Takes over the usage of one of the life's directories.
    pub fn add_usage(&mut self, used: &Usage) {
        usage::absorb(&mut self.end_mut().usage, used);
    }

    /// Keeps the task that made the first directory, for the row of the beginning; a later call
    /// changes nothing.
    pub fn set_maker(&mut self, maker: &Actor<'_>) {
        self.made_by.get_or_insert_with(|| Box::new(ActorCopy::from(maker)));
    }

    /// Corrects the beginning of a life that a walk showed, by the event of its making. Returns
    /// false, and changes nothing, if its beginning has a row or was not found by a walk.
    pub fn correct_beginning(&mut self, at: Stamp, user: u32) -> bool {
        let is_correctable = self.origin == Origin::Walked && self.stage == Stage::Unannounced;
        if is_correctable {
            self.origin = Origin::Made;
            self.user = (user != 0).then_some(user);
            self.first = at;
        }
        is_correctable
    }

    /// Marks that events were lost within the life, unless it has ended.
    pub fn mark_gap(&mut self) {
        self.after_gap |= self.stage != Stage::Ended;
    }

    /// Marks that exits of processes were lost within the life, unless it has ended.
    pub fn mark_lost_exits(&mut self) {
        self.exits_lost |= self.stage != Stage::Ended;
    }

    /// Returns true if the row of the beginning is yet to be written.
    pub fn awaits_announcement(&self) -> bool {
        matches!(self.stage, Stage::Provisional | Stage::Unannounced)
    }

    /// Marks that the row of the beginning is written.
    pub fn mark_announced(&mut self) {
        self.stage = Stage::Announced;
    }

    /// Marks that the row of the beginning is in an earlier segment.
    pub fn mark_carried(&mut self) {
        self.stage = Stage::Unannounced;
        self.is_carried = true;
    }

    /// Returns true if an earlier segment has the row of the beginning.
    pub fn is_carried(&self) -> bool {
        self.is_carried
    }

    /// Ends the life. Returns false if it had ended before.
    pub fn mark_ended(&mut self, at: WallNs) -> bool {
        let is_first = self.stage != Stage::Ended;
        if is_first {
            self.stage = Stage::Ended;
            self.end_mut().at = Some(at);
        }
        is_first
    }

    /// Returns the time of the end, if the life has ended.
    pub fn ended_at(&self) -> Option<WallNs> {
        self.end().at
    }

    /// Marks that the row of the end is held back, or that it no longer is.
    pub fn set_held(&mut self, is_held: bool) {
        self.is_held = is_held;
    }

    /// Returns true while the row of the end is held back.
    pub fn is_held(&self) -> bool {
        self.is_held
    }

    /// Returns true if an answer can still join a row of the life: it has not ended, or the row of
    /// its end is held back.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Ended || self.is_held
    }

    pub(super) fn add_root(&mut self, key: CgroupKey, path: &str) {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            root.gone_seq = None;
            return;
        }
        // Most roots of a life have the same path: it is shared.
        let same = self.roots.iter().find(|root| *root.path == *path);
        let path = same.map_or_else(|| path.into(), |root| Arc::clone(&root.path));
        self.roots.push(RootDirectory { key, path, gone_seq: None });
    }

    /// Forgets a directory that turned out to be a mere parent of the root.
    pub(super) fn drop_root(&mut self, key: CgroupKey) {
        self.roots.retain(|root| root.key != key);
    }

    /// Marks a root directory as gone. Returns true if that ends the container: the directory has
    /// [authority](Self::authority), or was the last one.
    pub fn mark_root_gone(&mut self, key: CgroupKey, seq: Seq) -> bool {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            root.gone_seq = Some(seq);
        }
        self.authority().is_some_and(|root| root.key == key) || !self.is_present()
    }

    /// Returns the directory whose removal is the end: the one on v2 if there is or was one, else
    /// the first seen.
    pub(super) fn authority(&self) -> Option<&RootDirectory> {
        self.roots.iter().find(|root| root.key.hierarchy == HierarchyId::V2).or_else(|| self.roots.first())
    }

    /// Returns true while the life has a root directory.
    pub fn is_present(&self) -> bool {
        self.roots.iter().any(RootDirectory::is_present)
    }

    pub(super) fn is_present_on(&self, hierarchy: HierarchyId) -> bool {
        self.roots.iter().any(|root| root.is_present() && root.key.hierarchy == hierarchy)
    }

    /// Returns true if the life has processes, as far as known.
    pub fn has_processes(&self) -> bool {
        let end = self.end();
        self.is_entered && end.emptied.is_none() && !end.evidence.has_init_exit(self.claims.init_pid())
    }

    /// Returns true if a claim can be about this life.
    ///
    /// A container that was created when this life was over is another one: nothing else tells them
    /// apart where an id is given again from the same bundle. A wall clock that was set, at record
    /// `clock_set`, since this life began tells nothing.
    pub fn can_be_subject_of(&self, claim: &Claim<'_>, clock_set: Option<Seq>) -> bool {
        let is_later = |ended: WallNs| claim.facts().created_at.is_some_and(|created| created > ended);
        let can_tell = clock_set.is_none_or(|set| set < self.first.seq);
        !(can_tell && self.end().at.is_some_and(is_later)) && self.claims.iter().all(|have| have.agrees_on_home(claim))
    }

    /// Returns the user without privileges who alone stands behind the life: no OCI runtime does,
    /// and no engine that runs it. An engine that only knows the id may have a stopped container in
    /// mind.
    pub fn unbacked_user(&self) -> Option<u32> {
        let backs = |claim: &OwnedClaim| match claim.source {
            Source::Path => false,
            Source::OciArgv | Source::OciState | Source::OciBundle => true,
            _ => claim.facts().init_pid.is_some(),
        };
        self.user.filter(|_| !self.claims.iter().any(backs))
    }

    /// Iterates over the records that the knowledge of the life rests on, in no order.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        self.evidence
            .iter()
            .copied()
            .chain(self.claims.seqs())
            .chain(self.entered_seq)
            .chain(self.end().emptied.map(|stamp| stamp.seq))
            .chain(self.roots.iter().filter_map(|root| root.gone_seq))
            .chain(self.end().evidence.seqs())
            .chain(self.reports().seqs())
    }
}
