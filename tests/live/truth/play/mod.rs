//! Plays scenes, and notes the truth about each life.

mod again;
mod moved;
mod single;
mod together;
mod unstarted;

use std::time::{Duration, SystemTime};

use obit_test_engines::Stage;

use super::driver::{ContainerPlan, Engine};
use super::ends;
use super::life::{EndTruth, Life, Presence, Span};
use super::plan::{End, EngineName, Scene, Story};
use super::program::{Puppet, Puppets};

/// Longest part of a second in which the kernel and an engine get round to what has been decided.
const SLACK: Duration = Duration::from_millis(20);

/// A scene and what it is played with.
#[derive(Clone, Copy)]
pub struct Player<'a> {
    pub scene: Scene,
    pub engine: &'a dyn Engine,
    /// All engines of the run.
    pub engines: &'a [(EngineName, &'a dyn Engine)],
    pub stage: &'a Stage,
    pub puppets: &'a Puppets,
    /// Text in the names of everything that the run makes.
    pub run: &'a str,
}

/// A container that runs, with its init.
pub struct Actor {
    pub id: String,
    pub init: Puppet,
    pub created: Span,
    /// Time since which the engine has the container.
    pub made: SystemTime,
    /// Processes that have nothing to do with the end.
    pub innocents: Vec<u32>,
}

/// Plays a scene to its end.
pub fn play(player: Player<'_>) -> Vec<Life> {
    match player.scene.story {
        Story::Single { host_pids, distraction, end } => player.single(host_pids, distraction, end),
        Story::Again { first, second } => player.again(first, second),
        Story::KeptDirectory { first, second } => player.kept_directory(first, second),
        Story::SharedCgroup { first, second } => player.shared_cgroup(first, second),
        Story::NeverDeleted { end } => player.never_deleted(end),
        Story::MovedInit { end } => player.moved_init(end),
        Story::Nested { inner, outer } => player.nested(inner, outer),
        Story::StartFails(failure) => player.start_fails(failure),
        Story::NeverStarted => player.never_started(),
        Story::JoinedPids => player.joined_pids(),
        Story::Renamed { end } => player.renamed(end),
        Story::CrashLoop { code, restarts } => player.crash_loop(code, restarts),
        Story::OddId { end } => player.odd_id(end),
        Story::LongCommand { end } => player.long_command(end),
        Story::Restarted { times } => player.restarted(times),
        Story::OtherImage { first, second } => player.other_image(first, second),
        Story::NestedOnV1 { inner, outer } => player.nested_on_v1(inner, outer),
        Story::InsideAnother { inner } => player.inside_another(inner),
        Story::SameIdElsewhere { first, second } => player.same_id_elsewhere(first, second),
        Story::Namesakes { first, second } => player.namesakes(first, second),
        Story::LosesV2Directory { end } => player.loses_v2_directory(end),
        Story::ControlC { code } => player.control_c(Some(code)),
        Story::ControlCByDefault => player.control_c(None),
        Story::Outlived { code, child } => player.outlived(code, child),
        Story::Unmonitored { end } => player.unmonitored(end),
        Story::RenamedDirectory => player.renamed_directory(),
    }
}

impl Player<'_> {
    /// Returns a name that no other name contains: the scene's, with a part of it.
    pub fn name(&self, part: &str) -> String {
        let part = if part.is_empty() { "-one" } else { part };
        format!("{}-{:04}{part}", self.run, self.scene.number)
    }

    fn plan(&self, part: &str) -> ContainerPlan {
        let name = self.name(part);
        ContainerPlan { tag: name.clone(), name, ..ContainerPlan::default() }
    }

    fn plan_for(&self, part: &str, end: End) -> ContainerPlan {
        let mut plan = self.plan(part);
        plan.is_memory_limited = matches!(end, End::OutOfMemory | End::ChildOutOfMemory(_));
        if matches!(end, End::Reboot(_)) {
            plan.capabilities.push("CAP_SYS_BOOT");
        }
        if let End::EngineStopHandled(signal, _) = end {
            plan.stop_signal = Some(signal);
        }
        plan
    }

    /// Makes and starts a container, and waits for its init.
    pub fn run(&self, plan: &ContainerPlan) -> Actor {
        let (created, (id, init)) = Span::of(|| {
            let id = self.engine.run(plan).unwrap_or_else(|error| panic!("{error}"));
            (id, self.puppets.wait_for(&plan.tag))
        });
        self.stage.cgroups.own(&id);
        Actor { id, init, made: created.from, created, innocents: Vec::new() }
    }

    /// Starts a container again that has ended.
    fn start_again(&self, plan: &ContainerPlan, before: &Life) -> Actor {
        if !self.engine.keeps_stopped() {
            return self.run(plan);
        }
        let (created, init) = Span::of(|| {
            self.engine.start(&before.id).unwrap_or_else(|error| panic!("{error}"));
            self.puppets.wait_for(&plan.tag)
        });
        Actor { id: before.id.clone(), init, created, made: before.made, innocents: Vec::new() }
    }

    /// Brings a life to its end, and notes it. Its directories may still be there.
    fn end(&self, role: &'static str, actor: &mut Actor, end: End) -> Life {
        let (ended, end) = Span::of(|| ends::bring_about(self, actor, end));
        self.life(role, actor, end, ended)
    }

    fn life(&self, role: &'static str, actor: &Actor, end: EndTruth, ended: Span) -> Life {
        let engine = self.engine;
        let name = engine.name_in_rows(&self.name(""));
        Life {
            scene: self.scene,
            role,
            runtime: engine.runtime(),
            oci_runtime: engine.oci_runtime(),
            id: actor.id.clone(),
            made_as: name.clone(),
            first_name: name.clone(),
            name,
            image: engine.image(),
            pid: Some(actor.init.pid),
            restart_count: None,
            parent: None,
            is_started: true,
            created: actor.created,
            made: actor.made,
            end,
            ended: Span { to: ended.to + SLACK, ..ended },
            removed: ended,
            innocents: actor.innocents.clone(),
            signals: None,
            exit_row: Presence::Must,
            remove_row: Presence::Must,
            create_row: Presence::Must,
        }
    }

    /// Sets the name of a life whose container is not the scene's first.
    fn set_name(&self, life: &mut Life, part: &str) {
        life.name = self.engine.name_in_rows(&self.name(part));
        life.first_name = life.name.clone();
        life.made_as = life.name.clone();
    }

    /// Waits until a container that has ended is gone from the cgroups; deletes it if its
    /// directories would stay otherwise.
    fn clear(&self, life: &mut Life, is_deleted: bool) {
        let engine = self.engine;
        if !is_deleted {
            engine.wait(&life.id);
            if !engine.removes_directories_at_exit() {
                engine.delete(&life.id);
            }
        }
        self.stage.cgroups.wait_until_gone(&life.id);
        life.removed = life.ended.until_now();
    }

    /// Deletes what [`Self::clear`] leaves in the engine's list.
    fn forget(&self, id: &str, is_deleted: bool) {
        if self.engine.removes_directories_at_exit() && !is_deleted {
            self.engine.delete(id);
        }
    }

    fn finish(&self, life: &mut Life, end: End) {
        let is_deleted = end == End::EngineRemove;
        self.clear(life, is_deleted);
        self.forget(&life.id, is_deleted);
    }
}
