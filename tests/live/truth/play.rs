//! Plays scenes, and notes the truth about each life.

use std::time::{Duration, SystemTime};

use obit_test_engines::Stage;

use super::driver::{ContainerPlan, Engine};
use super::ends;
use super::plan::{Distraction, End, Scene, StartFailure, Story};
use super::program::{Puppet, Puppets};
use super::trees;
use super::truth::{EndTruth, Life, Presence, Span};

/// Longest part of a second in which the kernel and an engine get round to what has been decided.
const SLACK: Duration = Duration::from_millis(20);

/// A scene and what it is played with.
#[derive(Clone, Copy)]
pub struct Player<'a> {
    pub scene: Scene,
    pub engine: &'a dyn Engine,
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
            exit_row: Presence::Must,
            remove_row: Presence::Must,
            create_row: Presence::Must,
        }
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

    fn single(&self, host_pids: bool, distraction: Option<Distraction>, end: End) -> Vec<Life> {
        let mut plan = self.plan_for("", end);
        plan.host_pids = host_pids;
        if matches!(distraction, Some(Distraction::NestedPidNamespace(_))) {
            plan.capabilities.push("CAP_SYS_ADMIN");
        }
        let mut actor = self.run(&plan);
        if let Some(distraction) = distraction {
            self.distract(&mut actor, distraction);
        }
        if end == End::Neighbour {
            return self.killed_by_neighbour(&mut actor);
        }
        let mut life = self.end("single", &mut actor, end);
        self.finish(&mut life, end);
        vec![life]
    }

    fn killed_by_neighbour(&self, victim: &mut Actor) -> Vec<Life> {
        let plan = ContainerPlan { host_pids: true, ..self.plan("-killer") };
        let mut killer = self.run(&plan);
        let (ended, end) = Span::of(|| ends::killed_by(&mut killer, victim));
        let mut victims = self.life("victim", victim, end, ended);
        self.finish(&mut victims, End::Neighbour);
        let mut killers = self.end("killer", &mut killer, End::Exit(0));
        (killers.name, killers.first_name) =
            (self.engine.name_in_rows(&plan.name), self.engine.name_in_rows(&plan.name));
        self.finish(&mut killers, End::Exit(0));
        vec![victims, killers]
    }

    fn distract(&self, actor: &mut Actor, distraction: Distraction) {
        let tag = self.name(".other");
        match distraction {
            Distraction::ExecExits(code) => {
                self.engine.exec(&actor.id, &tag);
                let mut other = self.puppets.wait_for(&tag);
                actor.innocents.push(other.pid);
                other.order_end(format_args!("exit {code}"));
            }
            Distraction::ChildExits(code) | Distraction::NestedPidNamespace(code) => {
                let word = if matches!(distraction, Distraction::ChildExits(_)) { "child" } else { "nested" };
                actor.init.order(format_args!("{word} {tag}"));
                let mut other = self.puppets.wait_for(&tag);
                actor.innocents.push(other.pid);
                other.order_end(format_args!("exit {code}"));
                actor.init.order("reap");
            }
            Distraction::HandledSignal(signal, count) => {
                actor.init.order(format_args!("count {signal}"));
                let mut other = self.puppets.start_outside(&tag);
                actor.innocents.push(other.pid);
                for _ in 0..count {
                    other.order(format_args!("kill {} {signal}", actor.init.pid));
                }
                other.order_end("exit 0");
                actor.init.order(format_args!("default {signal}"));
            }
            Distraction::IgnoredSignal(signal) => {
                actor.init.order(format_args!("ignore {signal}"));
                let mut other = self.puppets.start_outside(&tag);
                actor.innocents.push(other.pid);
                other.order(format_args!("kill {} {signal}", actor.init.pid));
                other.order_end("exit 0");
                actor.init.order(format_args!("default {signal}"));
            }
            Distraction::OtherName => actor.init.order("name runc:[2:INIT]"),
        }
    }

    fn again(&self, first: End, second: End) -> Vec<Life> {
        let mut plan = self.plan_for("", first);
        let needs = self.plan_for("", second);
        plan.is_memory_limited |= needs.is_memory_limited;
        plan.capabilities.extend(needs.capabilities);
        plan.capabilities.dedup();
        let mut actor = self.run(&plan);
        let mut lives = vec![self.end_of_first(&mut actor, first)];
        let mut actor = if first == End::EngineRemove { self.run(&plan) } else { self.start_again(&plan, &lives[0]) };
        if second == End::Neighbour {
            lives.extend(self.killed_by_neighbour(&mut actor));
            return lives;
        }
        let mut life = self.end("second life", &mut actor, second);
        self.finish(&mut life, second);
        lives.push(life);
        lives
    }

    fn end_of_first(&self, actor: &mut Actor, end: End) -> Life {
        // A neighbour would need a life of its own here: the host's process does as well.
        let end = if end == End::Neighbour { End::Outside(libc::SIGKILL, super::plan::SendCall::Kill) } else { end };
        let mut life = self.end("first life", actor, end);
        self.clear(&mut life, end == End::EngineRemove);
        life
    }

    fn kept_directory(&self, first: End, second: End) -> Vec<Life> {
        let plan = self.plan_for("", first);
        let mut actor = self.run(&plan);
        let mut keeper = self.puppets.start_outside(&self.name(".keeper"));
        trees::enter_v2(self.stage, actor.init.pid, keeper.pid);
        let mut one = self.end("first life, its directory is kept", &mut actor, first);
        self.engine.wait(&one.id);
        if !self.engine.removes_directories_at_exit() {
            self.engine.delete(&one.id);
        }
        one.remove_row = Presence::May;
        one.innocents.push(keeper.pid);
        let mut actor = self.start_again(&plan, &one);
        keeper.order_end("exit 0");
        let mut two = self.end("second life in the directory of the first", &mut actor, second);
        two.innocents.push(keeper.pid);
        two.create_row = Presence::May;
        self.finish(&mut two, second);
        one.removed = Span { from: one.ended.from, to: two.removed.to };
        vec![one, two]
    }

    fn shared_cgroup(&self, first: u8, second: u8) -> Vec<Life> {
        let cgroup = format!("/{}", self.name("-shared"));
        let plans = ["-a", "-b"].map(|part| ContainerPlan { cgroup: Some(cgroup.clone()), ..self.plan(part) });
        let [mut a, mut b] = [self.run(&plans[0]), self.run(&plans[1])];
        let mut one = self.end("first in the shared cgroup", &mut a, End::Exit(first));
        self.engine.delete(&one.id);
        one.remove_row = Presence::May;
        let mut two = self.end("second in the shared cgroup", &mut b, End::Exit(second));
        two.create_row = Presence::May;
        self.engine.delete(&two.id);
        self.stage.cgroups.wait_until_gone(cgroup.trim_start_matches('/'));
        two.removed = two.ended.until_now();
        one.removed = Span { from: one.ended.from, to: two.removed.to };
        vec![one, two]
    }

    fn never_deleted(&self, end: End) -> Vec<Life> {
        let mut actor = self.run(&self.plan_for("", end));
        let mut life = self.end("never deleted", &mut actor, end);
        if self.engine.removes_directories_at_exit() {
            self.finish(&mut life, end);
        } else {
            self.engine.wait(&life.id);
            life.removed = Span::never();
            life.remove_row = Presence::Never;
        }
        vec![life]
    }

    fn moved_init(&self, end: End) -> Vec<Life> {
        let mut actor = self.run(&self.plan_for("", end));
        let elsewhere = self.name("-elsewhere");
        trees::move_away(self.stage, actor.init.pid, &elsewhere);
        let mut life = self.end("its init was moved away", &mut actor, end);
        self.finish(&mut life, end);
        life.removed.from = life.created.from;
        vec![life]
    }

    fn nested(&self, inner: End, outer: u8) -> Vec<Life> {
        let outer_cgroup = format!("/{}", self.name("-outer"));
        let inner_cgroup = format!("{outer_cgroup}/{}", self.name("-inner"));
        let outer_plan = ContainerPlan { cgroup: Some(outer_cgroup), ..self.plan("-outer") };
        let inner_plan = ContainerPlan { cgroup: Some(inner_cgroup), ..self.plan_for("-inner", inner) };
        let (mut a, mut b) = (self.run(&outer_plan), self.run(&inner_plan));
        let mut one = self.end("inner", &mut b, inner);
        one.parent = Some(a.id.clone());
        self.finish(&mut one, inner);
        let mut two = self.end("outer", &mut a, End::Exit(outer));
        self.finish(&mut two, End::Exit(outer));
        vec![one, two]
    }

    fn start_fails(&self, failure: StartFailure) -> Vec<Life> {
        let mut plan = self.plan("");
        match failure {
            StartFailure::NoProgram => plan.lacks_program = true,
            StartFailure::Hook(hook) => plan.failing_hook = Some(hook),
        }
        let engine = self.engine;
        let (created, (id, result)) = Span::of(|| {
            if engine.keeps_stopped() {
                let id = engine.create(&plan);
                let result = engine.start(&id);
                (id, result)
            } else {
                (plan.name.clone(), engine.run(&plan).map(drop))
            }
        });
        // The runtime does not wait for a hook that its init runs.
        assert!(result.is_err() || failure == StartFailure::Hook("startContainer"), "a start that must fail");
        self.stage.cgroups.own(&id);
        let mut life = self.unstarted(id, created, EndTruth::without_program(&["start_failed"]));
        if result.is_ok() {
            engine.wait(&life.id);
        }
        life.ended = life.created.until_now();
        // The runtime has undone its work, or leaves that to the user.
        if engine.removes_directories_at_exit() {
            engine.delete(&life.id);
        } else {
            engine.delete_by_force(&life.id);
        }
        self.stage.cgroups.wait_until_gone(&life.id);
        life.removed = life.created.until_now();
        vec![life]
    }

    fn unstarted(&self, id: String, created: Span, end: EndTruth) -> Life {
        let engine = self.engine;
        let name = engine.name_in_rows(&self.name(""));
        Life {
            scene: self.scene,
            role: "never executed",
            runtime: engine.runtime(),
            oci_runtime: engine.oci_runtime(),
            id,
            first_name: name.clone(),
            name,
            image: engine.image(),
            pid: None,
            restart_count: None,
            parent: None,
            is_started: false,
            created,
            made: created.from,
            end,
            ended: created.until_now(),
            removed: created.until_now(),
            innocents: Vec::new(),
            // Whether the runtime made a cgroup before it failed is its own affair.
            exit_row: Presence::May,
            remove_row: Presence::May,
            create_row: Presence::May,
        }
    }

    fn never_started(&self) -> Vec<Life> {
        let (created, id) = Span::of(|| self.engine.create(&self.plan("")));
        self.stage.cgroups.own(&id);
        let mut life = self.unstarted(id, created, EndTruth::without_program(&["never_started"]));
        let has_cgroup = !self.stage.cgroups.find(&life.id).is_empty();
        self.engine.delete_by_force(&life.id);
        self.stage.cgroups.wait_until_gone(&life.id);
        life.removed = life.created.until_now();
        life.ended = life.removed;
        let presence = if has_cgroup { Presence::Must } else { Presence::Never };
        (life.create_row, life.remove_row) = (presence, presence);
        if !has_cgroup {
            life.exit_row = Presence::Never;
        }
        vec![life]
    }

    fn joined_pids(&self) -> Vec<Life> {
        let base_plan = self.plan("");
        let mut base = self.run(&base_plan);
        let guest_plan = ContainerPlan { joins_pids_of: Some(base.id.clone()), ..self.plan("-guest") };
        let mut guest = self.run(&guest_plan);
        let mut one = self.end("owner of the pid namespace", &mut base, End::EngineKill(libc::SIGKILL));
        guest.init.wait_for_end();
        let ended = one.ended.until_now();
        let mut two = self.life("guest in the pid namespace", &guest, ends::of_a_pid_namespace(), ended);
        (two.name, two.first_name) =
            (self.engine.name_in_rows(&guest_plan.name), self.engine.name_in_rows(&guest_plan.name));
        two.innocents.push(base.init.pid);
        self.finish(&mut two, End::Exit(0));
        self.finish(&mut one, End::Exit(0));
        vec![one, two]
    }

    fn renamed(&self, end: End) -> Vec<Life> {
        let engine = self.engine;
        let plan = self.plan("");
        let made = SystemTime::now();
        let id = engine.create(&plan);
        self.stage.cgroups.own(&id);
        engine.rename(&id, &self.name("-second"));
        let (created, init) = Span::of(|| {
            engine.start(&id).unwrap_or_else(|error| panic!("{error}"));
            self.puppets.wait_for(&plan.tag)
        });
        let mut actor = Actor { id: id.clone(), init, created, made, innocents: Vec::new() };
        engine.rename(&id, &self.name("-third"));
        let mut life = self.end("renamed", &mut actor, end);
        life.first_name = Some(self.name("-second"));
        life.name = Some(self.name("-third"));
        self.finish(&mut life, end);
        vec![life]
    }

    fn crash_loop(&self, code: u8, restarts: u32) -> Vec<Life> {
        let plan = ContainerPlan { restarts, ..self.plan("") };
        let mut lives: Vec<Life> = Vec::new();
        let mut actor = self.run(&plan);
        for number in 0..=restarts {
            if let Some(before) = lives.last() {
                let init = self.puppets.wait_for(&plan.tag);
                let created = before.ended.until_now();
                actor = Actor { id: actor.id, init, created, made: before.made, innocents: Vec::new() };
            }
            let mut life = self.end("of a crash loop", &mut actor, End::Exit(code));
            life.restart_count = Some(number);
            lives.push(life);
        }
        self.engine.wait(&actor.id);
        self.stage.cgroups.wait_until_gone(&actor.id);
        self.forget(&actor.id, false);
        for life in &mut lives {
            life.removed = life.ended.until_now();
        }
        lives
    }
}
