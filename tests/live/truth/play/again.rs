//! Stories of one container with several lives, or several names.

use std::time::SystemTime;

use super::super::driver::ContainerPlan;
use super::super::driver::containerd::OTHER_IMAGE;
use super::super::life::{EndTruth, Killer, Life, Presence, Span};
use super::super::plan::{End, SendCall};
use super::super::trees;
use super::{Actor, Player};

impl Player<'_> {
    pub(super) fn again(&self, first: End, second: End) -> Vec<Life> {
        let mut plan = self.plan_for("", first);
        // A container has one signal to stop it with.
        let second = match (first, second) {
            (End::EngineStopHandled(signal, _), End::EngineStopHandled(_, code)) => {
                End::EngineStopHandled(signal, code)
            }
            _ => second,
        };
        let needs = self.plan_for("", second);
        plan.stop_signal = plan.stop_signal.or(needs.stop_signal);
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

    pub(super) fn end_of_first(&self, actor: &mut Actor, end: End) -> Life {
        // A neighbour would need a life of its own here: the host's process does as well.
        let end = if end == End::Neighbour { End::Outside(libc::SIGKILL, SendCall::Kill) } else { end };
        let mut life = self.end("first life", actor, end);
        self.clear(&mut life, end == End::EngineRemove);
        life
    }

    pub(super) fn kept_directory(&self, first: End, second: End) -> Vec<Life> {
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

    pub(super) fn renamed(&self, end: End) -> Vec<Life> {
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

    pub(super) fn crash_loop(&self, code: u8, restarts: u32) -> Vec<Life> {
        let plan = ContainerPlan { restarts, ..self.plan("") };
        let mut lives: Vec<Life> = Vec::new();
        let mut actor = self.run(&plan);
        for number in 0..=restarts {
            if let Some(before) = lives.last_mut() {
                let init = self.puppets.wait_for(&plan.tag);
                let created = before.ended.until_now();
                before.removed = created;
                actor = Actor { id: actor.id, init, created, made: before.made, innocents: Vec::new() };
            }
            let mut life = self.end("of a crash loop", &mut actor, End::Exit(code));
            life.restart_count = Some(number);
            lives.push(life);
        }
        self.engine.wait(&actor.id);
        self.stage.cgroups.wait_until_gone(&actor.id);
        self.forget(&actor.id, false);
        if let Some(last) = lives.last_mut() {
            last.removed = last.ended.until_now();
        }
        lives
    }

    /// The engine restarts a container, which ends the life before at once.
    pub(super) fn restarted(&self, times: u32) -> Vec<Life> {
        let plan = self.plan("");
        let mut actor = self.run(&plan);
        let mut lives = Vec::new();
        for _ in 0..times {
            let (span, init) = Span::of(|| {
                self.engine.restart(&actor.id);
                actor.init.wait_for_end();
                self.puppets.wait_for(&plan.tag)
            });
            let killed = EndTruth {
                causes: &["killed_by_runtime"],
                ..EndTruth::signalled(libc::SIGKILL, Killer::Runtime(&["kill"]), &["user"])
            };
            let mut life = self.life("restarted", &actor, killed, span);
            life.removed = span;
            let made = life.made;
            lives.push(life);
            actor = Actor { id: actor.id, init, created: span, made, innocents: Vec::new() };
        }
        let mut last = self.end("after restarts", &mut actor, End::Exit(0));
        self.finish(&mut last, End::Exit(0));
        lives.push(last);
        lives
    }

    /// An id that is used again for another image.
    pub(super) fn other_image(&self, first: End, second: End) -> Vec<Life> {
        let plan = self.plan_for("", first);
        let mut actor = self.run(&plan);
        let mut one = self.end("of the first image", &mut actor, first);
        self.finish(&mut one, first);
        let mut actor = self.run(&ContainerPlan { image: Some(OTHER_IMAGE), ..self.plan_for("", second) });
        let mut two = self.end("of the second image", &mut actor, second);
        two.image = Some(OTHER_IMAGE);
        self.finish(&mut two, second);
        vec![one, two]
    }
}
