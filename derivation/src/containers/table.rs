//! The table of lives and its operations.

use alloc::borrow::Cow;
use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use super::directory::{DirectoryRole, TrackedDirectory, beside};
use super::id_key::IdKey;
use super::life::{Life, RootDirectory};
use super::life_id::LifeId;
use super::life_index::LifeIndex;
use super::life_start::LifeStart;
use super::life_table::LifeTable;
use super::matching;
use super::origin::{Origin, Stage};
use super::usage::RemovedChildrenUsage;
use super::user_shares::UserShares;
use crate::claims::{Claim, ClaimSet, ObservedDirectory, RootClaims};
use crate::record::{BootNs, CgroupEvent, CgroupKey, HierarchyId, ProcessId, Seq, Source, Stamp, Target, Usage};

/// Most lives kept after their last known directory went, so that a directory of theirs whose
/// making was lost does not end them a second time.
const MAX_GHOSTS: usize = 1024;
/// Most lives without a directory; the oldest go first.
const MAX_STATED: usize = 8_192;

/// Most lives that share one directory; a container that is restarted in a directory that stays
/// would have any number.
const MAX_SHARERS: usize = 16;

/// Most directories whose renaming is remembered.
const MAX_RENAMED: usize = 4096;

/// Live directories of containers, and the lives that they belong to.
///
/// Memory: one entry for each live directory of a container, one life for each container that has a
/// directory left or whose last row is to come, and [`MAX_GHOSTS`] lives that are over.
#[derive(Debug, Default)]
pub(crate) struct Containers {
    directories: BTreeMap<CgroupKey, TrackedDirectory>,
    lives: LifeTable,
    index: LifeIndex,
    /// The last id that was adopted: the directories of a container are mostly made one after the
    /// other.
    recent_id: Option<Arc<str>>,
    /// Lives that are kept only so that nothing ends them again, the oldest first.
    ghosts: VecDeque<LifeId>,
    /// Lives that have a directory as their root beside the one that it is tracked for: those of
    /// containers that share it, and those before it in a directory that stayed.
    sharers: BTreeMap<CgroupKey, Vec<LifeId>>,
    /// Inits that are known, by their process.
    inits: BTreeMap<ProcessId, LifeId>,
    /// Inits that a source stated, by pid.
    stated_inits: BTreeMap<u32, LifeId>,
    /// Lives without a directory, the oldest first.
    stated: VecDeque<LifeId>,
    /// What users without privileges have of the lives.
    shares: UserShares,
    /// Directories that had another name when they were made. Their names say nothing.
    renamed: BTreeSet<CgroupKey>,
    /// By directory on v2: the usage of its children that are gone.
    removed_children: BTreeMap<CgroupKey, RemovedChildrenUsage>,
}

/// Directories.
impl Containers {
    /// Returns a directory that has to do with a container.
    pub fn directory(&self, key: CgroupKey) -> Option<TrackedDirectory> {
        self.directories.get(&key).copied()
    }

    /// Iterates over the directories that have to do with a container.
    pub fn directories(&self) -> impl Iterator<Item = (CgroupKey, &TrackedDirectory)> {
        self.directories.iter().map(|(key, directory)| (*key, directory))
    }

    /// Tracks a directory, in place of what was known of it.
    pub fn track(&mut self, key: CgroupKey, directory: TrackedDirectory) {
        self.directories.insert(key, directory);
    }

    /// Stops tracking a directory.
    pub fn untrack(&mut self, key: CgroupKey) -> Option<TrackedDirectory> {
        self.directories.remove(&key)
    }

    /// Returns the directory above, if it has to do with a container.
    pub fn directory_above(&self, observed: &ObservedDirectory<'_>) -> Option<(CgroupKey, DirectoryRole)> {
        let parent = beside(observed.key, observed.parent?);
        Some((parent, self.directories.get(&parent)?.role))
    }

    /// Returns the life that encloses a directory, by the directory above it.
    pub fn enclosing(&self, observed: &ObservedDirectory<'_>) -> Option<LifeId> {
        self.directory_above(observed)?.1.encloses()
    }

    /// Takes a directory from a life whose root it turned out not to be. It is a mere parent, made
    /// by a runtime on its way to a root, and would seem entered as soon as the one below is; or it
    /// is that of the container's next run.
    pub fn detach(&mut self, key: CgroupKey, life_id: LifeId) {
        self.directories.remove(&key);
        if let Some(life) = self.lives.get_mut(life_id) {
            life.drop_root(key);
        }
        self.reindex(life_id);
    }
}

/// Lives.
impl Containers {
    /// Returns the life with this id.
    pub fn life(&self, life_id: LifeId) -> Option<&Life> {
        self.lives.get(life_id)
    }

    /// Returns the life with this id for changing.
    pub fn life_mut(&mut self, life_id: LifeId) -> Option<&mut Life> {
        self.lives.get_mut(life_id)
    }

    /// Returns the life whose root directory this is.
    pub fn life_of_root_mut(&mut self, key: CgroupKey) -> Option<&mut Life> {
        match self.directory(key)?.role {
            DirectoryRole::Root(life_id) => self.lives.get_mut(life_id),
            DirectoryRole::Candidate(_) | DirectoryRole::Inside(_) => None,
        }
    }

    /// Returns the life that a process in these directories is in: the deepest one, since on
    /// another hierarchy it may be in the directory of an enclosing container.
    pub fn life_at(&self, places: impl Iterator<Item = CgroupKey>) -> Option<LifeId> {
        let mut deepest: Option<(u16, LifeId)> = None;
        for life_id in places.filter_map(|key| self.directories.get(&key)).map(|directory| directory.role.life_id()) {
            let depth = self.lives.get(life_id).map_or(0, |life| life.depth);
            if deepest.is_none_or(|(have, _)| depth > have) {
                deepest = Some((depth, life_id));
            }
        }
        deepest.map(|(_, life_id)| life_id)
    }

    /// Returns the life that a process is of: the one whose init it is, wherever it is now, else
    /// the one that it is in.
    pub fn life_of_process(&self, target: &Target<'_>) -> Option<LifeId> {
        let known = || self.inits.get(&target.process()).copied();
        let is_init =
            |life_id: &LifeId| self.lives.get(*life_id).is_some_and(|life| life.is_init(target) == Some(true));
        // A source may have meant another run of the container: that in whose directory it is.
        let is_elsewhere = |life_id: &LifeId| {
            let id_of = |life_id: LifeId| self.lives.get(life_id).and_then(|life| life.container_id());
            let at = self.life_at(target.places()).filter(|at| at != life_id);
            at.is_none_or(|at| id_of(at) != id_of(*life_id))
        };
        // What is gone has no process any more: the source means a run that nobody saw.
        let may_have_process = |life_id: &LifeId| {
            self.lives.get(*life_id).is_some_and(|life| life.stage() != Stage::Ended || !life.is_run_doubtful())
        };
        let stated = || {
            let stated = self.stated_inits.get(&target.pid).copied();
            stated.filter(is_init).filter(is_elsewhere).filter(may_have_process)
        };
        let here = || {
            let life_id = self.life_at(target.places())?;
            // Of several that share the directory, the one whose runtime began it.
            let is_begun_by_parent =
                |life_id: &LifeId| self.lives.get(*life_id).is_some_and(|life| life.maker_pid == Some(target.ppid));
            let sharers = target.places().filter_map(|key| self.sharers.get(&key)).flatten();
            let begun = sharers.copied().find(|life_id| is_begun_by_parent(life_id));
            Some(begun.filter(|_| !is_begun_by_parent(&life_id)).unwrap_or(life_id))
        };
        known().or_else(stated).or_else(here)
    }

    /// Returns true if the parent of a process is known to be outside of a life that the process is
    /// in.
    pub fn is_parent_outside(&self, target: &Target<'_>, life_id: LifeId) -> bool {
        target.parent_cgroup.is_some() && self.life_at(target.parent_places()) != Some(life_id)
    }

    /// Returns the life whose init has this pid and has not ended, as far as known.
    pub fn life_of_init_pid(&self, pid: u32) -> Option<LifeId> {
        let first = ProcessId { pid, started: BootNs(0) };
        let last = ProcessId { pid, started: BootNs(u64::MAX) };
        let known = self.inits.range(first..=last).next_back().map(|(_, life_id)| *life_id);
        known.or_else(|| self.stated_inits.get(&pid).copied())
    }

    /// Takes over which process is the init of a life.
    pub fn set_init(&mut self, life_id: LifeId, process: ProcessId, seq: Seq) {
        let Some(life) = self.lives.get_mut(life_id) else { return };
        life.set_init(process, seq);
        if life.init() == Some(process) {
            self.inits.insert(process, life_id);
        }
    }

    /// Takes over, at `at`, what the claims about a life state of its init.
    pub fn note_stated_init(&mut self, life_id: LifeId, at: Stamp) {
        let Some(life) = self.lives.get_mut(life_id) else { return };
        life.note_stated_init(at);
        if let Some(pid) = life.init.stated_pid() {
            self.stated_inits.insert(pid, life_id);
        }
    }

    /// Returns the lives that have a directory as their root, the newest last.
    pub fn lives_with_root(&self, key: CgroupKey) -> Vec<LifeId> {
        let role = self.directories.get(&key).map(|directory| directory.role);
        let newest = match role {
            Some(DirectoryRole::Root(life_id) | DirectoryRole::Candidate(life_id)) => Some(life_id),
            _ => None,
        };
        self.sharers.get(&key).into_iter().flatten().copied().chain(newest).collect()
    }

    /// Gives a directory that is a life's root to another life too, for which it is tracked from
    /// now on.
    pub fn share(&mut self, key: CgroupKey, newer: LifeId, since: Seq) {
        let Some(directory) = self.directories.get(&key).copied() else { return };
        if let DirectoryRole::Root(older) | DirectoryRole::Candidate(older) = directory.role
            && older != newer
        {
            let sharers = self.sharers.entry(key).or_default();
            sharers.retain(|life_id| *life_id != newer);
            if sharers.len() < MAX_SHARERS {
                sharers.push(older);
            }
        }
        self.directories.insert(key, TrackedDirectory { role: DirectoryRole::Root(newer), since, ..directory });
    }

    /// Marks a directory that may be a life's root as that: tasks were in it.
    pub fn confirm_root(&mut self, key: CgroupKey) {
        if let Some(directory) = self.directories.get_mut(&key)
            && let DirectoryRole::Candidate(life_id) = directory.role
        {
            directory.role = DirectoryRole::Root(life_id);
        }
    }

    /// Takes the lives that share a directory that is gone.
    pub fn take_sharers(&mut self, key: CgroupKey) -> Vec<LifeId> {
        self.sharers.remove(&key).unwrap_or_default()
    }

    /// Notes that a directory was renamed: what is not tracked by now is no container's, whatever
    /// its new name.
    pub fn note_renamed(&mut self, key: CgroupKey) {
        if self.directories.contains_key(&key) {
            return;
        }
        if self.renamed.len() >= MAX_RENAMED {
            self.renamed.pop_first();
        }
        self.renamed.insert(key);
    }

    /// Returns true if a directory had another name when it was made.
    pub fn is_renamed(&self, key: CgroupKey) -> bool {
        !self.renamed.is_empty() && self.renamed.contains(&key)
    }

    /// Forgets that a directory was renamed, since it is gone. Returns true if it was.
    pub fn forget_renamed(&mut self, key: CgroupKey) -> bool {
        !self.renamed.is_empty() && self.renamed.remove(&key)
    }

    /// Iterates over all lives, in no order.
    pub fn lives(&self) -> impl Iterator<Item = &Life> {
        self.lives.iter()
    }

    /// Iterates over all lives for changing, in no order.
    pub fn lives_mut(&mut self) -> impl Iterator<Item = &mut Life> {
        self.lives.iter_mut()
    }

    /// Selects lives, in the order in which they began.
    pub fn select(&self, is_wanted: impl Fn(&Life) -> bool) -> Vec<LifeId> {
        self.lives.select(is_wanted)
    }

    /// Returns the lives of a container id, in the order in which they came to have it.
    pub fn lives_with_id(&self, container_id: &str) -> Vec<LifeId> {
        self.index.with_id(&IdKey::from(container_id))
    }

    /// Returns true if a claim is about this life: the same id, and no other home.
    pub fn is_about(&self, life_id: LifeId, claim: &Claim<'_>) -> bool {
        self.lives.get(life_id).is_some_and(|life| life.claims.iter().any(|have| have.agrees_on_home(claim)))
    }

    /// Returns true if a life that has ended had this unknown directory too.
    pub fn has_ghost(&self, observed: &ObservedDirectory<'_>, claims: &RootClaims<'_>) -> bool {
        let Some(container_id) = claims.container_id() else { return false };
        let mut lives = self.lives_with_id(container_id).into_iter().filter_map(|life_id| self.lives.get(life_id));
        lives.any(|life| life.stage == Stage::Ended && matching::had_directory(life, observed, claims))
    }

    /// Gives a directory to the life that it belongs to, and begins one if there is none. Returns
    /// `None`, and does nothing, if the share of the user who made it has no room for another.
    /// `complete` adds what was claimed of the container before it had a directory.
    pub fn adopt(
        &mut self,
        observed: &ObservedDirectory<'_>,
        claims: &RootClaims<'_>,
        enclosing: Option<LifeId>,
        beginning: LifeStart,
        complete: impl FnOnce(&mut ClaimSet),
    ) -> Option<LifeId> {
        let parent = enclosing
            .and_then(|life_id| self.lives.get(life_id)?.container_id().cloned())
            .or_else(|| observed.identity.parent_container_id.as_deref().map(Arc::from));
        let depth =
            enclosing.and_then(|life_id| self.lives.get(life_id)).map_or(0, |life| life.depth.saturating_add(1));
        let id = claims.container_id().map(|id| IdKey::from(self.share_id(id)));
        let fits = id.as_ref().filter(|_| beginning.extends_others);
        let found = fits.and_then(|id| self.living_match(id, observed, claims, parent.as_ref()));
        let is_new = found.is_none();
        if is_new && !self.shares.has_room(observed.user, beginning.stamp.boot_ns) {
            if beginning.origin != Origin::Leaving {
                self.shares.refuse(observed.user); // when it is removed, it was counted
            }
            return None;
        }
        if let Some(id) = &id
            && is_new
        {
            self.forget_stated(&id.id);
        }
        let life_id = found.unwrap_or_else(|| {
            let mut life = Life::new(&beginning);
            life.parent_container_id = parent;
            life.user = observed.user;
            life.counted_for = observed.user;
            self.shares.add(observed.user, beginning.stamp.boot_ns);
            life.depth = depth;
            self.lives.insert(life)
        });
        let life = self.lives.get_mut(life_id)?;
        if life.stage == Stage::Provisional && beginning.stage != Stage::Provisional {
            life.stage = Stage::Unannounced;
        }
        if life.roots.is_empty() {
            // A parent that the runtime made on its way is no evidence of the container.
            life.first = beginning.stamp;
            life.evidence.clear();
            life.claims.restamp(Source::OciArgv, beginning.stamp.seq);
        }
        life.add_root(observed.key, observed.path, observed.is_path_cut);
        life.add_evidence(beginning.stamp.seq);
        for claim in claims.iter() {
            life.claims.add_sharing(claim, id.as_ref().map(|id| &id.id));
        }
        complete(&mut life.claims);
        // The best claim may name another id than the one that the life was found by.
        let best = life.container_id().filter(|best| claims.container_id() != Some(&***best)).cloned();
        for id in id.filter(|_| is_new).into_iter().chain(best.map(IdKey::from)) {
            self.index.add(id, life_id, &mut self.lives);
        }
        self.reindex(life_id);
        Some(life_id)
    }

    /// Bounds how many lives of a user without privileges may begin a second; 0 for any number.
    pub fn limit_user_rate(&mut self, lives_per_second: u32) {
        self.shares.limit_rate(lives_per_second);
    }

    /// Returns how many directories of each user without privileges were not followed.
    pub fn refused(&self) -> &BTreeMap<u32, u64> {
        self.shares.refused()
    }

    /// Returns an empty table for the next segment, which knows what was refused so far.
    pub fn take_for_next_segment(&mut self) -> Self {
        Self { shares: self.shares.take_for_next_segment(), ..Self::default() }
    }

    /// Begins the life of a container that has no directory, with an init that a source states.
    pub fn begin_stated(&mut self, claim: &Claim<'_>, at: Stamp, start: LifeStart) {
        let id = IdKey::from(self.share_id(claim.container_id));
        let mut life = Life::new(&start);
        life.claims.add_sharing(claim, Some(&id.id));
        let life_id = self.lives.insert(life);
        self.index.add(id, life_id, &mut self.lives);
        self.note_stated_init(life_id, at);
        self.stated.push_back(life_id);
        if self.stated.len() > MAX_STATED
            && let Some(oldest) = self.stated.pop_front()
        {
            self.forget_if_stated(oldest);
        }
    }

    /// Forgets the lives without a directory that have this id, and have not exited.
    pub fn forget_stated(&mut self, container_id: &str) {
        if self.stated.is_empty() {
            return; // as on nearly all hosts
        }
        for life_id in self.lives_with_id(container_id) {
            self.forget_if_stated(life_id);
        }
    }

    /// Forgets the lives without a directory that have not exited: theirs may have been missed.
    pub fn forget_all_stated(&mut self) {
        for life_id in self.stated.clone() {
            self.forget_if_stated(life_id);
        }
    }

    fn forget_if_stated(&mut self, life_id: LifeId) {
        if self.lives.get(life_id).is_some_and(|life| life.is_stated() && life.exit().is_none()) {
            self.stated.retain(|stated| *stated != life_id);
            self.forget(life_id);
        }
    }

    /// Returns the life of a container id that the call in this process has begun, if it has not
    /// exited.
    pub fn life_made_by(&self, container_id: &str, pid: u32) -> Option<LifeId> {
        self.lives_with_id(container_id).into_iter().rev().find(|life_id| {
            let life = self.lives.get(*life_id);
            life.is_some_and(|life| life.is_made_by(pid) && life.exit().is_none() && life.stage != Stage::Ended)
        })
    }

    /// Returns the life of a claim's container that a walk has found in other directories since
    /// this moment, when the call in this process began it.
    pub fn life_found_of_call(&self, claim: &Claim<'_>, pid: u32, key: CgroupKey, at: Stamp) -> Option<LifeId> {
        self.lives_with_id(claim.container_id).into_iter().rev().find(|life_id| {
            self.is_about(*life_id, claim)
                && self.lives.get(*life_id).is_some_and(|life| {
                    life.is_newly_found()
                        && at.boot_ns < life.first.boot_ns
                        && life.maker_pid.is_none_or(|maker| maker == pid)
                        && life.exit().is_none()
                        && !life.is_present_on(key.hierarchy)
                })
        })
    }

    /// Gives a life another directory as its root.
    pub fn add_root(&mut self, life_id: LifeId, observed: &ObservedDirectory<'_>) {
        if let Some(life) = self.lives.get_mut(life_id) {
            life.add_root(observed.key, observed.path, observed.is_path_cut);
        }
        self.reindex(life_id);
    }

    /// Returns the next life of a container that a walk has found in other directories, if it did,
    /// and if nobody has shown its init.
    pub fn next_life_found(&self, older: LifeId) -> Option<LifeId> {
        let first = self.lives.get(older)?.first;
        self.lives_with_id(self.lives.get(older)?.container_id()?).into_iter().find(|life_id| {
            *life_id != older
                && self.lives.get(*life_id).is_some_and(|life| {
                    let is_over = life.stage == Stage::Ended || life.exit().is_some();
                    life.is_beginning_lost() && life.first.seq > first.seq && !is_over && life.init().is_none()
                })
        })
    }

    /// Gives a life the directories that the life before still has.
    pub fn inherit(&mut self, older: LifeId, life_id: LifeId, since: Seq) {
        let Some(before) = self.lives.get(older) else { return };
        let roots: Vec<RootDirectory> = before.roots.iter().filter(|root| root.is_present()).cloned().collect();
        for root in &roots {
            let Some(life) = self.lives.get_mut(life_id) else { return };
            life.add_root(root.key, &root.path, root.is_path_cut);
            life.mark_entered(root.key, since);
            self.share(root.key, life_id, since);
        }
        self.reindex(life_id);
    }

    /// Begins the next life of a container in the directories that the life before still has.
    pub fn begin_again(&mut self, older: LifeId, start: LifeStart) -> Option<LifeId> {
        let before = self.lives.get(older)?;
        let mut life = Life::new(&start);
        life.parent_container_id = before.parent_container_id.clone();
        life.depth = before.depth;
        life.user = before.user;
        life.claims = before.claims.for_next_life();
        life.add_evidence(start.stamp.seq);
        let ids: Vec<Arc<str>> = life.claims.ids().cloned().collect();
        let life_id = self.lives.insert(life);
        for id in ids {
            self.index.add(IdKey::from(id), life_id, &mut self.lives);
        }
        self.inherit(older, life_id, start.stamp.seq);
        Some(life_id)
    }

    /// Returns an id to be stored, shared if it is the last one that was.
    fn share_id(&mut self, id: &str) -> Arc<str> {
        match &self.recent_id {
            Some(recent) if **recent == *id => Arc::clone(recent),
            _ => Arc::clone(self.recent_id.insert(Arc::from(id))),
        }
    }

    /// Returns the living life of this id that a directory fits best; of two that fit alike, the
    /// one that had the id first.
    fn living_match(
        &self,
        id: &IdKey,
        observed: &ObservedDirectory<'_>,
        claims: &RootClaims<'_>,
        parent: Option<&Arc<str>>,
    ) -> Option<LifeId> {
        let mut best: Option<((u8, Reverse<u64>), LifeId)> = None;
        self.index.each_not_on(id, observed.key.hierarchy, |order, life_id| {
            let fit = self.lives.get(life_id).and_then(|life| matching::fit(life, observed, claims, parent));
            let fit = fit.map(|fit| (fit, Reverse(order)));
            if fit > best.map(|(have, _)| have) {
                best = fit.map(|fit| (fit, life_id));
            }
        });
        best.map(|(_, life_id)| life_id)
    }

    /// Updates the index after a life was given a directory, has lost one, or has ended.
    #[inline]
    pub fn reindex(&mut self, life_id: LifeId) {
        if let Some(life) = self.lives.get(life_id).filter(|life| life.is_one_of_many) {
            self.index.update(life_id, life, life.claims.ids());
        }
    }

    /// Forgets a life that has no directory left and no row to come: at once if it has not ended,
    /// since it then never was one, else after [`MAX_GHOSTS`] others.
    pub fn forget_if_gone(&mut self, life_id: LifeId) {
        let Some(life) = self.lives.get_mut(life_id) else { return };
        if life.is_present() || life.held_rows > 0 || life.is_ghost {
            return;
        }
        if life.stage != Stage::Ended {
            if life.is_stated() {
                self.stated.retain(|stated| *stated != life_id);
            }
            self.forget(life_id);
            return;
        }
        life.is_ghost = true;
        self.ghosts.push_back(life_id);
        if self.ghosts.len() > MAX_GHOSTS
            && let Some(oldest) = self.ghosts.pop_front()
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, life_id: LifeId) {
        let Some(life) = self.lives.remove(life_id) else { return };
        self.shares.release(life.counted_for);
        self.index.remove(life_id, life.claims.ids());
        if let Some(process) = life.init() {
            self.inits.remove(&process);
        }
        if let Some(pid) = life.init.stated_pid()
            && self.stated_inits.get(&pid) == Some(&life_id)
        {
            self.stated_inits.remove(&pid);
        }
    }
}

/// Usage of cgroups that a container made in its own and removed before its end.
impl Containers {
    /// Returns what a directory counted, with its children that are gone.
    pub fn usage_with_children<'e>(&self, event: &'e CgroupEvent<'_>) -> Cow<'e, Usage> {
        let children = self.removed_children.get(&event.key);
        children.map_or(Cow::Borrowed(&event.usage), |children| Cow::Owned(children.added_to(&event.usage)))
    }

    /// Returns what a directory that is removed counted, with its children that are gone, and hands
    /// it on to the directory above if that is a container's; with `is_carrying`, to any, since the
    /// walk is yet to tell of those that are no roots.
    pub fn take_usage<'e>(&mut self, seq: Seq, event: &'e CgroupEvent<'_>, is_carrying: bool) -> Cow<'e, Usage> {
        let usage = self.usage_with_children(event);
        let children = self.removed_children.remove(&event.key);
        if event.key.hierarchy == HierarchyId::V2
            && let Some(above) = event.parent.map(|parent| beside(event.key, parent))
            && (is_carrying || self.directories.contains_key(&above))
        {
            let made = self.directories.get(&event.key).map(|directory| directory.since);
            let seqs = children.map(|children| children.seqs).unwrap_or_default();
            let siblings = self.removed_children.entry(above).or_default();
            siblings.add(&usage);
            siblings.add_seqs(seqs.into_iter().chain(made).chain([seq]));
        }
        usage
    }

    /// Forgets the children of a directory that is gone without a word of what it used.
    pub fn forget_children(&mut self, key: CgroupKey) {
        self.removed_children.remove(&key);
    }

    /// Iterates over the records that the usage of children that are gone rests on, in no order.
    pub fn usage_seqs(&self) -> impl Iterator<Item = Seq> + '_ {
        self.removed_children.values().flat_map(|children| children.seqs.iter().copied())
    }
}
