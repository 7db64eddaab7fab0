//! Brings lives to their ends, each in its own way, and states what must be told of it.

use std::fs;

use super::life::{EndTruth, Killer};
use super::plan::{End, SendCall};
use super::play::{Actor, Player};
use super::trees;

/// Ends a container's init. Returns once the kernel has closed its files.
pub fn bring_about(player: &Player<'_>, actor: &mut Actor, end: End) -> EndTruth {
    let id = actor.id.clone();
    let engine = player.engine;
    match end {
        End::Exit(code) => {
            actor.init.order_end(format_args!("exit {code}"));
            EndTruth::exited(code)
        }
        End::ThreadExit(code) => {
            actor.init.order_end(format_args!("threads {code}"));
            EndTruth::exited(code)
        }
        End::Fault(signal) => {
            actor.init.order_end(if signal == libc::SIGSEGV { "segv" } else { "ill" });
            EndTruth::signalled(signal, Killer::Nobody, &["fault"])
        }
        End::Raise(signal) => {
            actor.init.order_end(format_args!("raise {signal}"));
            // Of SIGUSR1 only other processes' are recorded.
            let origins: &[&str] = if signal == libc::SIGUSR1 { &["", "user"] } else { &["user"] };
            EndTruth::signalled(signal, Killer::Nobody, origins)
        }
        End::Outside(signal, call) => {
            let pid = send_from_host(player, actor, signal, call);
            let origins: &[&str] = match call {
                SendCall::Kill | SendCall::Pidfd => &["user"],
                SendCall::Queue => &["queue"],
                SendCall::Tkill => &["tkill"],
            };
            EndTruth::signalled(signal, Killer::Process(pid, None), origins)
        }
        End::OutsideHandled(signal, code) => {
            actor.init.order(format_args!("handle {signal} {code}"));
            let pid = send_from_host(player, actor, signal, SendCall::Kill);
            handled(code, Killer::Process(pid, None))
        }
        End::ChildSignals(signal, code) => {
            actor.init.order(format_args!("handle {signal} {code}"));
            let tag = player.name(".child");
            actor.init.order(format_args!("child {tag}"));
            let mut child = player.puppets.wait_for(&tag);
            let init_inside = pid_inside(actor.init.pid);
            // The answer may not come: the end of a pid namespace kills the child.
            child.send(&format_args!("kill {init_inside} {signal}"));
            actor.init.wait_for_end();
            handled(code, Killer::Process(child.pid, Some(id)))
        }
        End::ExecSignals(signal, code) => {
            actor.init.order(format_args!("handle {signal} {code}"));
            let tag = player.name(".sender");
            engine.exec(&id, &tag);
            let mut sender = player.puppets.wait_for(&tag);
            sender.send(&format_args!("kill {} {signal}", pid_inside(actor.init.pid)));
            actor.init.wait_for_end();
            handled(code, Killer::Process(sender.pid, Some(id)))
        }
        End::Neighbour => panic!("a neighbour is a container of its own"),
        End::EngineKill(signal) => {
            engine.kill(&id, signal);
            actor.init.wait_for_end();
            killed_by_runtime(signal, &["kill"])
        }
        End::EngineKillHandled(signal, code) => {
            actor.init.order(format_args!("handle {signal} {code}"));
            engine.kill(&id, signal);
            actor.init.wait_for_end();
            handled(code, Killer::Runtime(&["kill"]))
        }
        End::EngineStop => {
            actor.init.order(format_args!("ignore {}", libc::SIGTERM));
            engine.stop(&id);
            actor.init.wait_for_end();
            killed_by_runtime(libc::SIGKILL, &["kill"])
        }
        End::EngineStopHandled(signal, code) => {
            actor.init.order(format_args!("handle {signal} {code}"));
            engine.stop(&id);
            actor.init.wait_for_end();
            handled(code, Killer::Runtime(&["kill"]))
        }
        End::EngineKillPaused => {
            engine.pause(&id);
            engine.kill(&id, libc::SIGKILL);
            actor.init.wait_for_end();
            killed_by_runtime(libc::SIGKILL, &["kill"])
        }
        End::EngineRemove => {
            engine.delete_by_force(&id);
            actor.init.wait_for_end();
            EndTruth {
                // How crun does it depends on the pid namespace; it is crun's doing either way.
                causes: &["killed_by_runtime"],
                ..EndTruth::signalled(
                    libc::SIGKILL,
                    Killer::Runtime(engine.force_verbs()),
                    &["user", "cgroup_kill", "pidfd"],
                )
            }
        }
        End::OutOfMemory => {
            actor.init.order_end("eat");
            EndTruth {
                causes: &["oom_killed"],
                oom_killed: true,
                oom_kills: 1,
                ..EndTruth::signalled(libc::SIGKILL, Killer::Nobody, &["kernel"])
            }
        }
        End::ChildOutOfMemory(code) => {
            let tag = player.name(".child");
            actor.init.order(format_args!("child {tag}"));
            player.puppets.wait_for(&tag).order_end("eat");
            actor.init.order("reap");
            actor.init.order_end(format_args!("exit {code}"));
            EndTruth { oom_kills: 1, ..EndTruth::exited(code) }
        }
        End::Timer => {
            actor.init.send(&format_args!("timer {} 20", libc::SIGTERM));
            wait_past_answer(actor);
            EndTruth::signalled(libc::SIGTERM, Killer::Nobody, &["timer"])
        }
        End::TimerHandled(code) => {
            actor.init.order(format_args!("handle {} {code}", libc::SIGTERM));
            actor.init.send(&format_args!("timer {} 20", libc::SIGTERM));
            wait_past_answer(actor);
            EndTruth { origins: &["", "timer"], ..EndTruth::exited(code) }
        }
        End::TraceKill => {
            let mut tracer = player.puppets.start_outside(&player.name(".tracer"));
            tracer.order(format_args!("tracekill {}", actor.init.pid));
            actor.init.wait_for_end();
            let pid = tracer.pid;
            tracer.order_end("exit 0");
            EndTruth::signalled(libc::SIGKILL, Killer::Process(pid, None), &["ptrace"])
        }
        End::Reboot(is_off) => {
            actor.init.order_end(format_args!("reboot {}", u8::from(is_off)));
            let signal = if is_off { libc::SIGINT } else { libc::SIGHUP };
            EndTruth::signalled(signal, Killer::Nobody, &["", "kernel", "pid_namespace_end"])
        }
        End::CgroupKill => {
            let directory = trees::v2_directory(player.stage, actor.init.pid);
            fs::write(directory.join("cgroup.kill"), "1").expect("writing cgroup.kill");
            actor.init.wait_for_end();
            EndTruth {
                causes: &["cgroup_killed"],
                ..EndTruth::signalled(libc::SIGKILL, Killer::Process(std::process::id(), None), &["cgroup_kill"])
            }
        }
    }
}

/// Lets one container kill the other's init.
pub fn killed_by(killer: &mut Actor, victim: &mut Actor) -> EndTruth {
    killer.init.order(format_args!("kill {} {}", victim.init.pid, libc::SIGKILL));
    victim.init.wait_for_end();
    let by = Killer::Process(killer.init.pid, Some(killer.id.clone()));
    EndTruth::signalled(libc::SIGKILL, by, &["user"])
}

/// End of a process in the pid namespace of another container, which ends.
pub fn of_pid_namespace(owner: &str) -> EndTruth {
    EndTruth::signalled(libc::SIGKILL, Killer::EndOfPidNamespace(owner.to_owned()), &["pid_namespace_end"])
}

fn killed_by_runtime(signal: i32, verbs: &'static [&'static str]) -> EndTruth {
    EndTruth { causes: &["killed_by_runtime"], ..EndTruth::signalled(signal, Killer::Runtime(verbs), &["user"]) }
}

/// Exit by a handler of the signal that asked for it.
fn handled(code: u8, killer: Killer) -> EndTruth {
    EndTruth { killer, origins: &["", "user"], ..EndTruth::exited(code) }
}

/// Sends a signal by a process of the host and returns its pid.
fn send_from_host(player: &Player<'_>, actor: &mut Actor, signal: i32, call: SendCall) -> u32 {
    let mut sender = player.puppets.start_outside(&player.name(".sender"));
    let word = match call {
        SendCall::Kill => "kill",
        SendCall::Queue => "queue",
        SendCall::Tkill => "tkill",
        SendCall::Pidfd => "pidfd",
    };
    sender.order(format_args!("{word} {} {signal}", actor.init.pid));
    actor.init.wait_for_end();
    let pid = sender.pid;
    sender.order_end("exit 0");
    pid
}

/// Waits for the end of a process that first answers.
fn wait_past_answer(actor: &mut Actor) {
    actor.init.wait_for_answer_or_end();
    actor.init.wait_for_end();
}

/// Returns the pid of a process in its own pid namespace.
fn pid_inside(pid: u32) -> u32 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the status of init");
    let line = status.lines().find_map(|line| line.strip_prefix("NSpid:")).expect("its pids");
    line.split_whitespace().last().and_then(|pid| pid.parse().ok()).expect("a pid")
}
