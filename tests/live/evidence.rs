//! Kills, storms, full disks and hostile names: the capture loses nothing in silence.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

use obit_case::Case;
use obit_derivation::record::{Body, CgroupEventKind, KernelEventKind};
use obit_schema::text::escape;
use obit_test_engines::{
    CgroupView, Oci, OciRuntime, SmallDisk, Stage, make_and_remove, require_root, test_cgroups, test_cgroups_named,
};
use rustix::fs::syncfs;
use rustix::process::Signal;
use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

use crate::support::capture::{Capture, CaptureEnd, INCOMPLETE, kills};
use crate::support::ledger::text;
use crate::support::replay;
use crate::support::rows::manifest;

/// Number of times that a running capture is killed, unless `OBIT_KILLS` says otherwise.
const KILLS: u64 = 50;
/// Interval of syncs that the capture promises in that test.
const SYNC_INTERVAL: &str = "100ms";
/// Age at which every event is on disk: the sync interval, one interval of the drain thread, and
/// the delays of a busy machine.
const PROMISE: Duration = Duration::from_millis(1500);
/// Latest moment of a kill, from the moment the capture is ready.
const LATEST_KILL_MS: u64 = 2500;

const STORM_LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_capture_killed_at_any_moment_keeps_its_promise() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let mut random = Random::new();
    for round in 0..kills(KILLS) {
        let case = stage.directory().join(format!("case-{round}"));
        let mut options = vec!["--sync-interval", SYNC_INTERVAL];
        if round % 2 == 0 {
            // Parts are sealed all the time, too.
            options.extend(["--part-rows", "300"]);
        }
        let capture = Capture::start(&stage, &case, &options);
        let delay = Duration::from_millis(random.below(LATEST_KILL_MS));
        let stop = AtomicBool::new(false);
        let (created, killed_at) = std::thread::scope(|scope| {
            let load = scope.spawn(|| load(&test_cgroups, round, &stop));
            // The test varies the moment of the kill.
            std::thread::sleep(delay);
            let killed_at = boot();
            capture.signal(Signal::KILL);
            stop.store(true, Relaxed);
            (load.join().expect("the load"), killed_at)
        });
        capture.wait();
        let what = format!("round {round}, killed after {delay:?}");

        let made = made(&case);
        for (name, at) in created.iter().filter(|(_, at)| *at + PROMISE <= killed_at) {
            let seen = made.get(name).copied().unwrap_or(0);
            let age = killed_at - *at;
            assert_eq!(seen, test_cgroups.len(), "{what}: {name} was {age:?} old: events of its creation");
        }
        let before = digest(&replay::assert_verifies(&case));
        let rows = replay::derived_rows(&case, "container_remove");
        let closed = replay::replay(&["close", &case.display().to_string()]);
        assert!(closed.status.success(), "{what}: {closed:?}");
        assert_eq!(digest(&replay::assert_verifies(&case)), before, "{what}");
        assert_eq!(replay::derived_rows(&case, "container_remove"), rows, "{what}");
        assert_eq!(self::made(&case), made, "{what}: the same records");
    }
}

#[test]
fn a_storm_into_a_tiny_buffer_is_accounted_for_exactly() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    // These containers are only directories; they exist before the storm and end within it.
    let ids: Vec<String> = (0..20).map(|number| format!("{number:064x}")).collect();
    let paths = |id: &str| format!("obit-live.slice/docker-{id}.scope");
    for id in &ids {
        stage.cgroups.make(&paths(id));
    }
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--ring-buffer", "4KiB"]);
    for (number, id) in ids.iter().enumerate() {
        // A running recorder may empty even this buffer in time; a stopped one cannot.
        let stopped = number == ids.len() / 2;
        if stopped {
            capture.signal(Signal::STOP);
        }
        for noise in 0..30 {
            make_and_remove(&test_cgroups, &format!("storm-{number}-{noise}"));
        }
        stage.cgroups.remove(&paths(id));
        if stopped {
            capture.signal(Signal::CONT);
        }
    }
    let ended = capture.interrupt();
    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);

    let recorded = read(&case);
    let manifest = manifest(&case);
    let counters = manifest["recorder"]["kernel_counters"].as_object().expect("what the kernel counted");
    let mut lost_in_all = 0;
    for (kind, counted) in counters {
        let (admitted, lost) =
            (counted["admitted"].as_u64().expect("a count"), counted["lost"].as_u64().expect("a count"));
        assert_eq!(
            recorded.by_kind.get(kind).copied().unwrap_or(0),
            admitted,
            "{kind}: every event that came in is out"
        );
        assert_eq!(recorded.lost.get(kind).copied().unwrap_or(0), lost, "{kind}: every event that was lost is told");
        lost_in_all += lost;
    }
    assert!(lost_in_all > 0, "the storm was no storm: {counters:?}");

    let removed = replay::derived_rows(&case, "container_remove");
    let ours: Vec<&Value> = removed.iter().filter(|row| ids.contains(&text(row, "container_id").to_owned())).collect();
    let ended: BTreeSet<&str> = ours.iter().map(|row| text(row, "container_id")).collect();
    assert_eq!(ended.len(), ids.len(), "each ended");
    assert_eq!(ours.len(), ids.len(), "each ended once");
    let first_loss = recorded.first_loss.expect("of what was lost, the first record");
    let mut after_gap = 0;
    for row in ours {
        let seq = row["seq"].as_u64().expect("a seq");
        assert_eq!(
            row["after_gap"],
            first_loss < seq,
            "the first loss is at {first_loss}, its life went on until {seq}: {row}"
        );
        after_gap += usize::from(first_loss < seq);
        assert_eq!(row["inferred"], Value::Bool(row["rmdir_seq"].is_null()), "seen leaving, or inferred: {row}");
    }
    assert!(after_gap >= ids.len() / 2, "those that were left when the recorder was stopped: {after_gap}");
    replay::assert_verifies(&case);
}

#[test]
fn a_disk_that_gets_room_again_costs_nothing() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let SmallDisk { inside, outside: disk } = SmallDisk::mount(&stage, "4m");
    let mut capture = Capture::start(&stage, &inside.join("case"), &[]);
    let ballast = fill(&disk);
    let number = make_and_remove_until_it_complains(&mut capture, &test_cgroups);
    for file in ballast {
        let _ = fs::remove_file(file);
    }
    let ended = capture.stop();

    assert!(ended.stderr.contains("can be written again"), "{}", ended.stderr);
    let case = disk.join("case");
    let made = made(&case);
    for number in 0..number {
        assert_eq!(
            made.get(&format!("full-{number}")),
            Some(&test_cgroups.len()),
            "full-{number}: every event is there"
        );
    }
    assert!(manifest(&case).get("incomplete").is_none(), "nothing is missing");
    replay::assert_verifies(&case);
}

#[test]
fn a_disk_that_stays_full_is_reported_in_the_case() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let SmallDisk { inside, outside: disk } = SmallDisk::mount(&stage, "1m");
    let mut capture = Capture::start(&stage, &inside.join("case"), &[]);
    fill(&disk);
    make_and_remove_until_it_complains(&mut capture, &test_cgroups);
    let ended: CaptureEnd = capture.interrupt();

    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains("cannot write the case"), "{}", ended.stderr);
    let case = disk.join("case");
    let manifest = manifest(&case);
    let shortfall = &manifest["incomplete"][0];
    assert!(shortfall["reason"].as_str().is_some_and(|reason| reason.contains("space")), "{manifest}");
    let info = replay::replay(&["info", &case.display().to_string()]);
    assert!(String::from_utf8_lossy(&info.stdout).contains("may be missing"), "{info:?}");
    replay::assert_verifies(&case);
}

#[test]
fn a_file_system_that_turns_read_only_is_reported() {
    let Some(_live) = require_root(&["mkfs.ext4"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let place = |name: &str| stage.directory().join(name).display().to_string();
    let (image, mount_point) = (place("image"), place("disk"));
    fs::File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("an image");
    stage.run("mkfs.ext4", &["-q", &image]);
    stage.run("mkdir", &[&mount_point]);
    // Freed with the mount, which ends with the stage.
    stage.run("mount", &["-o", "loop,errors=remount-ro", &image, &mount_point]);
    let device = stage.run("stat", &["--format", "/sys/dev/block/%Hd:%Ld", &mount_point]);
    let device = fs::canonicalize(device).expect("the loop device");
    let fault = Path::new("/sys/fs/ext4").join(device.file_name().expect("a name")).join("trigger_fs_error");
    let inside = Path::new(&mount_point).join("case");
    let mut capture = Capture::start(&stage, &inside, &[]);
    make_and_remove(&test_cgroups, "before");
    let case = stage.outside(&inside.display().to_string());
    let deadline = Instant::now() + STORM_LIMIT;
    while made(&case).get("before") != Some(&test_cgroups.len()) {
        assert!(Instant::now() < deadline, "not in the case after {STORM_LIMIT:?}");
    }
    // A readable record has been written, but perhaps not synced: a file system that fails in
    // between may lose it.
    let on_disk = fs::File::open(&case).and_then(|case| Ok(syncfs(case)?));
    on_disk.unwrap_or_else(|error| panic!("{}: {error}", case.display()));
    // ext4 does this at an error of its own (fs/ext4/sysfs.c), whatever descriptors are open.
    fs::write(&fault, "a test").unwrap_or_else(|error| panic!("{}: {error}", fault.display()));
    let mut number = 0;
    while !capture.has_said("kept in memory") {
        assert!(Instant::now() < deadline, "it went unnoticed for {STORM_LIMIT:?}");
        make_and_remove(&test_cgroups, &format!("after-{number}"));
        number += 1;
    }
    let ended = capture.interrupt();

    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    for said in ["Read-only file system", "that records ", "may be missing", "obit-replay info"] {
        assert!(ended.stderr.contains(said), "{said}: {}", ended.stderr);
    }
    // Earlier records are still there.
    assert_eq!(made(&case).get("before"), Some(&test_cgroups.len()));
    replay::assert_verifies(&case);
}

#[test]
fn a_case_stops_at_its_size() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let test_cgroups = test_cgroups(&stage);
    let case = stage.directory().join("case");
    let mut capture = Capture::start(&stage, &case, &["--max-bytes", "200KiB"]);
    let deadline = Instant::now() + STORM_LIMIT;
    let mut number = 0;
    while !capture.has_ended() {
        assert!(Instant::now() < deadline, "still recording after {STORM_LIMIT:?}");
        make_and_remove(&test_cgroups, &format!("size-{number}"));
        number += 1;
    }
    let ended = capture.wait();
    assert!(ended.status.success(), "{}", ended.stderr);
    assert!(ended.stderr.contains("--max-bytes"), "{}", ended.stderr);
    replay::assert_verifies(&case);
}

#[test]
fn hostile_names_are_recorded_and_do_no_harm() {
    let Some(_live) = require_root(&["setpriv"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    // A slice, so that systemd could put a container's scope into it.
    let test_cgroups = test_cgroups_named(&stage, "obit-live.slice");
    let id = "5".repeat(64);
    let names: Vec<Vec<u8>> = vec![
        vec![b'n'; 255],
        b"not-utf8-\xff\xfe\x80".to_vec(),
        b"\x1b]0;owned\x07\x1b[2J".to_vec(),
        "bidi-\u{202e}\u{2066}".as_bytes().to_vec(),
        b"new\rline".to_vec(),
        b"back\\xffslash".to_vec(),
        format!("docker-{id}.scope").into_bytes(),
    ];
    // A delegated subtree, as an unprivileged user has it.
    for cgroup in &test_cgroups {
        std::os::unix::fs::chown(cgroup, Some(1000), None).expect("delegating");
    }
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    // The stage's own path: only root may look through /proc.
    let root = stage.outside("");
    let inside = |cgroup: &PathBuf| Path::new("/").join(cgroup.strip_prefix(&root).expect("a place in the stage"));
    for name in &names {
        for program in ["mkdir", "rmdir"] {
            let mut command = stage.command("setpriv");
            command.args(["--reuid=1000", "--clear-groups", program, "--"]);
            command.args(test_cgroups.iter().map(|cgroup| inside(cgroup).join(OsStr::from_bytes(name))));
            let status = command.status().expect("setpriv runs");
            assert!(status.success(), "{program} {}: {status}", String::from_utf8_lossy(name));
        }
    }
    capture.stop();

    let made = made(&case);
    for name in &names {
        let name = escape(name).into_owned();
        assert_eq!(made.get(&name), Some(&test_cgroups.len()), "{name:?} is recorded as it is, escaped");
    }
    replay::assert_verifies(&case);
    let case = case.display().to_string();
    for arguments in [&["derive", &case][..], &["info", &case], &["explain", &case, &id[..8]], &["verify", &case]] {
        let output = replay::replay(arguments);
        assert!(output.status.success(), "{output:?}");
        for said in [&output.stdout, &output.stderr] {
            let said = String::from_utf8(said.clone()).expect("UTF-8");
            let steers = |letter: char| letter.is_control() && letter != '\n' || "\u{202e}\u{2066}".contains(letter);
            assert!(!said.contains(steers), "{arguments:?} lets a name steer the terminal: {said:?}");
        }
    }
    // A user with a subtree can give a directory the name of a container.
    let rows = replay::derived_rows(Path::new(&case), "container_remove");
    let forged: Vec<_> = rows.iter().filter(|row| text(row, "container_id") == id).collect();
    assert_eq!(forged.len(), 1, "{forged:?}");
    assert_eq!(text(forged[0], "identified_by"), "path", "nobody but the path says so: {}", forged[0]);
    let conflicts = forged[0]["conflicts"].as_array().expect("a list");
    assert!(conflicts.contains(&"path: made by uid 1000, no runtime backs it".into()), "{}", forged[0]);
}

/// Writes files until nothing fits any more; the last one is empty or partly written.
fn fill(disk: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    loop {
        files.push(disk.join(format!("ballast-{}", files.len())));
        if fs::write(&files[files.len() - 1], [0; 4096]).is_err() {
            return files;
        }
    }
}

/// Makes directories `full-0`, `full-1` and so on until the capture reports that it cannot write.
/// Returns their number.
fn make_and_remove_until_it_complains(capture: &mut Capture, test_cgroups: &[PathBuf]) -> usize {
    let deadline = Instant::now() + STORM_LIMIT;
    let mut number = 0;
    while !capture.has_said("kept in memory") {
        assert!(Instant::now() < deadline, "a full disk went unnoticed for {STORM_LIMIT:?}");
        make_and_remove(test_cgroups, &format!("full-{number}"));
        number += 1;
    }
    number
}

/// Makes and removes directories until `stop` is set. Returns their names and the times.
fn load(test_cgroups: &[PathBuf], round: u64, stop: &AtomicBool) -> Vec<(String, Duration)> {
    let mut created = Vec::new();
    while !stop.load(Relaxed) {
        let name = format!("kill-{round}-{}", created.len());
        make_and_remove(test_cgroups, &name);
        created.push((name, boot()));
    }
    created
}

/// Contents of a case's raw log.
#[derive(Debug, Default)]
struct RawLog {
    by_kind: BTreeMap<String, u64>,
    lost: BTreeMap<String, u64>,
    /// Seq of the first loss that leaves a gap in the life of a container whose init was not there.
    first_loss: Option<u64>,
    /// Number of creations, by the last component of the path.
    made: BTreeMap<String, usize>,
}

fn read(case: &Path) -> RawLog {
    let case = Case::open(case).expect("a case");
    let mut recorded = RawLog::default();
    let mut records = case.records();
    records
        .for_each(|record| -> Result<(), obit_case::Error> {
            match &record.body {
                Body::Cgroup(event) => {
                    *recorded.by_kind.entry(event.kind.as_str().to_owned()).or_default() += 1;
                    if event.kind == CgroupEventKind::Mkdir {
                        let name = event.path.rsplit('/').next().unwrap_or_default();
                        *recorded.made.entry(name.to_owned()).or_default() += 1;
                    }
                }
                Body::Lost(loss) => {
                    let kind = loss.kind.map_or("unknown", |kind| kind.as_str());
                    *recorded.lost.entry(kind.to_owned()).or_default() += loss.count;
                    // Lost events of processes are no loss for a cgroup that stayed empty.
                    let of_processes = [KernelEventKind::Attach, KernelEventKind::Exec, KernelEventKind::Exit];
                    if !loss.kind.is_some_and(|kind| of_processes.contains(&kind)) {
                        recorded.first_loss.get_or_insert(record.seq.0);
                    }
                }
                body => {
                    let kind = match body {
                        Body::Attach(_) => KernelEventKind::Attach,
                        Body::Exec(_) => KernelEventKind::Exec,
                        Body::Exit(_) => KernelEventKind::Exit,
                        Body::Signal(_) => KernelEventKind::Signal,
                        Body::Oom(_) => KernelEventKind::Oom,
                        _ => return Ok(()),
                    };
                    *recorded.by_kind.entry(kind.as_str().to_owned()).or_default() += 1;
                }
            }
            Ok(())
        })
        .expect("records");
    recorded
}

fn made(case: &Path) -> BTreeMap<String, usize> {
    read(case).made
}

/// Returns the digest of the recorded rows that a verification prints.
fn digest(said: &str) -> String {
    let after = said.split("case: ").nth(1).expect("a line about the case");
    after.split_whitespace().find(|word| word.len() == 64).expect("a digest").to_owned()
}

/// Reads CLOCK_BOOTTIME.
fn boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).expect("below a second"))
}

/// Numbers that differ from run to run; each failure's text shows them.
struct Random(u64);

impl Random {
    fn new() -> Self {
        Self(u64::try_from(boot().as_nanos()).expect("an uptime") | 1)
    }

    /// xorshift64 (Marsaglia, "Xorshift RNGs").
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

#[test]
fn a_user_who_makes_more_than_a_share_is_named_and_root_s_containers_are_all_there() {
    let Some(_live) = require_root(&["setpriv", "xargs"]) else { return };
    const SHARE: u64 = 4_096;
    const MORE: u64 = 50;
    let stage = Stage::new(CgroupView::V2Only);
    let ours = stage.outside("/sys/fs/cgroup/obit-live-shares");
    // A slice, so that systemd could put containers' scopes into it.
    let given = ours.join("given.slice");
    fs::create_dir_all(&given).expect("a subtree");
    let _removed = RemovedAtEnd(ours.clone());
    std::os::unix::fs::chown(&given, Some(1000), None).expect("delegating");
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let flood = |program: &str| {
        let script = format!(
            "cd /sys/fs/cgroup/obit-live-shares/given.slice && \
             printf 'docker-%064x.scope\\n' $(seq 1 {}) | xargs -n 500 {program}",
            SHARE + MORE
        );
        let mut command = stage.command("setpriv");
        let status = command.args(["--reuid=1000", "--clear-groups", "sh", "-c", &script]).status();
        assert!(status.expect("setpriv runs").success(), "{script}");
    };
    flood("mkdir");
    let root_s: Vec<PathBuf> =
        (0..20_u64).map(|number| ours.join("docker").join(format!("{:064x}", 1 << 60 | number))).collect();
    for root in &root_s {
        fs::create_dir_all(root).expect("a container of root's");
        fs::remove_dir(root).expect("its end");
    }
    flood("rmdir");
    let end = capture.interrupt();
    assert_eq!(end.status.code(), Some(3), "the recorder says that it did not follow everything: {}", end.stderr);
    assert!(end.stderr.contains(&format!("{MORE} directories of user 1000")), "{}", end.stderr);
    let manifest: Value = serde_json::from_slice(&fs::read(case.join("case.json")).expect("a case")).expect("JSON");
    assert_eq!(manifest["recorder"]["directories_not_followed"], serde_json::json!({"1000": MORE}));
    let removed = replay::derived_rows(&case, "container_remove");
    let is_root_s = |row: &&Value| text(row, "cgroup_path").starts_with("/obit-live-shares/docker/");
    assert_eq!(removed.iter().filter(is_root_s).count(), root_s.len());
    replay::assert_verifies(&case);
}

#[test]
fn a_user_who_floods_a_recording_is_thinned_named_and_takes_no_container_from_it() {
    let Some(_live) = require_root(&["setpriv", "xargs"]) else { return };
    /// Bytes that are recorded at once and a second, and those that an event counts for: itself, and
    /// its path of 250 bytes in two directories.
    const BURST_BYTES: u64 = 640 << 10;
    const BYTES_PER_SECOND: u64 = 64 << 10;
    const EVENT_BYTES: u64 = 64 + 250 + "/obit-live-flood/given/".len() as u64;
    const ROUNDS: u64 = 8;
    const DIRECTORIES: u64 = 2_000;
    let stage = Stage::new(CgroupView::V2Only);
    let ours = stage.outside("/sys/fs/cgroup/obit-live-flood");
    let given = ours.join("given");
    fs::create_dir_all(&given).expect("a subtree");
    let _removed = RemovedAtEnd(ours.clone());
    std::os::unix::fs::chown(&given, Some(65534), None).expect("delegating");
    let case = stage.directory().join("case");
    let began = Instant::now();
    let capture = Capture::start(&stage, &case, &["--max-bytes", "16MiB", "--when-full", "drop-oldest"]);
    // Names as long as they may be; nothing is a container's.
    let script = format!(
        "cd /sys/fs/cgroup/obit-live-flood/given && for round in $(seq {ROUNDS}); do \
         for what in mkdir rmdir; do printf '%0250d\\n' $(seq {DIRECTORIES}) | xargs -n 200 $what; done; done"
    );
    let mut command = stage.command("setpriv");
    command.args(["--reuid=65534", "--clear-groups", "--bounding-set=-all", "--inh-caps=-all", "sh", "-c", &script]);
    let mut flood = command.spawn().expect("setpriv runs");
    let mut root_s = 0_u64;
    while root_s < 200 {
        let path = ours.join("docker").join(format!("{:064x}", 1 << 60 | root_s));
        fs::create_dir_all(&path).expect("a container of root's");
        fs::remove_dir(path).expect("its end");
        root_s += 1;
    }
    assert!(flood.wait().expect("a child").success(), "{script}");
    let seconds = began.elapsed().as_secs() + 1;
    let end = capture.interrupt();
    assert_eq!(end.status.code(), Some(3), "the recorder says that it did not record everything: {}", end.stderr);
    let manifest: Value = serde_json::from_slice(&fs::read(case.join("case.json")).expect("a case")).expect("JSON");
    let thinned = manifest["recorder"]["events_thinned"]["65534"].as_u64().expect("the user is named");
    let made = 2 * ROUNDS * DIRECTORIES;
    // The last walk may begin before the last removals are admitted, which are recorded then.
    let least = made - (BURST_BYTES + BYTES_PER_SECOND * seconds) / EVENT_BYTES - DIRECTORIES;
    assert!((least..=made - BURST_BYTES / EVENT_BYTES).contains(&thinned), "{thinned} of {made} in {seconds} s");
    assert!(end.stderr.contains(&format!("{thinned} events of user 65534")), "{}", end.stderr);
    // What is not recorded is told by records, and nothing counts as lost.
    let counts = &manifest["counts"]["by_kind"];
    let recorded: u64 = ["cgroup_mkdir", "cgroup_rmdir"].iter().filter_map(|kind| counts[*kind].as_u64()).sum();
    assert!(recorded >= made - thinned + 2 * root_s, "{recorded} of {made} less {thinned}");
    assert!(counts["thinned"].as_u64() >= Some(1) && manifest["counts"]["lost"] == 0, "{manifest}");
    let removed = replay::derived_rows(&case, "container_remove");
    let is_root_s = |row: &&Value| text(row, "cgroup_path").starts_with("/obit-live-flood/docker/");
    assert_eq!(removed.iter().filter(is_root_s).count() as u64, root_s);
    replay::assert_verifies(&case);
    let info = replay::replay(&["info", &case.display().to_string()]);
    assert!(String::from_utf8_lossy(&info.stdout).contains("events_thinned"), "{info:?}");
}

#[test]
fn a_user_who_floods_a_recording_with_signals_is_thinned_and_takes_no_end_from_it() {
    let Some(_live) = require_root(&["setpriv", "unshare", "runc"]) else { return };
    /// Bytes that are recorded at once and a second, and the least that a signal counts for.
    const BURST_BYTES: u64 = 640 << 10;
    const BYTES_PER_SECOND: u64 = 64 << 10;
    const EVENT_BYTES: u64 = 64;
    const SIGNALS: u64 = 60_000;
    const CONTAINERS: usize = 5;
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let case = stage.directory().join("case");
    let began = Instant::now();
    let capture = Capture::start(&stage, &case, &[]);
    // The first process of a pid namespace, which is in no container, signals itself. Root makes the
    // namespace, since some hosts let nobody else do so.
    let script = format!("trap '' TERM; for number in $(seq {SIGNALS}); do kill -TERM $$; done");
    let mut command = stage.command("unshare");
    command.args(["--pid", "--fork", "setpriv", "--reuid=65534", "--clear-groups", "sh", "-c", &script]);
    let mut flood = command.spawn().expect("unshare runs");
    let ids: Vec<_> = (0..CONTAINERS).map(|number| format!("obit-live-flood-{number}")).collect();
    ids.iter().for_each(|id| runc.run_short(id, None));
    assert!(flood.wait().expect("a child").success(), "{script}");
    let seconds = began.elapsed().as_secs() + 1;
    let end = capture.interrupt();
    assert_eq!(end.status.code(), Some(3), "the recorder says that it did not record everything: {}", end.stderr);
    let manifest = manifest(&case);
    let thinned = manifest["recorder"]["events_thinned"]["65534"].as_u64().expect("the user is named");
    let least = SIGNALS - (BURST_BYTES + BYTES_PER_SECOND * seconds) / EVENT_BYTES;
    assert!((least..SIGNALS).contains(&thinned), "{thinned} in {seconds} s");
    assert_eq!(manifest["counts"]["lost"], 0, "{manifest}");
    let recorded = manifest["counts"]["by_kind"]["fatal_signal"].as_u64().expect("a burst is recorded");
    assert!(recorded + thinned >= SIGNALS, "{recorded} and {thinned}");
    let exits = replay::derived_rows(&case, "container_exit");
    for id in &ids {
        let row = exits.iter().find(|row| text(row, "container_id") == id).unwrap_or_else(|| panic!("no exit of {id}"));
        assert_eq!(text(row, "cause"), "exited", "{row}");
    }
    replay::assert_verifies(&case);
}

/// A directory of cgroups that goes with those in it, two levels deep.
struct RemovedAtEnd(PathBuf);

impl Drop for RemovedAtEnd {
    fn drop(&mut self) {
        for child in fs::read_dir(&self.0).into_iter().flatten().flatten() {
            for grandchild in fs::read_dir(child.path()).into_iter().flatten().flatten() {
                let _ = fs::remove_dir(grandchild.path());
            }
            let _ = fs::remove_dir(child.path());
        }
        let _ = fs::remove_dir(&self.0);
    }
}
