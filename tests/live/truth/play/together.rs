//! Stories of two containers that belong together.

use super::super::driver::ContainerPlan;
use super::super::ends;
use super::super::life::{Life, Presence, Span};
use super::super::plan::{End, EngineName};
use super::super::trees;
use super::Player;

impl Player<'_> {
    pub(super) fn shared_cgroup(&self, first: u8, second: u8) -> Vec<Life> {
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

    pub(super) fn nested(&self, inner: End, outer: u8) -> Vec<Life> {
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

    pub(super) fn joined_pids(&self) -> Vec<Life> {
        let base_plan = self.plan("");
        let mut base = self.run(&base_plan);
        let guest_plan = ContainerPlan { joins_pids_of: Some(base.id.clone()), ..self.plan("-guest") };
        let mut guest = self.run(&guest_plan);
        let mut one = self.end("owner of the pid namespace", &mut base, End::EngineKill(libc::SIGKILL));
        guest.init.wait_for_end();
        let ended = one.ended.until_now();
        let mut two = self.life("guest in the pid namespace", &guest, ends::of_pid_namespace(&base.id), ended);
        self.set_name(&mut two, "-guest");
        two.innocents.push(base.init.pid);
        self.finish(&mut two, End::Exit(0));
        self.finish(&mut one, End::Exit(0));
        vec![one, two]
    }

    /// A container inside another one on v1, which are in one directory on v2.
    pub(super) fn nested_on_v1(&self, inner: End, outer: u8) -> Vec<Life> {
        let outer_cgroup = format!("/{}", self.name("-outer"));
        let inner_cgroup = format!("{outer_cgroup}/{}", self.name("-inner"));
        let outer_plan = ContainerPlan { cgroup: Some(outer_cgroup), ..self.plan("-outer") };
        let inner_plan = ContainerPlan { cgroup: Some(inner_cgroup), ..self.plan_for("-inner", inner) };
        let (mut a, mut b) = (self.run(&outer_plan), self.run(&inner_plan));
        trees::leave_v2_directory(self.stage, b.init.pid, &trees::v2_directory(self.stage, a.init.pid));
        let mut one = self.end("inner, in v1 alone", &mut b, inner);
        one.parent = Some(a.id.clone());
        self.finish(&mut one, inner);
        let mut two = self.end("outer", &mut a, End::Exit(outer));
        self.finish(&mut two, End::Exit(outer));
        vec![one, two]
    }

    /// A container in the cgroup of another one, which ends first; nobody removes its directory.
    pub(super) fn inside_another(&self, inner: u8) -> Vec<Life> {
        let mut outer = self.run(&self.plan("-outer"));
        let parent = format!("/docker/{}", outer.id);
        let inner_plan = ContainerPlan { cgroup: Some(parent), ..self.plan("-inner") };
        let mut guest = self.run(&inner_plan);
        let mut one = self.end("outer, which ends first", &mut outer, End::EngineKill(libc::SIGKILL));
        self.set_name(&mut one, "-outer");
        self.engine.wait(&one.id);
        one.remove_row = Presence::May;
        let mut two = self.end("inner, which outlives it", &mut guest, End::Exit(inner));
        self.set_name(&mut two, "-inner");
        two.parent = Some(one.id.clone());
        self.finish(&mut two, End::Exit(inner));
        one.removed = Span { from: one.ended.from, to: Span::never().to };
        self.forget(&one.id, false);
        vec![one, two]
    }

    /// Two containers of one id and one cgroup, in two state directories of a runtime.
    pub(super) fn same_id_elsewhere(&self, first: u8, second: u8) -> Vec<Life> {
        let elsewhere = Self { engine: self.engine.elsewhere().expect("a second state directory"), ..*self };
        let [a, b] = ["-a", "-b"].map(|part| ContainerPlan { tag: self.name(part), ..self.plan("") });
        let (mut here, mut there) = (self.run(&a), elsewhere.run(&b));
        let mut one = self.end("first of the id", &mut here, End::Exit(first));
        self.engine.delete(&one.id);
        one.remove_row = Presence::May;
        let mut two = elsewhere.end("second of the id", &mut there, End::Exit(second));
        two.create_row = Presence::May;
        elsewhere.finish(&mut two, End::Exit(second));
        one.removed = Span { from: one.ended.from, to: two.removed.to };
        vec![one, two]
    }

    /// Containers of one id, of this engine and of runc by hand, at the same time.
    pub(super) fn namesakes(&self, first: End, second: End) -> Vec<Life> {
        let (_, runc) = self.engines.iter().find(|(name, _)| *name == EngineName::Runc).expect("runc");
        let other = Self { engine: *runc, ..*self };
        let a = ContainerPlan { tag: self.name("-a"), ..self.plan_for("", first) };
        let b = ContainerPlan { tag: self.name("-b"), ..self.plan_for("", second) };
        let (mut here, mut there) = (self.run(&a), other.run(&b));
        let mut one = self.end("of the engine", &mut here, first);
        let mut two = other.end("of runc, by the same id", &mut there, second);
        for (player, life) in [(self, &mut one), (&other, &mut two)] {
            player.engine.delete(&life.id);
            life.removed = life.ended.until_now();
        }
        self.stage.cgroups.wait_until_gone(&one.id);
        vec![one, two]
    }
}
