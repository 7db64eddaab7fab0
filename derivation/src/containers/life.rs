//! A life of a container id on the host.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use super::end::{EndFacts, Exit, ExitEvidence, NO_FACTS};
use super::init::Init;
use super::life_id::LifeId;
use super::life_start::LifeStart;
use super::origin::{Origin, Stage};
use crate::claims::{Claim, ClaimField, ClaimSet, OwnedClaim};
use crate::ending;
use crate::ending::reports::{self, EndReport, EndReports};
use crate::identity::{may_be_of_user, runtime_process};
use crate::record::{Actor, CgroupKey, HierarchyId, ProcessId, Seq, Source, Stamp, Target, Usage, WallNs};
use crate::row::ActorCopy;
use crate::small_list::SmallList;

/// A directory that is the container's root on one hierarchy.
#[derive(Clone, Debug)]
pub(super) struct RootDirectory {
    pub key: CgroupKey,
    pub path: Arc<str>,
    /// True if the path is cut.
    pub is_path_cut: bool,
    pub state: RootState,
}

/// The state of a root directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RootState {
    /// No task was seen in it.
    New,
    /// The last task has left it, as this record showed.
    Empty(Seq),
    /// Tasks are in it or below it, as this record showed.
    Populated(Seq),
    /// It is gone, as this record showed.
    Gone(Seq),
}

impl RootDirectory {
    pub fn is_present(&self) -> bool {
        !matches!(self.state, RootState::Gone(_))
    }

    /// Returns the record that showed the state.
    fn seq(&self) -> Option<Seq> {
        match self.state {
            RootState::New => None,
            RootState::Empty(seq) | RootState::Populated(seq) | RootState::Gone(seq) => Some(seq),
        }
    }

    fn is_populated(&self) -> bool {
        matches!(self.state, RootState::Populated(_))
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
    /// Number of lives that enclose this one.
    pub(super) depth: u16,
    /// The process of the runtime's call that made the container: the parent of its init.
    pub(super) maker_pid: Option<u32>,
    pub(super) init: Init,
    /// True if an earlier segment has the row of the beginning.
    pub(super) is_carried: bool,
    /// True if its beginning is among the events that were lost.
    is_beginning_lost: bool,
    /// True if events were lost within the life.
    pub(super) after_gap: bool,
    /// True if exits of processes were lost within the life.
    pub(super) exits_lost: bool,
    /// True if executions of programs, or entries of processes, were lost within the life.
    pub(super) execs_lost: bool,
    /// Rows of the life that are held back.
    pub(super) held_rows: u8,
    /// True if the life is kept only so that nothing ends it again.
    pub(super) is_ghost: bool,
    /// True if a task was seen in the life.
    pub(super) is_entered: bool,
    pub(super) entered_seq: Option<Seq>,
    end: Option<Box<EndFacts>>,
    reports: Option<Box<EndReports>>,
    /// The records of its directories' making or finding.
    pub(super) evidence: SmallList<Seq>,
    /// The user without privileges in whose share the life is counted.
    pub(super) counted_for: Option<u32>,
    /// True if another life has or had one of its ids, so that the index is to know where it is.
    pub(super) is_one_of_many: bool,
}

/// Most records of directories kept for one life; it has at most one directory on each of at most
/// 16 hierarchies.
const MAX_EVIDENCE: usize = 64;

/// Most other containers kept that sent signals.
const MAX_SENDERS: usize = 32;

impl Life {
    /// Returns a life without directories or claims.
    pub fn new(start: &LifeStart) -> Self {
        Self {
            claims: ClaimSet::default(),
            origin: start.origin,
            made_by: None,
            stage: start.stage,
            first: start.stamp,
            user: None,
            roots: SmallList::default(),
            parent_container_id: None,
            depth: 0,
            maker_pid: None,
            init: Init::default(),
            is_carried: false,
            is_beginning_lost: start.origin != Origin::Made && start.after_gap,
            after_gap: start.after_gap,
            exits_lost: start.exits_lost,
            execs_lost: start.execs_lost,
            held_rows: 0,
            is_ghost: false,
            is_entered: false,
            entered_seq: None,
            end: None,
            reports: None,
            evidence: SmallList::default(),
            counted_for: None,
            is_one_of_many: false,
        }
    }

    /// Returns the way in which the fold came to know of the life.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns true if the container has no directory: a source stated its init.
    pub fn is_stated(&self) -> bool {
        self.origin == Origin::Stated
    }

    /// Returns the stage that the life has reached.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// Returns the stamp of the first record about the life.
    pub fn first(&self) -> Stamp {
        self.first
    }

    /// Returns true if its beginning is among the events that were lost, so that a run before it
    /// may be among them too.
    pub fn is_beginning_lost(&self) -> bool {
        self.is_beginning_lost
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

    /// Returns the evidence of why the life ends.
    pub fn end_evidence(&self) -> &ending::DeathEvidence {
        &self.end().evidence
    }

    /// Returns the reports about the life's end.
    pub fn reports(&self) -> &EndReports {
        self.reports.as_deref().unwrap_or(&reports::NO_REPORTS)
    }

    /// Keeps another container that sent a signal: rows name it, also once it is gone.
    pub fn add_sender(&mut self, sender: LifeId) {
        let senders = &mut self.end_mut().senders;
        if senders.len() < MAX_SENDERS && !senders.contains(&sender) {
            senders.push(sender);
        }
    }

    /// Iterates over the other containers that sent signals.
    pub fn senders(&self) -> impl Iterator<Item = LifeId> + '_ {
        self.end().senders.iter().copied()
    }

    /// Keeps a report about the life's end.
    pub fn add_report(&mut self, report: EndReport) {
        self.reports.get_or_insert_default().add(report);
    }

    /// Takes the reports about what happened after this moment.
    pub fn take_later_reports(&mut self, moment: WallNs) -> Vec<EndReport> {
        self.reports.as_mut().map(|reports| reports.take_later(moment)).unwrap_or_default()
    }

    /// Forgets the reports on other runs of the container, once the end of the init was seen.
    pub fn forget_reports_on_others(&mut self) {
        let init_pid = self.init_exit().map(|exit| exit.process().pid);
        if let (Some(reports), Some(init_pid)) = (&mut self.reports, init_pid) {
            reports.keep_run(init_pid);
        }
    }

    /// Marks that a row says that the life goes on although a report says it has ended.
    pub fn mark_told_alive(&mut self) {
        self.reports.get_or_insert_default().is_told_alive = true;
    }

    /// Marks that tasks were seen in one of the life's directories, at no particular moment.
    pub fn mark_entered(&mut self, key: CgroupKey, seq: Seq) {
        self.is_entered = true;
        self.set_state(key, RootState::Populated(seq));
    }

    /// Marks that a task entered one of the life's directories.
    pub fn enter(&mut self, key: CgroupKey, seq: Seq) {
        self.is_entered = true;
        self.entered_seq.get_or_insert(seq);
        self.set_state(key, RootState::Populated(seq));
        if let Some(end) = &mut self.end {
            end.emptied = None;
        }
    }

    /// Marks that the last task left one of the life's directories, which had used so much.
    pub fn leave(&mut self, key: CgroupKey, at: Stamp, used: &Usage) {
        self.is_entered = true; // what is emptied was populated, seen or not
        self.set_state(key, RootState::Empty(at.seq));
        self.end_mut().emptied = Some(at);
        self.add_usage(used);
    }

    /// Marks that a walk's record showed no task in one of the life's directories, unless a later
    /// record has one. Returns true if tasks were in it by all that was known.
    pub fn mark_vacant(&mut self, key: CgroupKey, shown: Seq) -> bool {
        let is_outdated = |root: &RootDirectory| matches!(root.state, RootState::Populated(seen) if seen < shown);
        let is_news = self.roots.iter().any(|root| root.key == key && is_outdated(root));
        if is_news {
            self.set_state(key, RootState::Empty(shown));
        }
        is_news
    }

    fn set_state(&mut self, key: CgroupKey, state: RootState) {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            root.state = state;
        }
    }

    /// Returns the init, as far as it is known.
    pub fn init(&self) -> Option<ProcessId> {
        self.init.process()
    }

    /// Takes over which process is the init. The first word of the kernel stays.
    pub fn set_init(&mut self, process: ProcessId, seq: Seq) {
        self.init.set_process(process, seq);
    }

    /// Takes over, at `at`, which process a source states to be the init.
    pub fn note_stated_init(&mut self, at: Stamp) {
        if let Some(pid) = self.claims.init_pid() {
            self.init.state(pid, at.boot_ns);
        }
    }

    /// Marks that the container's program was executed.
    pub fn mark_executed(&mut self) {
        self.init.mark_executed();
    }

    /// Marks that the recorder tells of the programs that are executed in the container.
    pub fn mark_programs_seen(&mut self) {
        self.init.mark_programs_seen();
    }

    /// Keeps the process of the call that made the container; a later call changes nothing.
    pub fn set_maker_pid(&mut self, pid: u32) {
        self.maker_pid.get_or_insert(pid);
    }

    /// Returns true if another process than this one made the container, so that its run is over if
    /// the container is made anew at this moment. `has_one_maker`: its runtime makes it in one
    /// process.
    pub fn is_run_of_another(&self, at: Stamp, maker_pid: u32, has_one_maker: bool) -> bool {
        let has_begun = self.init.is_executed() || has_one_maker && self.is_entered;
        // Who made it was not seen: it was there before, and made by then if it had an init, if it
        // is reported to have ended, or if its end may be among the events that were lost.
        let was_made = self.init.is_stated_before(at.boot_ns)
            || self.reports().tell_an_end_by(self.first.seq, at)
            || self.has_lost_exits();
        let was_there = self.first.boot_ns < at.boot_ns && was_made;
        self.stage != Stage::Ended
            && self.exit().is_none()
            && has_begun
            && self.maker_pid.map_or(was_there, |pid| pid != maker_pid)
    }

    /// Returns true if the call in this process made the container.
    pub fn is_made_by(&self, pid: u32) -> bool {
        self.maker_pid == Some(pid)
    }

    /// Returns true if the container has or had an init, by a source's word, and a walk found
    /// nobody in its directories.
    pub fn is_found_empty(&self) -> bool {
        self.origin == Origin::Walked && !self.is_entered && self.exit().is_none() && self.claims.init_pid().is_some()
    }

    /// Returns true if an OCI runtime runs the container: its call or its files say so.
    pub fn is_by_oci_runtime(&self) -> bool {
        let has_files = || !self.claims.is_silent(Source::OciState) || !self.claims.is_silent(Source::OciBundle);
        self.claims.oci_runtime().is_some() || has_files()
    }

    /// Returns true if something ran in the container, or may have.
    pub fn has_run(&self) -> bool {
        self.is_entered || self.origin != Origin::Made || self.after_gap
    }

    /// Returns true if a process is the init, by what is known.
    pub fn is_init(&self, target: &Target<'_>) -> Option<bool> {
        self.init.is(target)
    }

    /// Returns true if the first program that a runtime's process executes here is the container's:
    /// its beginning was seen, and nothing was lost since.
    pub fn sees_first_program(&self) -> bool {
        self.origin == Origin::Made && !self.has_lost_execs() && self.init.process().is_none()
    }

    /// Returns what is known of the start of the container's program.
    pub fn program_start(&self) -> ending::ProgramStart {
        let evidence = &self.end().evidence;
        // A runtime's process has its own name until it executes the program, which may take any.
        let is_runtime_s = self.init_exit().is_some_and(|exit| runtime_process(exit.comm()).is_some());
        let is_seen = self.origin == Origin::Made && !self.has_lost_execs();
        if self.init.is_executed() || !is_seen && !is_runtime_s {
            return ending::ProgramStart::Possible;
        }
        if !is_seen {
            return ending::ProgramStart::Unclear;
        }
        if !self.is_entered {
            return ending::ProgramStart::Never;
        }
        if !is_runtime_s && !self.init.sees_programs() && !evidence.is_by_new_recorder() {
            return ending::ProgramStart::Possible;
        }
        match self.container_id().is_some_and(|id| evidence.is_killed_by_engine_of(id)) {
            true => ending::ProgramStart::Never,
            false => ending::ProgramStart::Failed,
        }
    }

    /// Returns true if nothing speaks against it that the program was executed, or it was.
    pub(super) fn may_have_begun(&self) -> bool {
        self.init.is_executed() || self.has_seen_init_exit() || !self.has_lost_execs()
    }

    /// Returns the exit, if the container has exited.
    pub fn exit(&self) -> Option<Exit> {
        self.end().exit
    }

    /// Marks that the container has exited. Returns false if it had before.
    pub fn mark_exited(&mut self, at: Stamp, evidence: ExitEvidence) -> bool {
        let is_first = self.end().exit.is_none();
        if is_first {
            self.end_mut().exit = Some(Exit { at, evidence });
        }
        is_first
    }

    /// Returns true if nothing runs in the container, as its directories show, and no end of its
    /// init is to come.
    pub fn is_abandoned(&self) -> bool {
        let is_empty = !self.roots.iter().any(RootDirectory::is_populated);
        // A runtime may be about to begin the program.
        let is_starting = self.program_start() != ending::ProgramStart::Possible;
        self.is_entered && is_empty && !self.awaits_init_end() && !is_starting
    }

    /// Returns true if the init is known, and its end would have been seen, wherever it is.
    pub fn awaits_init_end(&self) -> bool {
        let is_known = self.init.process().is_some() || self.init.stated_pid().is_some();
        self.exit().is_none() && is_known && !self.has_lost_exits() && !self.has_seen_init_exit()
    }

    /// Returns true if the container is known to run on, whatever directories it has lost.
    fn runs_on(&self) -> bool {
        let has_tasks = self.roots.iter().any(RootDirectory::is_populated);
        self.exit().is_none() && (has_tasks || self.awaits_init_end())
    }

    /// Takes over the usage of one of the life's directories.
    pub fn add_usage(&mut self, used: &Usage) {
        self.end_mut().usage.absorb(used);
    }

    /// Keeps the task that made the first directory, for the row of the beginning; a later call
    /// changes nothing.
    pub fn set_maker(&mut self, maker: &Actor<'_>) {
        self.made_by.get_or_insert_with(|| Box::new(ActorCopy::from(maker)));
    }

    /// Corrects the beginning of a life that a walk showed, by the event of its making. Returns
    /// false, and changes nothing, if its beginning has a row or was not found by a walk.
    pub fn correct_beginning(&mut self, start: LifeStart, user: u32) -> bool {
        let is_correctable = self.origin == Origin::Walked && self.stage == Stage::Unannounced;
        if is_correctable {
            self.origin = Origin::Made;
            self.user = (user != 0).then_some(user);
            self.first = start.stamp;
            self.is_beginning_lost = false;
            self.after_gap = start.after_gap;
            self.exits_lost = start.exits_lost;
            self.execs_lost = start.execs_lost;
        }
        is_correctable
    }

    /// Marks that events were lost within the life, unless it has ended.
    pub fn mark_gap(&mut self) {
        self.after_gap |= self.stage != Stage::Ended;
    }

    /// Marks that executions of programs were lost within the life, unless it has ended.
    pub fn mark_lost_execs(&mut self) {
        self.execs_lost |= self.stage != Stage::Ended;
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

    /// Returns true if a walk found the container and its beginning has no row yet.
    pub fn is_newly_found(&self) -> bool {
        self.stage == Stage::Unannounced && self.origin == Origin::Walked
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

    /// Returns the time of the end: of the exit or, without one, of the removal.
    pub fn ended_at(&self) -> Option<WallNs> {
        self.exit().map(|exit| exit.at.ts).or(self.end().at)
    }

    /// Returns the time of the removal, if the container was removed.
    pub fn removed_at(&self) -> Option<WallNs> {
        self.end().at
    }

    /// Marks that a row of the life is held back.
    pub fn hold(&mut self) {
        self.held_rows = self.held_rows.saturating_add(1);
    }

    /// Marks that a row of the life is no longer held back.
    pub fn release(&mut self) {
        self.held_rows = self.held_rows.saturating_sub(1);
    }

    /// Returns true if the life is over and its last row is held back.
    pub fn is_held(&self) -> bool {
        self.stage == Stage::Ended && self.held_rows > 0
    }

    /// Returns true if an answer can still join a row of the life: it has not ended, or a row of it
    /// is held back.
    pub fn is_open(&self) -> bool {
        self.stage != Stage::Ended || self.held_rows > 0
    }

    pub(super) fn add_root(&mut self, key: CgroupKey, path: &str, is_path_cut: bool) {
        if let Some(root) = self.roots.iter_mut().find(|root| root.key == key) {
            if !root.is_present() {
                root.state = RootState::New;
            }
            return;
        }
        // Most roots of a life have the same path: it is shared.
        let same = self.roots.iter().find(|root| *root.path == *path);
        let path = same.map_or_else(|| path.into(), |root| Arc::clone(&root.path));
        self.roots.push(RootDirectory { key, path, is_path_cut, state: RootState::New });
    }

    /// Forgets a directory that turned out not to be a root.
    pub(super) fn drop_root(&mut self, key: CgroupKey) {
        self.roots.retain(|root| root.key != key);
    }

    /// Marks a root directory as gone. Returns true if the container is removed by that: the
    /// directory was the last one, or the one with [authority](Self::authority) is gone and the
    /// container does not run on in others.
    pub fn mark_root_gone(&mut self, key: CgroupKey, seq: Seq) -> bool {
        self.set_state(key, RootState::Gone(seq));
        !self.is_present() || self.authority().is_some_and(|root| !root.is_present()) && !self.runs_on()
    }

    /// Returns the directory whose removal is the end: the one on v2 if there is or was one, else
    /// the first seen.
    pub(super) fn authority(&self) -> Option<&RootDirectory> {
        self.roots.iter().find(|root| root.key.hierarchy == HierarchyId::V2).or_else(|| self.roots.first())
    }

    /// Returns true if the life has or had a root directory on a hierarchy.
    pub fn has_root_on(&self, hierarchy: HierarchyId) -> bool {
        self.root_keys().any(|key| key.hierarchy == hierarchy)
    }

    /// Returns the path of a root directory.
    pub fn path_of(&self, key: CgroupKey) -> Option<&str> {
        self.roots.iter().find(|root| root.key == key).map(|root| &*root.path)
    }

    /// Returns the path of the life's root directory on a hierarchy.
    pub fn path_on(&self, hierarchy: HierarchyId) -> Option<&str> {
        self.roots.iter().find(|root| root.key.hierarchy == hierarchy).map(|root| &*root.path)
    }

    /// Iterates over the root directories that the life has or had.
    pub fn root_keys(&self) -> impl Iterator<Item = CgroupKey> + '_ {
        self.roots.iter().map(|root| root.key)
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
        self.is_entered && self.end().emptied.is_none() && self.exit().is_none()
    }

    /// Returns true if its exit may be among the events that were lost.
    pub fn has_lost_exits(&self) -> bool {
        self.after_gap || self.exits_lost
    }

    /// Returns true if the execution of its program may be among the events that were lost.
    pub fn has_lost_execs(&self) -> bool {
        self.after_gap || self.execs_lost
    }

    /// Returns true if another run of the container may have taken place in the life unseen: the
    /// end of its init was not seen, and events were lost.
    pub fn is_run_doubtful(&self) -> bool {
        (self.has_lost_exits() || self.has_lost_execs()) && !self.has_seen_init_exit()
    }

    /// Returns true if the end of its init was seen.
    pub fn has_seen_init_exit(&self) -> bool {
        self.init_exit().is_some()
    }

    pub(super) fn init_exit(&self) -> Option<&ending::ProcessExit> {
        self.end().evidence.init_exit(self.claims.init_pid(), !self.has_lost_exits())
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
    /// mind. Anybody can start a program with the arguments that root's engine gives its runtime.
    pub fn unbacked_user(&self) -> Option<u32> {
        let user = self.user?;
        let backs = |claim: &OwnedClaim| match claim.source {
            Source::Path => false,
            Source::OciState => true,
            Source::OciArgv | Source::OciBundle => [ClaimField::StateRoot, ClaimField::Bundle]
                .into_iter()
                .filter_map(|field| claim.text(field))
                .all(|place| may_be_of_user(place, user)),
            _ => claim.facts().init_pid.is_some(),
        };
        (!self.claims.iter().any(backs)).then_some(user)
    }

    /// Iterates over the records that the knowledge of the life rests on, in no order.
    pub fn seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        self.evidence
            .iter()
            .copied()
            .chain(self.claims.seqs())
            .chain(self.entered_seq)
            .chain(self.init.seq())
            .chain(self.exit().map(|exit| exit.at.seq))
            .chain(self.end().emptied.map(|stamp| stamp.seq))
            .chain(self.roots.iter().filter_map(RootDirectory::seq))
            .chain(self.end().evidence.seqs())
            .chain(self.reports().seqs())
    }
}
