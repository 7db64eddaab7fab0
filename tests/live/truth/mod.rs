//! The truth test: hundreds of random container lives by real engines, and rows that must not state
//! what is not so.
//!
//! The truth is known by construction, because every process in a container does only what the test
//! orders ([`program`]). [`plan`] makes scenes from a seed, [`play`] and [`ends`] play them by the
//! engines of [`driver`] and note the [`truth`], [`expected`] says what each column must say of it,
//! and [`compare`] holds the rows against that. A failure prints the seed.
//!
//! `OBIT_TRUTH_LIVES` sets how many lives are played, `OBIT_TRUTH_SEED` which.

mod compare;
mod driver;
mod ends;
mod expected;
mod plan;
mod play;
mod program;
mod report;
mod trees;
mod truth;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use obit_test_engines::{CgroupView, Containerd, Docker, OciRuntime, Podman, Stage, require_root};
use serde_json::Value;

use self::driver::Engine;
use self::driver::containerd::{Ctr, NAMESPACE};
use self::driver::docker::DockerClient;
use self::driver::oci::ByHand;
use self::driver::podman::PodmanClient;
use self::plan::{EngineName, HostTraits, Scene};
use self::play::Player;
use self::program::Puppets;
use self::report::Report;
use self::truth::Life;
use crate::support::capture::Capture;
use crate::support::replay;

/// Lives of one run, if nothing else is asked for.
const LIVES: usize = 160;
/// Scenes that are played at the same time.
const PLAYERS: usize = 3;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Returns the seed of this run: the one asked for, or a new one.
fn seed() -> u64 {
    setting("OBIT_TRUTH_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        now.as_secs() % 1_000_000
    })
}

fn lives() -> usize {
    setting("OBIT_TRUTH_LIVES").map_or(LIVES, |lives| usize::try_from(lives).expect("a number of lives"))
}

/// Plays all scenes of a plan, a few at a time. Returns the lives, and the scenes that could not be
/// played.
fn play_all(
    plan: &[Scene],
    engines: &[(EngineName, &dyn Engine)],
    stage: &Stage,
    puppets: &Puppets,
    run: &str,
) -> (Vec<Life>, Vec<String>) {
    let next = AtomicUsize::new(0);
    let (lives, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..PLAYERS {
            scope.spawn(|| {
                while let Some(&scene) = plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (_, engine) = engines.iter().find(|(name, _)| *name == scene.engine).expect("of the plan");
                    let player = Player { scene, engine: *engine, stage, puppets, run };
                    match catch_unwind(AssertUnwindSafe(|| play::play(player))) {
                        Ok(played) => lives.lock().expect("never poisoned").extend(played),
                        Err(error) => {
                            let error = error
                                .downcast_ref::<String>()
                                .cloned()
                                .or_else(|| error.downcast_ref::<&str>().map(|&text| text.to_owned()));
                            let failure = format!("{scene}: {}", error.unwrap_or_default());
                            failures.lock().expect("never poisoned").push(failure);
                        }
                    }
                }
            });
        }
    });
    (lives.into_inner().expect("never poisoned"), failures.into_inner().expect("never poisoned"))
}

/// Returns true for a row of a name or a place that only this run uses.
fn is_of_run(row: &Value, run: &str, stage: &Stage) -> bool {
    let text = |column: &str| row[column].as_str().unwrap_or("");
    let path = text("cgroup_path");
    let places = ["/docker/", "/libpod_parent/", &format!("/{NAMESPACE}/")];
    let is_in_place = places.iter().any(|place| path.starts_with(place)) && !stage.cgroups.was_there_before(path);
    [text("container_id"), text("container_name"), path].iter().any(|text| text.contains(run)) || is_in_place
}

/// Fails unless the report is clean.
fn expect_clean(report: &Report, failures: &[String], seed: u64) {
    println!("{report}");
    if !report.absent_columns.is_empty() || !report.absent_tables.is_empty() {
        println!("not in this build: {:?} {:?}", report.absent_tables, report.absent_columns);
    }
    assert!(failures.is_empty(), "OBIT_TRUTH_SEED={seed}: scenes could not be played:\n{}", failures.join("\n"));
    assert!(report.findings.is_empty(), "OBIT_TRUTH_SEED={seed}: {} findings (above)", report.findings.len());
}

#[test]
fn rows_state_nothing_false_on_the_hosts_hierarchies() {
    let programs = ["cc", "runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, NAMESPACE);
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let _podman = Podman::start(&stage);
    let puppets = Puppets::open(&stage);
    let runc = ByHand::new(&stage, OciRuntime::Runc, &puppets);
    let docker_client = DockerClient::new(&stage, &puppets);
    let ctr = Ctr::new(&stage, &puppets);
    let podman = PodmanClient::new(&stage, OciRuntime::Runc, &puppets);
    let host = HostTraits { is_v2_only: stage.cgroups.hierarchies() == 1, has_memory_limit: true };
    let engines: [(EngineName, &dyn Engine); 4] = [
        (EngineName::Runc, &runc),
        (EngineName::Docker, &docker_client),
        (EngineName::Containerd, &ctr),
        (EngineName::Podman, &podman),
    ];
    tell_the_truth(&stage, &puppets, &engines, host);
}

#[test]
fn rows_state_nothing_false_on_v2_alone() {
    let Some(_live) = require_root(&["cc", "runc", "crun", "podman", "conmon"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let _podman = Podman::start(&stage);
    let puppets = Puppets::open(&stage);
    let runc = ByHand::new(&stage, OciRuntime::Runc, &puppets);
    let crun = ByHand::new(&stage, OciRuntime::Crun, &puppets);
    // crun raises RLIMIT_MEMLOCK for the device rules that podman asks for; root without
    // CAP_SYS_RESOURCE may not.
    let podman = PodmanClient::new(&stage, OciRuntime::Runc, &puppets);
    // The memory controller may be one of v1.
    let has_memory_limit = false;
    let engines: [(EngineName, &dyn Engine); 3] =
        [(EngineName::Runc, &runc), (EngineName::Crun, &crun), (EngineName::Podman, &podman)];
    tell_the_truth(&stage, &puppets, &engines, HostTraits { is_v2_only: true, has_memory_limit });
}

/// Records while a random plan is played, and compares the rows with the truth.
fn tell_the_truth(stage: &Stage, puppets: &Puppets, engines: &[(EngineName, &dyn Engine)], host: HostTraits) {
    let (seed, lives) = (seed(), lives());
    let run = format!("obit-live-t{seed}");
    stage.cgroups.own(&run);
    let names: Vec<_> = engines
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| {
            std::env::var("OBIT_TRUTH_ENGINES").is_ok_and(|only| only.contains(&format!("{name:?}")))
                || std::env::var_os("OBIT_TRUTH_ENGINES").is_none()
        })
        .collect();
    let plan = plan::make(seed, lives, &names, host);
    println!("OBIT_TRUTH_SEED={seed}: {} scenes", plan.len());

    let capture = Capture::start(stage, &stage.directory().join("case"), &[]);
    let case = capture.case().to_owned();
    let (played, failures) = play_all(&plan, engines, stage, puppets, &run);
    capture.stop();
    replay::assert_verifies(&case);
    // Rows of scenes that could not be played to their end have no truth to be compared with.
    let report = compare::compare(&case, &played, |row| {
        played.iter().any(|life| row["container_id"] == *life.id) || failures.is_empty() && is_of_run(row, &run, stage)
    });
    expect_clean(&report, &failures, seed);
}
