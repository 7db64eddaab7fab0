//! Stories of one container with one life.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use obit_test_engines::wait_until;

use super::super::driver::{ContainerPlan, Terminal};
use super::super::ends;
use super::super::life::{EndTruth, Killer, Life, Presence, Span};
use super::super::plan::{Distraction, End};
use super::super::trees;
use super::{Actor, Player};

/// Time between an order that init handled and an end that has nothing to do with it.
const OLDER: Duration = Duration::from_millis(2600);

impl Player<'_> {
    pub(super) fn single(&self, host_pids: bool, distraction: Option<Distraction>, end: End) -> Vec<Life> {
        let mut plan = self.plan_for("", end);
        plan.host_pids = host_pids;
        if matches!(distraction, Some(Distraction::NestedPidNamespace(_))) {
            plan.capabilities.push("CAP_SYS_ADMIN");
        }
        let mut actor = self.run(&plan);
        if let Some(distraction) = distraction {
            self.distract(&mut actor, distraction);
            if distraction.is_order(end) {
                actor.innocents.pop();
            }
        }
        if end == End::Neighbour {
            return self.killed_by_neighbour(&mut actor);
        }
        let mut life = self.end("single", &mut actor, end);
        if matches!(end, End::Exit(_) | End::ThreadExit(_)) {
            life.signals = Some(distraction.map_or(0, Distraction::signals));
        }
        self.finish(&mut life, end);
        vec![life]
    }

    pub(super) fn killed_by_neighbour(&self, victim: &mut Actor) -> Vec<Life> {
        let plan = ContainerPlan { host_pids: true, ..self.plan("-killer") };
        let mut killer = self.run(&plan);
        let (ended, end) = Span::of(|| ends::killed_by(&mut killer, victim));
        let mut victims = self.life("victim", victim, end, ended);
        self.finish(&mut victims, End::Neighbour);
        let mut killers = self.end("killer", &mut killer, End::Exit(0));
        self.set_name(&mut killers, "-killer");
        self.finish(&mut killers, End::Exit(0));
        vec![victims, killers]
    }

    pub(super) fn distract(&self, actor: &mut Actor, distraction: Distraction) {
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
            Distraction::StrangerExits(code) => {
                let mut other = self.puppets.start_outside(&tag);
                trees::enter_all(self.stage, actor.init.pid, other.pid);
                actor.innocents.push(other.pid);
                other.order_end(format_args!("exit {code}"));
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
            Distraction::OlderOrder => {
                actor.init.order(format_args!("count {}", libc::SIGTERM));
                let mut other = self.puppets.start_outside(&tag);
                actor.innocents.push(other.pid);
                other.order(format_args!("kill {} {}", actor.init.pid, libc::SIGTERM));
                other.order_end("exit 0");
                // The time between is what makes it another matter.
                sleep(OLDER);
                actor.init.order(format_args!("default {}", libc::SIGTERM));
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

    pub(super) fn never_deleted(&self, end: End) -> Vec<Life> {
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

    /// A container whose id has letters that not every runtime takes.
    pub(super) fn odd_id(&self, end: End) -> Vec<Life> {
        let tag = self.name("");
        let plan = ContainerPlan { name: format!("{tag} ñ@x:y%41"), tag, ..self.plan_for("", end) };
        let mut actor = self.run(&plan);
        let mut life = self.end("of an odd id", &mut actor, end);
        self.finish(&mut life, end);
        vec![life]
    }

    /// A container whose runtime is called with more than a kilobyte of arguments.
    pub(super) fn long_command(&self, end: End) -> Vec<Life> {
        let plan = ContainerPlan { has_long_bundle: true, ..self.plan_for("", end) };
        let mut actor = self.run(&plan);
        let mut life = self.end("of a long command line", &mut actor, end);
        self.finish(&mut life, end);
        vec![life]
    }

    /// Somebody types Ctrl-C on the container's terminal.
    pub(super) fn control_c(&self, code: Option<u8>) -> Vec<Life> {
        let plan = ContainerPlan { has_terminal: true, host_pids: code.is_none(), ..self.plan("") };
        let terminal = Terminal::open();
        let (created, (id, mut client, init)) = Span::of(|| {
            let (id, client) = self.engine.run_on_terminal(&plan, &terminal);
            (id, client, self.puppets.wait_for(&plan.tag))
        });
        self.stage.cgroups.own(&id);
        let mut actor = Actor { id, init, created, made: created.from, innocents: vec![client.id()] };
        let end = match code {
            Some(code) => {
                actor.init.order(format_args!("handle {} {code}", libc::SIGINT));
                EndTruth { origins: &["", "tty"], ..EndTruth::exited(code) }
            }
            None => EndTruth::signalled(libc::SIGINT, Killer::Nobody, &["tty"]),
        };
        let (ended, ()) = Span::of(|| {
            terminal.type_control_c();
            // The client may not have listened yet.
            while !actor.init.ends_within(Duration::from_millis(200)) {
                terminal.type_control_c();
            }
        });
        client.wait().expect("waiting for a client");
        let mut life = self.life("on a terminal", &actor, end, ended);
        // runc in the foreground deletes the container itself.
        self.clear(&mut life, !self.engine.removes_directories_at_exit());
        self.forget(&life.id, false);
        vec![life]
    }

    /// A child of init is still there when init ends, and ends with a code of its own.
    pub(super) fn outlived(&self, code: u8, child_code: u8) -> Vec<Life> {
        let plan = ContainerPlan { host_pids: true, ..self.plan("") };
        let mut actor = self.run(&plan);
        let tag = self.name(".child");
        actor.init.order(format_args!("child {tag}"));
        let mut child = self.puppets.wait_for(&tag);
        actor.innocents.push(child.pid);
        let mut life = self.end("outlived by a child", &mut actor, End::Exit(code));
        // Some engines kill it themselves.
        child.try_send(&format_args!("exit {child_code}"));
        child.wait_for_end();
        self.finish(&mut life, End::Exit(code));
        vec![life]
    }

    /// The process that would clean up is killed before the container ends.
    pub(super) fn unmonitored(&self, end: End) -> Vec<Life> {
        let mut actor = self.run(&self.plan_for("", end));
        let monitor = parent_of(actor.init.pid);
        let mut killer = self.puppets.start_outside(&self.name(".other"));
        killer.order(format_args!("kill {monitor} {}", libc::SIGKILL));
        wait_until("the monitor's end", || parent_of(actor.init.pid) != monitor);
        actor.innocents.extend([killer.pid, monitor]);
        killer.order_end("exit 0");
        let mut life = self.end("without a monitor", &mut actor, end);
        // The engine forgets it; its directory stays.
        self.engine.delete_by_force(&life.id);
        life.removed = Span::never();
        life.remove_row = Presence::Never;
        vec![life]
    }
}

/// Returns the pid of a process's parent.
fn parent_of(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the status of init");
    let line = status.lines().find_map(|line| line.strip_prefix("PPid:")).expect("its parent");
    line.trim().parse().expect("a pid")
}
