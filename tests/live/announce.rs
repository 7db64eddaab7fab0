//! Rows that a capture announces while it records, and targets that take few of them or none.

use std::fs;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use obit_test_engines::{CgroupView, SmallDisk, Stage, require_root, wait_until};
use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::{Value, json};

use crate::support::capture::Capture;
use crate::support::replay;
use crate::support::rows::manifest;

/// Size at which a file of announcements is rotated, in bytes.
const ROTATED_BYTES: u64 = 64 << 20;

/// Directories that are containers of docker by their names, and nothing ever ran in.
struct EmptyContainers {
    parent: PathBuf,
}

impl EmptyContainers {
    fn new(stage: &Stage) -> Self {
        let parent = stage.outside("/sys/fs/cgroup/obit-live-announce/docker");
        fs::create_dir_all(&parent).expect("a subtree");
        Self { parent }
    }

    fn make_and_remove(&self, count: u64) {
        for number in 0..count {
            let directory = self.parent.join(format!("{:064x}", 1 << 60 | number));
            fs::create_dir(&directory).expect("a container");
            fs::remove_dir(&directory).expect("its end");
        }
    }
}

impl Drop for EmptyContainers {
    fn drop(&mut self) {
        let _ = fs::remove_dir(&self.parent);
        let _ = self.parent.parent().map(fs::remove_dir);
    }
}

/// Returns the rows of a case in a format, sorted: an export goes table by table, announcements in
/// the order of decisions.
fn exported(case: &Path, format: &str) -> Vec<String> {
    let output = replay::replay(&["export", &case.display().to_string(), "--to", format]);
    assert!(output.status.success(), "{output:?}");
    sorted(&String::from_utf8(output.stdout).expect("UTF-8"))
}

fn sorted(text: &str) -> Vec<String> {
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

fn announcements(case: &Path) -> (u64, u64) {
    let counts = &manifest(case)["recorder"]["announcements"];
    let count = |name: &str| counts[name].as_u64().unwrap_or_else(|| panic!("{name} of {counts}"));
    (count("written"), count("missing"))
}

#[test]
fn a_file_gets_the_lines_of_an_export_and_is_rotated() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let containers = EmptyContainers::new(&stage);
    let (case, path) = (stage.directory().join("case"), stage.directory().join("rows.jsonl"));
    // As large as it may get: the first row begins another file, which the process must be able to
    // do when it is confined.
    fs::File::create(&path).and_then(|file| file.set_len(ROTATED_BYTES)).expect("a file");
    let target = format!("file:{}", path.display());
    let capture = Capture::start(&stage, &case, &["--announce", &target, "--announce-format", "otlp"]);
    containers.make_and_remove(20);
    let text = || fs::read_to_string(&path).unwrap_or_default();
    wait_until("rows while it records", || text().lines().count() >= 40);
    capture.stop();

    let lines = sorted(&text());
    assert_eq!(lines, exported(&case, "otlp"));
    assert_eq!(announcements(&case), (lines.len() as u64, 0));
    let older = fs::metadata(stage.directory().join("rows.jsonl.1")).expect("the older file");
    assert_eq!(older.len(), ROTATED_BYTES);
    replay::assert_verifies(&case);
}

/// Returns the fields of an entry in the journal's native protocol, all by their length.
fn fields(mut entry: &[u8]) -> Value {
    let mut found = json!({});
    while !entry.is_empty() {
        let name_end = entry.iter().position(|byte| *byte == b'\n').expect("a name");
        let (name, rest) = entry.split_at(name_end);
        let (length, rest) = rest[1..].split_at(8);
        let length = u64::from_le_bytes(length.try_into().expect("8 bytes")) as usize;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("UTF-8");
        found[text(name)] = text(&rest[..length]).into();
        assert_eq!(rest[length], b'\n', "the end of {}", text(name));
        entry = &rest[length + 1..];
    }
    found
}

#[test]
fn the_journal_gets_an_entry_for_each_end() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let containers = EmptyContainers::new(&stage);
    let case = stage.directory().join("case");
    // Nobody listens yet.
    let end = Capture::spawn(&stage, &case, &["--announce", "journal"]).wait();
    assert_eq!(end.status.code(), Some(2), "{}", end.stderr);
    assert!(end.stderr.contains("cannot announce rows (--announce)") && !case.exists(), "{}", end.stderr);

    fs::create_dir_all(stage.outside("/run/systemd/journal")).expect("a directory");
    let journal = UnixDatagram::bind(stage.outside("/run/systemd/journal/socket")).expect("the journal's socket");
    journal.set_read_timeout(Some(Duration::from_secs(60))).expect("a timeout");
    let capture = Capture::start(&stage, &case, &["--announce", "journal"]);
    containers.make_and_remove(3);
    let mut buffer = [0; 65_536];
    let mut next = || journal.recv(&mut buffer).map(|length| fields(&buffer[..length])).expect("an entry");
    let entries = [next(), next(), next()];
    capture.stop();
    assert_eq!(announcements(&case), (3, 0));
    for (entry, row) in entries.iter().zip(replay::derived_rows(&case, "container_remove")) {
        assert_eq!((&entry["CONTAINER_ID_FULL"], &entry["OBIT_TS"]), (&row["container_id"], &row["ts"]), "{entry:#}");
        assert_eq!((&entry["OBIT_EVENT"], &entry["OBIT_CAUSE"]), (&"container_remove".into(), &row["cause"]));
        assert_eq!(entry["OBIT_SEQ"], row["seq"].to_string());
        let message = entry["MESSAGE"].as_str().expect("a sentence");
        assert!(message.starts_with("docker container 0000") && message.contains("never started"), "{message}");
    }
}

/// Records containers that a target does not take, and asserts that the case has all of them.
fn records_all_though_the_target_takes_few(stage: &Stage, target: &Path) -> (u64, u64) {
    const COUNT: u64 = 150;
    let containers = EmptyContainers::new(stage);
    let case = stage.directory().join("case");
    let capture = Capture::start(stage, &case, &["--announce", &format!("file:{}", target.display())]);
    containers.make_and_remove(COUNT);
    let end = capture.interrupt();
    assert!(end.status.success(), "the case lacks nothing: {}", end.stderr);
    let (written, missing) = announcements(&case);
    assert!(end.stderr.contains(&format!("{missing} rows were not announced to file:")), "{}", end.stderr);
    let rows: usize =
        ["container_create", "container_remove"].map(|event| replay::derived_rows(&case, event).len()).iter().sum();
    assert_eq!(rows as u64, 2 * COUNT);
    assert_eq!(written + missing, exported(&case, "ecs").len() as u64);
    replay::assert_verifies(&case);
    (written, missing)
}

#[test]
fn a_fifo_whose_reader_hangs_lacks_rows_and_the_case_has_them() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let path = stage.directory().join("fifo");
    mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a FIFO");
    // It has the FIFO open, and never reads.
    let _reader = fs::File::options().read(true).write(true).open(&path).expect("its reader");
    let (written, missing) = records_all_though_the_target_takes_few(&stage, &path);
    // A pipe takes 64 KiB (pipe(7)); a line has half a KiB to two.
    assert!((30..150).contains(&written) && missing > 100, "{written} written, {missing} missing");
}

#[test]
fn a_full_disk_lacks_rows_and_the_case_has_them() {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let disk = SmallDisk::mount(&stage, "64k");
    let (written, missing) = records_all_though_the_target_takes_few(&stage, &disk.inside.join("rows"));
    // A line has half a KiB to two.
    assert!((30..150).contains(&written) && missing > 100, "{written} written, {missing} missing");
    let text = fs::read_to_string(disk.outside.join("rows")).expect("what did fit");
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("a whole line")).collect();
    assert_eq!((lines.len() as u64, text.ends_with('\n')), (written, true));
}
