//! The fold: records in `seq` order in, rows out.
//!
//! A `cgroup_rmdir` ends a container only if the directory is that container's root. So the fold remembers, for each
//! live directory that has to do with a container, whether it is a root or inside one; where it is comes from the
//! directory above it, by id, and who it is from claims ([`claim`]). One incarnation has a root directory on each
//! hierarchy; it ends when the one with authority goes.
//!
//! Memory: one entry for each live directory of a container and one incarnation for each container that has a
//! directory left, plus [`MAX_GHOSTS`] that are gone.

mod claim;
mod foretold;
mod held;
mod incarnation;
mod stated;
mod walk;

use alloc::collections::{BTreeMap, VecDeque};
use alloc::string::String;
use alloc::vec::Vec;

use self::claim::{Claim, Claims};
use self::foretold::Foretold;
use self::held::{HeldEnd, HeldEnds};
use self::incarnation::{Incarnation, IncarnationNo, Moment, Origin, Stage};
use self::stated::Stated;
use self::walk::Walk;
use crate::identity::argv::{self, Invocation, Verb};
use crate::identity::path;
use crate::record::{
    Actor, Body, BootNs, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, FatalSignal, HierarchyId, KernelEventKind,
    Loss, Record, RuntimeAnswer, Seq, Target,
};
use crate::row::{ActorCopy, ContainerRemove, Row};

/// Version of the rules. A replay that knows other rules than the recorder says so when rows differ.
pub const DERIVATION_VERSION: u32 = 3;

/// Incarnations kept after their last known directory went, so that a directory of theirs that was never seen being
/// made (events were lost) does not end them a second time.
const MAX_GHOSTS: usize = 1024;

/// What a live directory has to do with a container. Directories that have nothing to do with one are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// The incarnation's root on this hierarchy.
    Root(IncarnationNo),
    /// Made by a runtime for the incarnation, but its name does not say so: its root, unless the runtime goes on to
    /// make another one below it.
    Candidate(IncarnationNo),
    /// Below the incarnation's root.
    Inside(IncarnationNo),
}

impl Role {
    fn incarnation(self) -> IncarnationNo {
        match self {
            Self::Root(number) | Self::Candidate(number) | Self::Inside(number) => number,
        }
    }
}

/// A live directory that has to do with a container.
#[derive(Clone, Copy, Debug)]
struct Known {
    role: Role,
    since: Seq,
    /// The event of its making was seen, so that another such event is about another directory.
    is_made: bool,
}

impl Known {
    /// A directory that a walk shows.
    fn walked(role: Role, since: Seq) -> Self {
        Self { role, since, is_made: false }
    }
}

/// A directory as an event or a walk shows it, with what its path says.
struct Sighting<'a> {
    key: CgroupKey,
    parent: Option<CgroupId>,
    path: &'a str,
    identity: path::PathIdentity<'a>,
}

impl<'a> Sighting<'a> {
    fn new(key: CgroupKey, parent: Option<CgroupId>, path: &'a str, truncated: bool) -> Self {
        // A cut path would be read as another name: it says nothing.
        let identity = if truncated { path::PathIdentity::default() } else { path::identify(path) };
        Self { key, parent, path, identity }
    }
}

/// The derivation's state between two records.
#[derive(Debug, Default)]
pub struct Fold {
    directories: BTreeMap<CgroupKey, Known>,
    incarnations: BTreeMap<IncarnationNo, Incarnation>,
    by_id: BTreeMap<String, Vec<IncarnationNo>>,
    ghosts: VecDeque<IncarnationNo>,
    stated: Stated,
    foretold: Foretold,
    walk: Option<Walk>,
    next_number: u64,
    /// Events up to this moment may be missing.
    lost_until: Option<BootNs>,
    /// Exits up to this moment may be.
    exits_lost_until: Option<BootNs>,
    held: HeldEnds,
    /// Ends as they happen, for whoever wants them before their grace is over.
    early: Option<Vec<ContainerRemove>>,
}

impl Fold {
    /// A fold that has seen nothing and holds no row back.
    pub fn new() -> Self {
        Self::default()
    }

    /// A fold that has seen nothing, and holds the row of an end back for so many nanoseconds of record time, so that
    /// what is said of the container meanwhile joins it. It is part of what decides the rows: a case records it.
    pub fn with_grace(grace_ns: u64) -> Self {
        Self { held: HeldEnds::with_grace(grace_ns), ..Self::default() }
    }

    /// Keeps a copy of each end as it is known when it happens; see [`Self::take_early`].
    pub fn keep_early(&mut self) {
        self.early.get_or_insert_default();
    }

    /// The ends since the last call, without what joins them later.
    pub fn take_early(&mut self) -> Vec<ContainerRemove> {
        self.early.as_mut().map(core::mem::take).unwrap_or_default()
    }

    /// When the next row that is held back is due, by the boot clock; a later record lets it go.
    pub fn next_due(&self) -> Option<BootNs> {
        self.held.next_due()
    }

    /// Takes the next record and appends the rows that it decides, in a fixed order.
    pub fn apply(&mut self, record: &Record<'_>, out: &mut Vec<Row>) {
        let moment = Moment { seq: record.seq, ts: record.ts, boot_ns: record.boot_ns };
        self.held.advance(moment.boot_ns);
        while let Some(end) = self.held.take_due() {
            self.release(end, out);
        }
        match &record.body {
            Body::Cgroup(event) => match event.kind {
                CgroupEventKind::Mkdir => self.made(moment, event, out),
                CgroupEventKind::Rmdir => self.removed(moment, event, out),
                CgroupEventKind::Populated => self.populated(moment, event, out),
                CgroupEventKind::Empty => self.emptied(moment, event),
                CgroupEventKind::Frozen => self.froze(moment, event.key, true),
                CgroupEventKind::Thawed => self.froze(moment, event.key, false),
                // What was asked for; the two above are what came of it.
                CgroupEventKind::Freeze | CgroupEventKind::Unfreeze => {}
            },
            Body::Lost(loss) => self.lost(moment, loss),
            Body::SnapshotBegin(reason) => self.walk = Some(Walk::new(*reason, moment.seq)),
            Body::SnapshotFailed(hierarchy) => {
                if let Some(walk) = &mut self.walk {
                    walk.fail(*hierarchy);
                }
            }
            Body::SnapshotEnd(_) => self.end_walk(moment, out),
            Body::Directory(directory) => self.walked(moment, directory),
            Body::Runtime(answer) => self.answered(moment, answer),
            Body::Clock | Body::CaptureStart | Body::CaptureStop | Body::Unknown => {}
            Body::Exit(exit) => {
                if let Some(life) = self.life_of(&exit.target) {
                    life.death.exited(moment.seq, moment.ts, exit);
                }
            }
            Body::Signal(signal) => self.signalled(moment, signal),
            Body::Oom(kill) => {
                if let Some(life) = self.life_of(&kill.target) {
                    life.death.oom_killed(moment.seq, kill);
                }
            }
        }
    }

    /// Ends the log: appends the rows that were held back.
    pub fn finish(&mut self, out: &mut Vec<Row>) {
        for end in self.held.take_all() {
            self.release(end, out);
        }
    }

    /// Whether a directory is, as far as known now, a container's root.
    pub fn is_container_root(&self, key: CgroupKey) -> bool {
        self.directories.get(&key).is_some_and(|known| !matches!(known.role, Role::Inside(_)))
    }

    /// Containers that are alive as far as the records say.
    pub fn live_containers(&self) -> usize {
        self.incarnations.values().filter(|life| matches!(life.stage, Stage::Unannounced | Stage::Announced)).count()
    }

    fn made(&mut self, moment: Moment, event: &CgroupEvent<'_>, out: &mut Vec<Row>) {
        let sighting = Sighting::new(event.key, event.parent, event.path, event.path_truncated);
        if let Some(walk) = &mut self.walk {
            walk.see(event.key);
        }
        let call = argv::parse(event.actor.argv).filter(|call| makes_directories(call.verb));
        match self.directories.get(&event.key).copied() {
            // The number comes again: the removal of the directory that had it was lost.
            Some(Known { is_made: true, .. }) => self.found_missing(event.key, moment, out),
            Some(known) => {
                self.directories.insert(event.key, Known { is_made: true, ..known });
                return self.witness_making(known, moment, event, call.as_ref(), out);
            }
            None => {}
        }
        let mut claims = self.claims_on(moment, &sighting, call.as_ref());
        let enclosing = self.enclosing(&sighting);
        let mut role: fn(IncarnationNo) -> Role = Role::Root;
        let mut stage = Stage::Unannounced;
        if claims.is_empty() {
            // A runtime's directory whose name does not name the container: `linux.cgroupsPath` may be anything, and
            // the runtime makes missing parents on the way. The deepest one is the root, but one that it makes below
            // a root is its own affair (crun's `/container`).
            match call.as_ref().map(|call| Claim::of_argv(moment.seq, call)) {
                Some(claim) if !enclosing.is_some_and(|number| self.is_about(number, &claim)) => {
                    claims.push(claim);
                    role = Role::Candidate;
                    stage = Stage::Provisional;
                }
                _ => {
                    if let Some(number) = enclosing {
                        self.remember(event.key, Role::Inside(number), moment);
                    }
                    return;
                }
            }
        }
        let demoted = self.demote_candidate_above(&sighting);
        let origin = Origin::Made(ActorCopy::from(&event.actor));
        let number = self.incarnation_for(&sighting, &claims, enclosing, origin, stage, moment);
        self.adopt(number, &sighting, claims, moment);
        self.remember(event.key, role(number), moment);
        if let Some(demoted) = demoted {
            self.forget_if_gone(demoted);
        }
        if stage == Stage::Unannounced {
            self.announce(number, moment, out);
        }
    }

    /// A directory that was known is gone, and nobody saw it go.
    fn found_missing(&mut self, key: CgroupKey, moment: Moment, out: &mut Vec<Row>) {
        let known = self.directories.remove(&key);
        let Some(Known { role: Role::Root(number) | Role::Candidate(number), .. }) = known else {
            return;
        };
        self.lose_root(number, key, moment, None, out);
    }

    /// A root directory of an incarnation is gone. That is its end if the directory stands for it, or was its last.
    fn lose_root(
        &mut self,
        number: IncarnationNo,
        key: CgroupKey,
        moment: Moment,
        removed_by: Option<&Actor<'_>>,
        out: &mut Vec<Row>,
    ) {
        let Some(life) = self.incarnations.get_mut(&number) else { return };
        life.mark_gone(key);
        let authority = life.authority().is_some_and(|root| root.key == key);
        if authority || !life.is_present() {
            self.announce(number, moment, out);
            self.end(number, moment, removed_by.map(ActorCopy::from), out);
        }
        self.forget_if_gone(number);
    }

    /// The claims that make a directory a container's root, the best first. None: it is not one, as far as known now.
    fn claims_on(&mut self, moment: Moment, sighting: &Sighting<'_>, call: Option<&Invocation<'_>>) -> Vec<Claim> {
        let mut claims = Vec::new();
        let by_path = Claim::of_path(moment.seq, &sighting.identity);
        // A runtime that makes what looks like another container's root is believed, and the path kept as a conflict.
        let named = |call: &&Invocation<'_>| path::names_container(sighting.path, call.container_id);
        if let Some(call) = call.filter(|call| named(call) || by_path.is_some() && makes_directories(call.verb)) {
            claims.push(Claim::of_argv(moment.seq, call));
        }
        claims.extend(self.stated.take(sighting.key.hierarchy, sighting.path));
        claims.extend(by_path);
        claims
    }

    /// The directory above turns out to be a mere parent that a runtime made on its way to a root: its own, or another's
    /// that is made beside it at the same time. Left as it is, it would seem entered as soon as the one below is. Returns
    /// the incarnation that it was taken for.
    fn demote_candidate_above(&mut self, sighting: &Sighting<'_>) -> Option<IncarnationNo> {
        let parent = beside(sighting.key, sighting.parent?);
        let Known { role: Role::Candidate(number), .. } = self.directories.get(&parent).copied()? else {
            return None;
        };
        self.directories.remove(&parent);
        self.incarnations.get_mut(&number)?.drop_root(parent);
        Some(number)
    }

    /// The event of a directory's making arrives after a walk has shown the directory.
    fn witness_making(
        &mut self,
        known: Known,
        moment: Moment,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut Vec<Row>,
    ) {
        let Role::Root(number) = known.role else { return };
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        life.note(moment.seq);
        if let Some(call) = call.filter(|call| path::names_container(event.path, call.container_id)) {
            life.claims.add(Claim::of_argv(moment.seq, call));
        }
        if life.origin == Origin::Walked && life.stage == Stage::Unannounced {
            life.origin = Origin::Made(ActorCopy::from(&event.actor));
            life.first = moment;
            self.announce(number, moment, out);
        }
    }

    fn removed(&mut self, moment: Moment, event: &CgroupEvent<'_>, out: &mut Vec<Row>) {
        if let Some(walk) = &mut self.walk {
            walk.bury(event.key);
        }
        let call = argv::parse(event.actor.argv);
        let Some(known) = self.directories.remove(&event.key) else {
            self.removed_unknown(moment, event, call.as_ref(), out);
            return;
        };
        let number = known.role.incarnation();
        if matches!(known.role, Role::Inside(_)) {
            return;
        }
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        life.absorb(&event.vitals);
        // `runc delete OUTER` removes the roots of containers nested in it too: it does not name those.
        if let Some(call) = &call
            && (path::names_container(event.path, call.container_id) || life.container_id() == Some(call.container_id))
        {
            life.claims.add(Claim::of_argv(moment.seq, call));
        }
        self.lose_root(number, event.key, moment, Some(&event.actor), out);
    }

    /// A directory goes that was never seen: it was there before the walk could see it, or its making was lost.
    fn removed_unknown(
        &mut self,
        moment: Moment,
        event: &CgroupEvent<'_>,
        call: Option<&Invocation<'_>>,
        out: &mut Vec<Row>,
    ) {
        let sighting = Sighting::new(event.key, event.parent, event.path, event.path_truncated);
        let claims = self.claims_on(moment, &sighting, call);
        // One of its other directories may have ended it already.
        if claims.is_empty() || self.has_ghost(&sighting, &claims) {
            return;
        }
        let enclosing = self.enclosing(&sighting);
        let number = self.incarnation_for(&sighting, &claims, enclosing, Origin::Leaving, Stage::Announced, moment);
        self.adopt(number, &sighting, claims, moment);
        if let Some(life) = self.incarnations.get_mut(&number) {
            life.absorb(&event.vitals);
        }
        self.lose_root(number, event.key, moment, Some(&event.actor), out);
    }

    fn populated(&mut self, moment: Moment, event: &CgroupEvent<'_>, out: &mut Vec<Row>) {
        let Some(known) = self.directories.get(&event.key).copied() else {
            return;
        };
        let number = match known.role {
            Role::Inside(_) => return, // the kernel reports its root as populated as well
            Role::Root(number) => number,
            Role::Candidate(number) => {
                self.directories.insert(event.key, Known { role: Role::Root(number), ..known });
                number
            }
        };
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        life.entered = true;
        life.entered_seq.get_or_insert(moment.seq);
        life.emptied = None;
        self.announce(number, moment, out);
    }

    fn emptied(&mut self, moment: Moment, event: &CgroupEvent<'_>) {
        let Some(Known { role: Role::Root(number), .. }) = self.directories.get(&event.key).copied() else {
            return;
        };
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        life.entered = true; // what is emptied was populated, seen or not
        life.emptied = Some(moment);
        life.absorb(&event.vitals);
    }

    fn froze(&mut self, moment: Moment, key: CgroupKey, frozen: bool) {
        let Some(Known { role: Role::Root(number), .. }) = self.directories.get(&key).copied() else { return };
        if let Some(life) = self.incarnations.get_mut(&number) {
            life.death.froze(moment.seq, frozen);
        }
    }

    fn signalled(&mut self, moment: Moment, signal: &FatalSignal<'_>) {
        let sender = signal.sender.cgroup.and_then(|cgroup| {
            let number = self.directories.get(&CgroupKey { hierarchy: HierarchyId::V2, cgroup })?.role.incarnation();
            self.incarnations.get(&number)?.container_id().map(String::from)
        });
        if let Some(life) = self.life_of(&signal.target) {
            life.death.signalled(moment.seq, signal, sender);
        }
    }

    /// The container that a process is in.
    fn life_of(&mut self, target: &Target<'_>) -> Option<&mut Incarnation> {
        let number = target.places().find_map(|key| self.directories.get(&key))?.role.incarnation();
        self.incarnations.get_mut(&number)
    }

    fn lost(&mut self, moment: Moment, loss: &Loss) {
        // Nearly all exits are of no container's init. That one of an init is among those lost shows where it is missing.
        if loss.kind == Some(KernelEventKind::Exit) {
            self.exits_lost_until = self.exits_lost_until.max(Some(moment.boot_ns));
            for life in self.incarnations.values_mut().filter(|life| life.stage != Stage::Ended) {
                life.exits_lost = true;
            }
            return;
        }
        self.lost_until = self.lost_until.max(Some(moment.boot_ns));
        for life in self.incarnations.values_mut().filter(|life| life.stage != Stage::Ended) {
            life.after_gap = true;
        }
    }

    /// Asked about one container, the source spoke of another: none of it counts, and it is kept as a conflict.
    fn answered_about_another(&mut self, moment: Moment, answer: &RuntimeAnswer<'_>) {
        let (Some(asked), Some(said)) = (answer.container_id.as_deref(), answer.answered_id.as_deref()) else { return };
        for number in self.by_id.get(asked).into_iter().flatten() {
            if let Some(life) = self.incarnations.get_mut(number)
                && (life.stage != Stage::Ended || life.held)
            {
                life.claims.overrule(answer.source.into(), said);
                life.note(moment.seq);
            }
        }
    }

    fn answered(&mut self, moment: Moment, answer: &RuntimeAnswer<'_>) {
        if answer.outcome != crate::record::Outcome::Ok {
            self.answered_about_another(moment, answer);
            return;
        }
        let Some(claim) = Claim::of_answer(moment.seq, answer) else {
            return;
        };
        let candidates = self.by_id.get(&claim.container_id);
        let mut found: Vec<IncarnationNo> = candidates.into_iter().flatten().copied().collect();
        found.retain(|number| {
            self.incarnations
                .get(number)
                .is_some_and(|life| (life.stage != Stage::Ended || life.held) && life.may_be_meant_by(&claim))
        });
        let lives = |number: &IncarnationNo| self.incarnations.get(number).is_some_and(|life| !life.held);
        if self.walk.is_some() && !found.iter().any(lives) {
            // Only a walk can show a place whose making was not seen.
            self.stated.keep(claim.clone(), &answer.cgroup_paths);
        }
        if found.is_empty() {
            self.foretold.keep(claim);
            return;
        }
        // One that has just ended and was restarted is described by the same answer, but for what is of one life only.
        let is_event = answer.event.is_some();
        for (age, number) in found.into_iter().rev().enumerate() {
            let Some(life) = self.incarnations.get_mut(&number) else { continue };
            let mut claim = claim.clone();
            if age > 0 || is_event {
                claim.forget_this_life();
            }
            if life.held {
                // Which directories were its own was decided when it ended.
                claim.forget_home();
            }
            life.claims.add(claim);
        }
    }

    /// The container around a directory, by the directory above it.
    fn enclosing(&self, sighting: &Sighting<'_>) -> Option<IncarnationNo> {
        let parent = beside(sighting.key, sighting.parent?);
        match self.directories.get(&parent)?.role {
            Role::Root(number) | Role::Inside(number) => Some(number),
            Role::Candidate(_) => None,
        }
    }

    fn is_about(&self, number: IncarnationNo, claim: &Claim) -> bool {
        self.incarnations.get(&number).is_some_and(|life| life.claims.iter().any(|have| have.agrees_on_home(claim)))
    }

    /// Keeps a directory that is being made.
    fn remember(&mut self, key: CgroupKey, role: Role, made: Moment) {
        self.directories.insert(key, Known { role, since: made.seq, is_made: true });
    }

    /// Finds the incarnation that a directory belongs to, or begins one.
    fn incarnation_for(
        &mut self,
        sighting: &Sighting<'_>,
        claims: &[Claim],
        enclosing: Option<IncarnationNo>,
        origin: Origin,
        stage: Stage,
        moment: Moment,
    ) -> IncarnationNo {
        let parent = enclosing
            .and_then(|number| self.incarnations.get(&number)?.container_id())
            .or(sighting.identity.parent_container_id.as_deref())
            .map(String::from);
        if let Some(number) = self.living_match(sighting, claims, parent.as_deref()) {
            if let Some(life) = self.incarnations.get_mut(&number)
                && life.stage == Stage::Provisional
                && stage != Stage::Provisional
            {
                life.stage = Stage::Unannounced;
            }
            return number;
        }
        let number = IncarnationNo(self.next_number);
        self.next_number = self.next_number.saturating_add(1);
        let mut life = Incarnation::new(origin, stage, moment);
        life.parent_container_id = parent;
        // Of what was not seen being made, nobody knows on which side of the loss it began.
        let seen = matches!(life.origin, Origin::Made(_));
        let reaches = |until: Option<BootNs>| until.is_some_and(|until| !seen || moment.boot_ns <= until);
        life.after_gap = reaches(self.lost_until);
        life.exits_lost = reaches(self.exits_lost_until);
        self.incarnations.insert(number, life);
        if let Some(claim) = claims.first() {
            self.by_id.entry(claim.container_id.clone()).or_default().push(number);
        }
        number
    }

    /// The living incarnation that has no directory on this hierarchy yet and that this directory fits best: one that
    /// lives in the same place by its runtime's word, else one with the same path elsewhere, else the same id within
    /// the same enclosing container.
    fn living_match(&self, sighting: &Sighting<'_>, claims: &[Claim], parent: Option<&str>) -> Option<IncarnationNo> {
        let id = claims.first()?.container_id.as_str();
        let mut best: Option<(u8, IncarnationNo)> = None;
        for &number in self.by_id.get(id)? {
            let Some(life) = self.incarnations.get(&number) else {
                continue;
            };
            if life.stage == Stage::Ended || life.is_present_on(sighting.key.hierarchy) {
                continue;
            }
            if !same_home(&life.claims, claims) {
                continue;
            }
            let fit = if shares_home(&life.claims, claims) {
                3
            } else if life.roots.iter().any(|root| root.path == sighting.path) {
                2
            } else if life.parent_container_id.as_deref() == parent {
                1
            } else {
                continue;
            };
            if best.is_none_or(|(have, _)| fit > have) {
                best = Some((fit, number));
            }
        }
        best.map(|(_, number)| number)
    }

    /// Whether an incarnation that has ended had this unknown directory too: it is the one it had (the kernel gives an
    /// id once), or on a hierarchy where none of its directories was ever seen.
    fn has_ghost(&self, sighting: &Sighting<'_>, claims: &[Claim]) -> bool {
        let numbers = claims.first().and_then(|claim| self.by_id.get(&claim.container_id));
        let ended = numbers.into_iter().flatten().filter_map(|number| self.incarnations.get(number));
        ended.filter(|life| life.stage == Stage::Ended).any(|life| {
            life.roots.iter().any(|root| root.key == sighting.key)
                || life.roots.iter().all(|root| root.key.hierarchy != sighting.key.hierarchy)
                    && same_home(&life.claims, claims)
        })
    }

    fn adopt(&mut self, number: IncarnationNo, sighting: &Sighting<'_>, claims: Vec<Claim>, moment: Moment) {
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        if life.roots.is_empty() {
            life.first = moment;
            life.evidence.clear();
        }
        life.add_root(sighting.key, sighting.path);
        life.note(moment.seq);
        for claim in claims {
            life.claims.add(claim);
        }
        if let Some(id) = life.container_id().map(String::from) {
            self.foretold.tell(&id, &mut life.claims);
            let numbers = self.by_id.entry(id).or_default();
            if !numbers.contains(&number) {
                numbers.push(number);
            }
        }
    }

    /// Writes the row of an incarnation's beginning, once.
    fn announce(&mut self, number: IncarnationNo, moment: Moment, out: &mut Vec<Row>) {
        let starting = self.walk.as_ref().is_some_and(Walk::follows_start);
        let Some(life) = self.incarnations.get_mut(&number) else {
            return;
        };
        if !matches!(life.stage, Stage::Provisional | Stage::Unannounced) {
            return;
        }
        life.stage = Stage::Announced;
        let existed = life.origin == Origin::Walked && starting;
        let row = if existed {
            life.existing_row(moment).map(Row::Existing)
        } else {
            life.create_row(moment).map(Row::Create)
        };
        out.extend(row);
    }

    /// Ends an incarnation, once. Its row follows when its grace is over.
    fn end(&mut self, number: IncarnationNo, moment: Moment, removed_by: Option<ActorCopy>, out: &mut Vec<Row>) {
        let Some(life) = self.incarnations.get_mut(&number) else { return };
        if life.stage == Stage::Ended {
            return;
        }
        life.stage = Stage::Ended;
        life.held = true;
        life.ended_at = Some(moment.ts);
        if let Some(early) = &mut self.early {
            early.extend(life.remove_row(moment, removed_by.clone()));
        }
        self.held.hold(number, moment, removed_by);
        // Without grace, at once.
        while let Some(end) = self.held.take_due() {
            self.release(end, out);
        }
    }

    /// Writes the row of an end.
    fn release(&mut self, end: HeldEnd, out: &mut Vec<Row>) {
        let Some(life) = self.incarnations.get_mut(&end.number) else { return };
        life.held = false;
        out.extend(life.remove_row(end.ended, end.removed_by).map(Row::Remove));
        self.forget_if_gone(end.number);
    }

    /// Lets go of an incarnation that has no directory left and no row to come: at once if it never was one, else after
    /// a while.
    fn forget_if_gone(&mut self, number: IncarnationNo) {
        let Some(life) = self.incarnations.get_mut(&number) else { return };
        if life.is_present() || life.held || life.is_ghost {
            return;
        }
        if life.stage != Stage::Ended {
            self.forget(number);
            return;
        }
        life.is_ghost = true;
        self.ghosts.push_back(number);
        if self.ghosts.len() > MAX_GHOSTS
            && let Some(oldest) = self.ghosts.pop_front()
        {
            self.forget(oldest);
        }
    }

    fn forget(&mut self, number: IncarnationNo) {
        let Some(life) = self.incarnations.remove(&number) else {
            return;
        };
        for id in life.claims.iter().map(|claim| claim.container_id.as_str()) {
            if let Some(numbers) = self.by_id.get_mut(id) {
                numbers.retain(|&have| have != number);
                if numbers.is_empty() {
                    self.by_id.remove(id);
                }
            }
        }
    }
}

/// The key of a directory of the same hierarchy.
fn beside(key: CgroupKey, cgroup: CgroupId) -> CgroupKey {
    CgroupKey { hierarchy: key.hierarchy, cgroup }
}

fn makes_directories(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Run | Verb::Restore)
}

/// No two claims contradict each other about where the container lives. Claims about other ids do not count here.
fn same_home(have: &Claims, claims: &[Claim]) -> bool {
    have.iter()
        .all(|ours| claims.iter().all(|theirs| ours.container_id != theirs.container_id || ours.agrees_on_home(theirs)))
}

/// Both name the same bundle or the same state directory.
fn shares_home(have: &Claims, claims: &[Claim]) -> bool {
    have.iter().any(|ours| {
        claims.iter().any(|theirs| {
            ours.agrees_on_home(theirs)
                && (ours.bundle.is_some() && ours.bundle == theirs.bundle
                    || ours.state_root.is_some() && ours.state_root == theirs.state_root)
        })
    })
}
