//! Real containers that are ordered to end: the row names the order and its chain, and a source
//! that contradicts the kernel has a row of its own.

use std::fs;
use std::path::Path;

use obit_test_engines::{
    CgroupView, Containerd, Docker, FOREVER, HOG, Oci, OciRuntime, Podman, Stage, require_root, wait_until,
};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::rows::{only_row, stop_and_derive, texts};
use crate::support::{daemon_answers, replay};

#[test]
fn the_chain_of_an_order_is_recorded_as_far_as_it_shows() {
    let programs = ["runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let podman = Podman::start(&stage);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    let killed = docker.run(&[], &FOREVER);
    stage.run("docker", &["kill", &killed]);
    let stopped = docker.run(&[], &FOREVER);
    stage.run("docker", &["stop", "--time", "1", &stopped]);
    let by_podman = podman.start_container("stopped");
    podman.stop(&by_podman);
    podman.remove(&by_podman);
    let by_runc = "obit-live-told";
    runc.start_container(by_runc, None);
    stage.run("runc", &["kill", by_runc, "KILL"]);
    wait_until("its end", || stage.run("runc", &["state", by_runc]).contains("\"stopped\""));
    runc.remove(by_runc);
    let by_ctr = "obit-live-task";
    containerd.start_container(by_ctr);
    containerd.kill(by_ctr);
    for id in [&killed, &stopped, &by_podman, by_runc, by_ctr] {
        stage.cgroups.wait_until_gone(id);
    }

    let case = capture.case().to_owned();
    let rows = stop_and_derive(capture);
    // Threads of a test have names of their own; a process has the name of its first thread.
    let name = fs::read_to_string("/proc/self/comm").expect("the name of this program");
    let (us, shim) = (format!("{}[{}]", name.trim(), std::process::id()), "containerd-shim[");
    // Each step by its beginning and its end, in order; others may come between.
    let kill = |id: &str, signal: u32| format!("kill {id} {signal}");
    for (id, expected) in [
        (&*killed, vec![(shim, "]".to_owned()), ("runc ", kill(&killed, 9))]),
        (
            &stopped,
            vec![
                (shim, "]".to_owned()),
                ("runc ", kill(&stopped, 15)),
                ("docker_event", ": kill".to_owned()),
                ("runc ", kill(&stopped, 9)),
            ],
        ),
        (
            &by_podman,
            vec![
                (&us, String::new()),
                ("podman[", "]".to_owned()),
                ("/usr/bin/runc ", kill(&by_podman, 15)),
                ("/usr/bin/runc ", kill(&by_podman, 9)),
            ],
        ),
        (by_runc, vec![(&us, String::new()), ("runc ", format!("kill {by_runc} KILL"))]),
        (by_ctr, vec![(shim, "]".to_owned()), ("runc ", kill(by_ctr, 9))]),
    ] {
        let row = only_row(&rows, id);
        assert_eq!(row["cause"], "killed_by_runtime", "{row:#}");
        let (steps, times) = (texts(&row["requested_by"]), texts(&row["requested_at"]));
        assert_eq!(steps.len(), times.len());
        assert!(times.is_sorted(), "{times:?}");
        let removal = format!("delete {id}");
        assert!(!steps.iter().any(|step| step.ends_with(&removal)), "the order ends with the kill: {steps:#?}");
        let mut rest = steps.iter();
        for (begin, end) in expected {
            assert!(rest.any(|step| step.starts_with(begin) && step.ends_with(&end)), "{begin}…{end} in {steps:#?}");
        }
    }
    assert_eq!(only_row(&rows, by_ctr)["runtime"], "containerd");
    let explanation = replay::explain(&case, &by_podman);
    assert!(explanation.contains("\n  order ") && explanation.contains("  podman["), "{explanation}");
    assert_eq!(replay::derived_rows(&case, "disagreement"), Vec::<Value>::new(), "nobody said otherwise");
}

#[test]
fn an_images_stop_signal_is_recorded_with_its_sender() {
    let Some(_live) = require_root(&["runc", "containerd", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);

    // The shell takes these signals by number.
    let signals = [("SIGWINCH", 28), ("SIGUSR1", 10), ("SIGRTMIN+3", 37)];
    let mut ids = Vec::new();
    for (name, number) in signals {
        let script =
            format!("trap 'exit {number}' {number}; trap : 12; echo ready; while :; do sleep 1000 & wait $!; done");
        let id = docker.run(&["--stop-signal", name], &["/bin/sh", "-c", &script]);
        wait_until("the trap", || stage.run("docker", &["logs", &id]) == "ready");
        // This signal is handled, and not the one to stop with.
        stage.run("docker", &["kill", "--signal", "USR2", &id]);
        stage.run("docker", &["stop", &id]);
        stage.cgroups.wait_until_gone(&id);
        ids.push(id);
    }

    let rows = stop_and_derive(capture);
    for ((name, number), id) in signals.into_iter().zip(&ids) {
        let row = only_row(&rows, id);
        let signals = texts(&row["signals"]);
        let [other, last] = &signals[..] else { panic!("{signals:?}") };
        assert!(
            other.starts_with("SIGUSR2 from runc[") && last.starts_with(&format!("{name} from runc[")),
            "{signals:?}"
        );
        for (column, expected) in [
            ("cause", json!("exited")),
            ("exit_code", json!(number)),
            ("killed_by_comm", json!("runc")),
            ("oom_killed", json!(false)),
        ] {
            assert_eq!(row[column], expected, "{column} of {row:#}");
        }
        let steps = texts(&row["requested_by"]);
        assert!(steps.iter().any(|step| step.ends_with(&format!("kill {id} {number}"))), "{steps:?}");
        assert!(!steps.iter().any(|step| step.ends_with(&format!("kill {id} 12"))), "{steps:?}");
    }
}

/// On some hosts Docker learns of the OOM killer, and takes every kill in a container for the end
/// of the container; on others it learns nothing. When its daemon is gone, its file still says that
/// the container runs.
#[test]
fn a_report_of_docker_that_contradicts_the_kernel_has_a_row() {
    let Some(_live) = require_root(&["runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, "shop");
    let docker = Docker::start(&stage, &containerd);
    let capture = Capture::start(&stage, &stage.directory().join("case"), &[]);
    let case = capture.case().to_owned();

    let limits = ["--memory=16m", "--memory-swap=16m"];
    let in_a_child = format!("sh -c '{HOG}'; exit 137");
    let hogs = [HOG, &in_a_child].map(|script| {
        let id = docker.run(&limits, &["/bin/sh", "-c", script]);
        stage.run("docker", &["wait", &id]);
        stage.cgroups.wait_until_gone(&id);
        let said = stage.run("docker", &["inspect", "--format={{.State.OOMKilled}}", &id]);
        daemon_answers::wait_for(&case, "how it ended", |answer| {
            answer.container_id == id && answer.document.contains(r#""Status":"exited""#)
        });
        (id, said)
    });

    let orphan = docker.run(&[], &FOREVER);
    let daemon = fs::read_to_string(stage.outside("/run/docker.pid")).expect("dockerd's pid");
    let daemon = daemon.trim().parse().ok().and_then(Pid::from_raw).expect("a pid");
    kill_process(daemon, Signal::KILL).expect("killing dockerd");
    let ctr = |arguments: &[&str]| stage.run("ctr", &[&["--namespace", "moby"], arguments].concat());
    ctr(&["task", "kill", "--signal", "KILL", &orphan]);
    wait_until("the orphan's end", || {
        ctr(&["task", "list"]).lines().any(|line| line.contains(&orphan) && line.contains("STOPPED"))
    });
    ctr(&["task", "delete", &orphan]);
    stage.cgroups.wait_until_gone(&orphan);
    wait_until("what docker's file says afterwards", || is_contradicted(&case, &orphan));

    let rows = stop_and_derive(capture);
    let found = replay::derived_rows(&case, "disagreement");
    let of = |id: &str, aspect: &str| -> Vec<&Value> {
        found.iter().filter(|row| row["container_id"] == *id && row["aspect"] == aspect).collect()
    };
    let mut differences = 0;
    for ((id, said), (cause, by_kernel)) in hogs.iter().zip([("oom_killed", "true"), ("exited", "false")]) {
        let row = only_row(&rows, id);
        assert_eq!(
            (&row["cause"], &row["oom_killed"].to_string(), &row["oom_kills"]),
            (&json!(cause), &by_kernel.to_owned(), &json!(1))
        );
        let about_oom = of(id, "oom_killed");
        assert_eq!(about_oom.is_empty(), said == by_kernel, "docker says {said}: {found:#?}");
        for row in about_oom {
            assert_eq!((&row["source"], &row["value"]), (&json!("kernel"), &json!(by_kernel)));
            assert_eq!((&row["other_source"], &row["other_value"]), (&json!("docker"), &json!(said)));
            differences += 1;
        }
        assert_eq!(of(id, "exit_code"), Vec::<&Value>::new(), "137 in both ways");
    }
    assert!(differences > 0, "this docker tells a kill in a container from its end, and is told of both");
    let [row] = &of(&orphan, "existence")[..] else { panic!("{found:#?}") };
    assert_eq!((&row["source"], &row["value"]), (&json!("kernel"), &json!("gone")));
    assert_eq!((&row["other_source"], &row["other_value"]), (&json!("docker"), &json!("running")));
    assert!(row["value_at"].as_str() < row["other_value_at"].as_str(), "{row:#}");
    let explanation = replay::explain(&case, &orphan);
    assert!(explanation.contains("disagree about whether it is there: kernel says gone"), "{explanation}");
    assert!(explanation.contains("life 1 of 1"), "it is about the life that ended: {explanation}");
}

/// Returns true if the case that is being written has a disagreement about the container.
fn is_contradicted(case: &Path, id: &str) -> bool {
    let output =
        replay::replay(&["derive", &case.display().to_string(), "--event", "disagreement", "--format", "jsonl"]);
    String::from_utf8_lossy(&output.stdout).contains(id)
}
