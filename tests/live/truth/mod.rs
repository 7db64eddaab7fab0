//! The truth test: hundreds of random container lives by real engines, and rows that must not state
//! what is not so.
//!
//! The truth is known by construction, because every process in a container does only what the test
//! orders ([`program`]). [`plan`] makes scenes from a seed, [`play`] and [`ends`] play them by the
//! engines of [`driver`] and note the truth about each [`life`]. [`expected`] says what each column
//! must say of it, and [`compare`] holds the rows against that, as far as a case covers it
//! ([`coverage`]). In one test a [`recorder`] is starved, so that events are lost.
//!
//! A failure prints the seed. `OBIT_TRUTH_SEED` plays it again (`new`: another one each time),
//! `OBIT_TRUTH_LIVES` sets the number of lives of each test, and `OBIT_TRUTH_ENGINES=Runc,Docker`
//! leaves the other engines out. `make test` plays the same scenes each time and none under forced
//! loss; `make test-all` plays others, and those under loss.
//!
//! ```sh
//! OBIT_TRUTH_LIVES=2000 cargo test --test live truth -- --nocapture
//! ```

mod compare;
mod coverage;
mod driver;
mod ends;
mod expected;
mod life;
mod plan;
mod play;
mod program;
mod recorder;
mod report;
mod trees;

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use obit_test_engines::{CgroupView, Containerd, Docker, OciRuntime, Podman, Stage, require_root};
use serde_json::Value;

use self::driver::Engine;
use self::driver::containerd::{Ctr, NAMESPACE};
use self::driver::docker::DockerClient;
use self::driver::oci::ByHand;
use self::driver::podman::PodmanClient;
use self::life::Life;
use self::plan::{EngineName, HostTraits, Scene};
use self::play::Player;
use self::program::Puppets;
use self::report::Report;
use crate::support::capture::Capture;
use crate::support::replay;

/// Lives of each test, if nothing else is asked for.
const LIVES: usize = 100;
/// The seed, if no other is asked for.
const SEED: u64 = 15;
/// Scenes that are played at the same time.
const PLAYERS: usize = 3;

fn setting(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|error| panic!("{name}={text}: {error}")))
}

/// Returns the seed of this run: the one asked for, a new one if that is asked for, or else the one
/// of every run.
fn seed() -> u64 {
    if std::env::var("OBIT_TRUTH_SEED").is_ok_and(|text| text == "new") {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
        return now.as_secs() % 1_000_000;
    }
    setting("OBIT_TRUTH_SEED").unwrap_or(SEED)
}

fn lives() -> usize {
    setting("OBIT_TRUTH_LIVES").map_or(LIVES, |lives| usize::try_from(lives).expect("a number of lives"))
}

#[test]
fn rows_state_nothing_false_on_the_hosts_hierarchies() {
    let programs = ["cc", "runc", "containerd", "ctr", "dockerd", "docker", "podman", "conmon"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, NAMESPACE);
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let podman = Podman::start(&stage);
    let _service = podman.serve();
    let puppets = Puppets::open(&stage);
    let runc = ByHand::new(&stage, OciRuntime::Runc, &puppets);
    let docker_client = DockerClient::new(&stage, &puppets);
    let ctr = Ctr::new(&stage, &puppets);
    let podman_client = PodmanClient::new(&stage, OciRuntime::Runc, &puppets);
    let host = HostTraits { is_v2_only: stage.cgroups.hierarchies() == 1, is_v1_only: false, has_memory_limit: true };
    let engines: [(EngineName, &dyn Engine); 4] = [
        (EngineName::Runc, &runc),
        (EngineName::Docker, &docker_client),
        (EngineName::Containerd, &ctr),
        (EngineName::Podman, &podman_client),
    ];
    tell_the_truth(&stage, &puppets, &engines, host);
}

#[test]
fn rows_state_nothing_false_on_v1_alone() {
    let Some(_live) = require_root(&["cc", "runc", "containerd", "ctr", "dockerd", "docker"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    stage.run("umount", &["--lazy", "--all", "--types", "cgroup2"]);
    if trees::v1_roots(&stage).is_empty() {
        println!("NOT PLAYED: this host has no v1 hierarchy");
        return;
    }
    let containerd = Containerd::start(&stage, NAMESPACE);
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let puppets = Puppets::open(&stage);
    let runc = ByHand::new(&stage, OciRuntime::Runc, &puppets);
    let docker_client = DockerClient::new(&stage, &puppets);
    let ctr = Ctr::new(&stage, &puppets);
    let engines: [(EngineName, &dyn Engine); 3] =
        [(EngineName::Runc, &runc), (EngineName::Docker, &docker_client), (EngineName::Containerd, &ctr)];
    let host = HostTraits { is_v2_only: false, is_v1_only: true, has_memory_limit: true };
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
    tell_the_truth(&stage, &puppets, &engines, HostTraits { is_v2_only: true, is_v1_only: false, has_memory_limit });
}

#[test]
fn rows_state_nothing_false_when_events_are_lost() {
    if std::env::var_os("OBIT_TRUTH_LOSS").is_none() {
        println!("NOT PLAYED: lives under forced loss; `make test-all` plays them (OBIT_TRUTH_LOSS=1)");
        return;
    }
    let programs = ["cc", "runc", "containerd", "ctr", "dockerd", "docker"];
    let Some(_live) = require_root(&programs) else { return };
    let stage = Stage::new(CgroupView::Host);
    let containerd = Containerd::start(&stage, NAMESPACE);
    let docker = Docker::start(&stage, &containerd);
    containerd.import(&docker.save_image());
    let puppets = Puppets::open(&stage);
    let runc = ByHand::new(&stage, OciRuntime::Runc, &puppets);
    let docker_client = DockerClient::new(&stage, &puppets);
    let ctr = Ctr::new(&stage, &puppets);
    let host = HostTraits { is_v2_only: stage.cgroups.hierarchies() == 1, is_v1_only: false, has_memory_limit: true };
    let engines: [(EngineName, &dyn Engine); 3] =
        [(EngineName::Runc, &runc), (EngineName::Docker, &docker_client), (EngineName::Containerd, &ctr)];
    let play = Play::new(&stage, &puppets, &engines, host);
    let is_over = AtomicBool::new(false);
    let (cases, (lives, failures)) = std::thread::scope(|scope| {
        let recorder = scope.spawn(|| recorder::record_badly(&stage, &play.run, play.seed, &is_over));
        let played = play.play_all();
        is_over.store(true, Ordering::Relaxed);
        (recorder.join().expect("the recorder"), played)
    });
    let mut report = Report::default();
    for case in &cases {
        report.add(play.compare(case, &lives, &failures));
    }
    play.expect_clean(&report, &failures);
}

/// A plan and what it is played with.
struct Play<'a> {
    stage: &'a Stage,
    puppets: &'a Puppets,
    engines: &'a [(EngineName, &'a dyn Engine)],
    seed: u64,
    /// Text in the names of everything that the run makes.
    run: String,
    plan: Vec<Scene>,
}

impl<'a> Play<'a> {
    fn new(
        stage: &'a Stage,
        puppets: &'a Puppets,
        engines: &'a [(EngineName, &'a dyn Engine)],
        host: HostTraits,
    ) -> Self {
        let seed = seed();
        let run = format!("obit-live-t{seed}");
        stage.cgroups.own(&run);
        // OBIT_TRUTH_ENGINES=Runc,Docker plays with these engines alone.
        let only = std::env::var("OBIT_TRUTH_ENGINES").ok();
        let is_wanted = |name: &EngineName| {
            only.as_ref().is_none_or(|only| only.split(',').any(|word| word == format!("{name:?}")))
        };
        let names: Vec<_> = engines.iter().map(|(name, _)| *name).filter(is_wanted).collect();
        let plan = plan::make(seed, lives(), &names, host);
        println!("OBIT_TRUTH_SEED={seed}: {} scenes", plan.len());
        Self { stage, puppets, engines, seed, run, plan }
    }

    /// Plays all scenes, a few at a time. Returns the lives, and the scenes that could not be
    /// played.
    fn play_all(&self) -> (Vec<Life>, Vec<String>) {
        let next = AtomicUsize::new(0);
        let (lives, failures) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..PLAYERS {
                scope.spawn(|| {
                    while let Some(&scene) = self.plan.get(next.fetch_add(1, Ordering::Relaxed)) {
                        match catch_unwind(AssertUnwindSafe(|| play::play(self.player(scene)))) {
                            Ok(played) => lives.lock().expect("never poisoned").extend(played),
                            Err(error) => {
                                let failure = format!("{scene}: {}", message(&*error));
                                failures.lock().expect("never poisoned").push(failure);
                            }
                        }
                    }
                });
            }
        });
        (lives.into_inner().expect("never poisoned"), failures.into_inner().expect("never poisoned"))
    }

    fn player(&self, scene: Scene) -> Player<'_> {
        let (_, engine) = self.engines.iter().find(|(name, _)| *name == scene.engine).expect("of the plan");
        Player {
            scene,
            engine: *engine,
            engines: self.engines,
            stage: self.stage,
            puppets: self.puppets,
            run: &self.run,
        }
    }

    /// Compares one case with the truth.
    fn compare(&self, case: &Path, lives: &[Life], failures: &[String]) -> Report {
        replay::assert_verifies(case);
        // Rows of scenes that could not be played to their end have no truth to be compared with.
        compare::compare(case, lives, |row| {
            lives.iter().any(|life| row["container_id"] == *life.id) || failures.is_empty() && self.is_ours(row)
        })
    }

    /// Returns true for a row of a name or a place that only this run uses.
    fn is_ours(&self, row: &Value) -> bool {
        let text = |column: &str| row[column].as_str().unwrap_or("");
        let path = text("cgroup_path");
        let places = ["/docker/", "/libpod_parent/", &format!("/{NAMESPACE}/")];
        let is_in_place =
            places.iter().any(|place| path.starts_with(place)) && !self.stage.cgroups.was_there_before(path);
        is_in_place || [text("container_id"), text("container_name"), path].iter().any(|text| text.contains(&self.run))
    }

    /// Prints the report and fails unless it is clean.
    fn expect_clean(&self, report: &Report, failures: &[String]) {
        let seed = self.seed;
        println!("{report}");
        assert!(
            report.absent_columns.is_empty() && report.absent_tables.is_empty(),
            "not in this build: {:?} {:?}",
            report.absent_tables,
            report.absent_columns
        );
        assert!(failures.is_empty(), "OBIT_TRUTH_SEED={seed}: scenes could not be played:\n{}", failures.join("\n"));
        assert!(report.findings.is_empty(), "OBIT_TRUTH_SEED={seed}: {} findings (above)", report.findings.len());
    }
}

/// Returns the text of a panic.
fn message(error: &(dyn Any + Send)) -> String {
    let text = error.downcast_ref::<&str>().map(|&text| text.to_owned());
    error.downcast_ref::<String>().cloned().or(text).unwrap_or_default()
}

/// Records while a random plan is played, and compares the rows with the truth.
fn tell_the_truth(stage: &Stage, puppets: &Puppets, engines: &[(EngineName, &dyn Engine)], host: HostTraits) {
    let play = Play::new(stage, puppets, engines, host);
    let capture = Capture::start(stage, &stage.directory().join("case"), &[]);
    let case = capture.case().to_owned();
    let (lives, failures) = play.play_all();
    capture.stop();
    let report = play.compare(&case, &lives, &failures);
    play.expect_clean(&report, &failures);
}
