//! Real containers that end in every way there is: the row says what ended them, and who did it.

use std::fs;
use std::process::Command;

use obit_test_engines::{
    CgroupView, Containerd, Docker, FOREVER, HOG, Oci, OciRuntime, Podman, Stage, require_root, wait_until,
};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::replay;
use crate::support::rows::{only_row, stop_and_derive, texts};

const SIGABRT: u64 = 6;
const SIGKILL: u64 = 9;

#[test]
fn docker_containers_that_end_by_themselves() {
    let Some(_live) = require_root(&["runc", "containerd", "dockerd", "docker"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let zero = docker.run_to_the_end(&[], &["/bin/true"]);
    let three = docker.run_to_the_end(&[], &["/bin/sh", "-c", "exit 3"]);
    let says_137 = docker.run_to_the_end(&[], &["/bin/sh", "-c", "exit 137"]);
    let shares_pids = docker.run_to_the_end(&["--pid=host"], &["/bin/sh", "-c", "/bin/true; exit 4"]);
    let aborts = docker.run_to_the_end(&["--pid=host"], &["/bin/sh", "-c", "kill -ABRT $$"]);
    // The kernel spares the first process of a pid namespace signals that it has no handler for.
    let cannot_abort = docker.run_to_the_end(&[], &["/bin/sh", "-c", "kill -ABRT $$; exit 5"]);
    let child_is_killed = docker.run_to_the_end(&[], &["/bin/sh", "-c", "sh -c 'kill -9 $$'; exit 6"]);
    let restarted = docker.run(&["--restart=on-failure:2"], &["/bin/sh", "-c", "exit 3"]);
    wait_until("three deaths", || {
        stage.run("docker", &["inspect", "--format={{.State.Status}} {{.RestartCount}}", &restarted]) == "exited 2"
    });
    stage.cgroups.wait_until_gone(&restarted);

    let rows = stop_and_derive(capture);
    for (id, code, comm) in [
        (&zero, 0, "true"),
        (&three, 3, "sh"),
        (&says_137, 137, "sh"),
        (&shares_pids, 4, "sh"),
        (&cannot_abort, 5, "sh"),
        (&child_is_killed, 6, "sh"),
    ] {
        let row = only_row(&rows, id);
        expect(
            row,
            &json!({
                "cause": "exited", "exit_code": code, "exit_signal": null, "init_comm": comm, "oom_killed": false,
                "core_dumped": null, "killed_by_pid": null, "requested_by": null, "oom_limit_scope": null,
            }),
        );
    }
    expect(only_row(&rows, &zero), &json!({ "signals": [] }));
    expect(only_row(&rows, &cannot_abort), &json!({ "signals": ["SIGABRT from itself, ignored"] }));
    expect(
        only_row(&rows, &aborts),
        &json!({
            "cause": "signalled", "exit_code": null, "exit_signal": SIGABRT, "killed_by_pid": null, "oom_killed": false,
            "signals": ["SIGABRT from itself"],
        }),
    );
    let deaths = of(&rows, &restarted);
    assert_eq!(deaths.len(), 3, "{deaths:#?}");
    for row in deaths {
        expect(row, &json!({ "cause": "exited", "exit_code": 3, "killed_by_pid": null }));
    }
}

#[test]
fn killers_of_docker_containers_are_named() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let killed = docker.run(&[], &FOREVER);
    stage.run("docker", &["kill", &killed]);

    let obeys = docker.run(&[], &["/bin/sh", "-c", "trap 'exit 7' TERM; echo ready; sleep 1000 & wait"]);
    wait_until("the trap", || stage.run("docker", &["logs", &obeys]) == "ready");
    stage.run("docker", &["stop", &obeys]);

    let stubborn = docker.run(&[], &FOREVER);
    stage.run("docker", &["stop", "--time", "1", &stubborn]);

    let paused = docker.run(&[], &FOREVER);
    stage.run("docker", &["pause", &paused]);
    stage.run("docker", &["kill", &paused]);

    let from_host = docker.run(&[], &FOREVER);
    let killer = kill(&[init_of(&stage, &from_host)]);

    let neighbour = docker.run(&["--pid=host"], &FOREVER);
    let script = format!("kill -9 {}; exit 0", init_of(&stage, &neighbour));
    let murderer = docker.run_to_the_end(&["--pid=host"], &["/bin/sh", "-c", &script]);

    let orphan = docker.run(&[], &FOREVER);
    for id in [&killed, &obeys, &stubborn, &paused, &from_host, &neighbour] {
        stage.cgroups.wait_until_gone(id);
    }
    // The daemon dies first; the test removes the container.
    let daemon = fs::read_to_string(stage.outside("/run/docker.pid")).expect("dockerd's pid");
    kill(&[daemon.trim().parse().expect("a pid")]);
    let ctr = |arguments: &[&str]| stage.run("ctr", &[&["--namespace", "moby"], arguments].concat());
    ctr(&["task", "kill", "--signal", "KILL", &orphan]);
    wait_until("the orphan's end", || {
        ctr(&["task", "list"]).lines().any(|line| line.contains(&orphan) && line.contains("STOPPED"))
    });
    ctr(&["task", "delete", &orphan]);
    stage.cgroups.wait_until_gone(&orphan);

    let case = capture.case().to_owned();
    let rows = stop_and_derive(capture);
    let output = replay::replay(&["derive", &case.display().to_string()]);
    let table = String::from_utf8(output.stdout).expect("UTF-8 from obit-replay");
    let line =
        |id: &str| table.lines().find(|line| line.contains(&id[..12])).unwrap_or_else(|| panic!("{id}\n{table}"));
    for (id, cause, killer) in
        [(&killed, "runtime KILL", "runc["), (&obeys, "exit 7", "runc["), (&from_host, "signal KILL", "kill[")]
    {
        assert!(line(id).contains(cause) && line(id).contains(killer), "{table}");
    }
    for id in [&killed, &paused, &orphan] {
        let row = only_row(&rows, id);
        expect(
            row,
            &json!({
                "cause": "killed_by_runtime", "exit_code": null, "exit_signal": SIGKILL, "oom_killed": false,
                "killed_by_comm": "runc", "killed_by_uid": 0, "killed_by_container_id": null,
            }),
        );
        assert_killed_by_runc(row, id, "9");
    }
    let row = only_row(&rows, &obeys);
    expect(row, &json!({ "cause": "exited", "exit_code": 7, "exit_signal": null, "killed_by_comm": "runc" }));
    assert_killed_by_runc(row, &obeys, "15");
    let row = only_row(&rows, &stubborn);
    expect(row, &json!({ "cause": "killed_by_runtime", "exit_signal": SIGKILL }));
    assert_killed_by_runc(row, &stubborn, "9");
    let signals = texts(&row["signals"]);
    assert!(
        matches!(&signals[..], [first, last] if first.starts_with("SIGTERM from runc[") && first.ends_with(", ignored")
            && last.starts_with("SIGKILL from runc[")),
        "the stop went from SIGTERM to SIGKILL: {signals:?}"
    );
    expect(
        only_row(&rows, &from_host),
        &json!({
            "cause": "signalled", "exit_signal": SIGKILL, "killed_by_pid": killer, "killed_by_uid": 0, "killed_by_comm": "kill",
            "killed_by_argv": ["kill"], "killed_by_container_id": null, "oom_killed": false,
        }),
    );
    expect(
        only_row(&rows, &neighbour),
        &json!({
            "cause": "signalled", "exit_signal": SIGKILL, "killed_by_comm": "sh", "killed_by_container_id": murderer,
        }),
    );
    expect(only_row(&rows, &murderer), &json!({ "cause": "exited", "exit_code": 0, "killed_by_pid": null }));
}

#[test]
fn the_owner_of_a_memory_limit_is_named() {
    let Some(_live) = require_root(&["runc", "containerd", "dockerd", "docker"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let limits = ["--memory=16m", "--memory-swap=16m"];
    let init_hogs = docker.run_to_the_end(&limits, &["/bin/sh", "-c", HOG]);
    let script = format!("sh -c '{HOG}'; exit 8");
    let child_hogs = docker.run_to_the_end(&limits, &["/bin/sh", "-c", &script]);

    // The directory above the container has the limit, not the container's own.
    stage.cgroups.make("/obit-live/pod");
    for file in
        stage.cgroups.find("pod").iter().flat_map(|pod| [pod.join("memory.limit_in_bytes"), pod.join("memory.max")])
    {
        if file.exists() {
            fs::write(&file, "16777216").unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        }
    }
    let in_pod = "obit-live-in-pod";
    runc.run_script(in_pod, Some("/obit-live/pod/obit-live-in-pod"), HOG);

    let case = capture.case().to_owned();
    let rows = stop_and_derive(capture);
    let explanation = replay::explain(&case, &init_hogs);
    let memory =
        explanation.split_once(" with ").and_then(|(_, rest)| rest.split_once(" bytes, for the limit of cgroup "));
    let bytes: u64 = memory.expect("the victim's memory").0.parse().expect("a number");
    assert!((8 << 20..=20 << 20).contains(&bytes), "a process in 16 MiB had {bytes} bytes:\n{explanation}");
    let row = only_row(&rows, &init_hogs);
    expect(
        row,
        &json!({
            "cause": "oom_killed", "exit_code": null, "exit_signal": SIGKILL, "oom_killed": true, "killed_by_pid": null,
            "oom_limit_scope": "own", "oom_limit_cgroup_path": format!("/docker/{init_hogs}"),
        }),
    );
    let row = only_row(&rows, &child_hogs);
    expect(
        row,
        &json!({
            "cause": "exited", "exit_code": 8, "exit_signal": null, "oom_killed": false, "oom_kills": 1,
            "oom_limit_scope": "own", "oom_limit_cgroup_path": format!("/docker/{child_hogs}"),
        }),
    );
    expect(
        only_row(&rows, in_pod),
        &json!({
            "cause": "oom_killed", "exit_signal": SIGKILL, "oom_killed": true,
            "oom_limit_scope": "ancestor", "oom_limit_cgroup_path": "/obit-live/pod",
        }),
    );
}

#[test]
fn containers_that_runc_and_podman_end() {
    let Some(_live) = require_root(&["runc", "podman", "conmon"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::Host);
    let podman = Podman::start(&stage);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let killed = "obit-live-killed";
    runc.start_container(killed, None);
    stage.run("runc", &["kill", killed, "KILL"]);
    wait_until("its end", || stage.run("runc", &["state", killed]).contains("\"stopped\""));
    runc.remove(killed);
    let deleted = "obit-live-deleted";
    runc.start_container(deleted, None);
    runc.remove(deleted);
    let stopped = podman.start_container("stopped");
    podman.stop(&stopped);
    podman.remove(&stopped);
    for id in [killed, deleted, &stopped] {
        stage.cgroups.wait_until_gone(id);
    }

    let rows = stop_and_derive(capture);
    for (id, verb) in [(killed, "kill"), (deleted, "delete")] {
        let row = only_row(&rows, id);
        expect(
            row,
            &json!({
                "cause": "killed_by_runtime", "exit_signal": SIGKILL, "oom_killed": false, "killed_by_comm": "runc",
            }),
        );
        let argv = texts(&row["killed_by_argv"]);
        assert!(argv.contains(&verb.to_owned()) && argv.contains(&id.to_owned()), "{argv:?}");
    }
    let row = only_row(&rows, &stopped);
    expect(row, &json!({ "cause": "killed_by_runtime", "exit_signal": SIGKILL, "killed_by_comm": "runc" }));
    assert_eq!(texts(&row["signals"]).len(), 2, "SIGTERM, then SIGKILL: {}", row["signals"]);
    assert_killed_by_runc(row, &stopped, "9");
}

#[test]
fn causes_that_only_v2_has() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let by_file = "obit-live-by-file";
    runc.start_container(by_file, None);
    let [directory] = &stage.cgroups.find(by_file)[..] else { panic!("one directory on v2") };
    fs::write(directory.join("cgroup.kill"), "1").expect("writing cgroup.kill");
    wait_until("its end", || stage.run("runc", &["state", by_file]).contains("\"stopped\""));
    runc.remove(by_file);

    let frozen = "obit-live-frozen";
    runc.start_container(frozen, None);
    stage.run("runc", &["pause", frozen]);
    stage.run("runc", &["kill", frozen, "KILL"]);
    wait_until("its end", || stage.run("runc", &["state", frozen]).contains("\"stopped\""));
    runc.remove(frozen);

    let case = capture.case().to_owned();
    let rows = stop_and_derive(capture);
    expect(
        only_row(&rows, by_file),
        &json!({
            "cause": "cgroup_killed", "exit_code": null, "exit_signal": SIGKILL, "killed_by_pid": std::process::id(),
            "oom_killed": false,
        }),
    );
    expect(
        only_row(&rows, frozen),
        &json!({ "cause": "killed_by_runtime", "exit_signal": SIGKILL, "killed_by_comm": "runc" }),
    );
    let explanation = replay::explain(&case, frozen);
    assert!(explanation.contains("cgroup_frozen"), "the pause is part of the story:\n{explanation}");
}

#[test]
fn two_hundred_at_once() {
    const CONTAINERS: usize = 200;
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let ids: Vec<String> = (0..CONTAINERS).map(|number| format!("obit-live-crowd-{number:03}")).collect();
    let mut inits = Vec::new();
    for id in &ids {
        runc.start_container(id, None);
        let state: Value = serde_json::from_str(&stage.run("runc", &["state", id])).expect("JSON from runc state");
        inits.push(u32::try_from(state["pid"].as_u64().expect("a pid")).expect("a pid"));
    }
    let killer = kill(&inits);
    for id in &ids {
        runc.remove(id);
    }

    let rows = stop_and_derive(capture);
    for id in &ids {
        expect(
            only_row(&rows, id),
            &json!({
                "cause": "signalled", "exit_signal": SIGKILL, "killed_by_pid": killer, "killed_by_comm": "kill",
                "oom_killed": false,
            }),
        );
    }
}

fn of<'a>(rows: &'a [Value], id: &str) -> Vec<&'a Value> {
    rows.iter().filter(|row| row["container_id"] == *id).collect()
}

/// Expects these values in a row; null and absent are the same.
fn expect(row: &Value, values: &Value) {
    for (name, expected) in values.as_object().expect("an object") {
        assert_eq!(&row[name], expected, "{name} in {row:#}");
    }
}

/// Expects that `runc … kill … ID SIGNAL` sent the signal.
fn assert_killed_by_runc(row: &Value, id: &str, signal: &str) {
    let argv = texts(&row["killed_by_argv"]);
    assert!(argv.iter().any(|argument| argument == "kill"), "{argv:?}");
    assert!(argv.ends_with(&[id.to_owned(), signal.to_owned()]), "{argv:?}");
    let order = texts(&row["requested_by"]);
    let kill = order.iter().position(|step| step.ends_with(&format!("kill {id} {signal}")));
    assert!(kill.is_some_and(|place| place > 0), "who called runc is named: {order:?}");
}

fn init_of(stage: &Stage, id: &str) -> u32 {
    stage.run("docker", &["inspect", "--format={{.State.Pid}}", id]).parse().expect("a pid")
}

/// Kills processes by one process of the host, and returns its pid.
fn kill(pids: &[u32]) -> u32 {
    let mut killer = Command::new("kill").arg("-KILL").args(pids.iter().map(u32::to_string)).spawn().expect("kill");
    let pid = killer.id();
    assert!(killer.wait().expect("waiting for kill").success(), "cannot kill {pids:?}");
    pid
}
