//! A host with 100,000 live cgroups: the first walk reads all of them in little memory, and later
//! ends are seen. The cgroups are first those inside a thousand containers, then as many
//! containers.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use obit_case::Case;
use obit_derivation::record::{Body, SnapshotReason};
use obit_schema::Table;
use obit_schema::decode::CgroupfsView;
use obit_test_engines::{CgroupView, Stage, require_root};

use crate::support::capture::Capture;
use crate::support::replay;

/// Containers that end while the capture runs.
const ENDING: usize = 10;
/// Most resident memory that the capture may have: a quarter of a GiB, half of what the packages'
/// unit and manifest allow.
const MOST_MEMORY_BYTES: u64 = 256 << 20;

#[test]
fn a_hundred_thousand_cgroups_of_a_thousand_containers_are_there_at_the_start() {
    // Containers that run a systemd of their own have as many.
    assert_all_are_recorded(1_000, 99);
}

#[test]
fn a_hundred_thousand_containers_are_there_at_the_start() {
    assert_all_are_recorded(100_000, 0);
}

/// Makes so many containers with so many directories in each, and records them.
fn assert_all_are_recorded(containers: usize, inside_each: usize) {
    let Some(_live) = require_root(&[]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let many = ManyCgroups::new(&stage.outside("/sys/fs/cgroup/obit-live-many"), containers, inside_each);

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    for number in 0..ENDING {
        many.end(number);
    }
    let peak = capture.peak_memory_bytes();
    assert!(peak <= MOST_MEMORY_BYTES, "{peak} bytes were resident at the peak, more than {MOST_MEMORY_BYTES}");
    capture.stop();
    println!("{} cgroups, {} KiB resident at the peak", containers * (1 + inside_each), peak >> 10);

    // Paths that the first walk read; nothing was made or removed before it was over.
    let read = first_walk(&case);
    let ours: BTreeSet<_> = read.iter().filter(|path| path.starts_with("/obit-live-many/docker/")).collect();
    assert_eq!(ours.len(), containers * (1 + inside_each), "directories of the first walk");
    for number in 0..containers {
        let root = format!("/obit-live-many/docker/{}", id(number));
        assert!(ours.contains(&root), "{root} is missing");
        if let Some(last) = inside_each.checked_sub(1) {
            assert!(ours.contains(&format!("{root}/{last}")), "the last directory inside {root} is missing");
        }
    }

    assert_eq!(ids(&case, "existing_container"), (0..containers).map(id).collect::<BTreeSet<_>>());
    let removed = replay::derived_rows(&case, "container_remove");
    assert_eq!(removed.len(), ENDING, "a directory inside a container ends nothing: {removed:#?}");
    assert_eq!(ids(&case, "container_remove"), (0..ENDING).map(id).collect::<BTreeSet<_>>());
    replay::assert_verifies(&case);
}

/// Returns an id like Docker's; ids differ in their first digits.
fn id(number: usize) -> String {
    format!("{number:08x}").repeat(8)
}

/// Returns the ids of the test's containers that an event has rows of.
fn ids(case: &Path, event: &str) -> BTreeSet<String> {
    let is_ours = |path: &str| path.starts_with("/obit-live-many/");
    let mut rows = replay::derived_rows(case, event);
    rows.retain(|row| row["cgroup_path"].as_str().is_some_and(is_ours));
    rows.iter().map(|row| row["container_id"].as_str().expect("never null").to_owned()).collect()
}

/// Returns the paths of raw/cgroupfs that the walk at the start read.
fn first_walk(case: &Path) -> Vec<String> {
    let case = Case::open(case).expect("a case");
    let mut paths = Vec::new();
    for batch in case.batches(Table::Cgroupfs) {
        let view = CgroupfsView::new(&batch.expect("a batch")).expect("its columns");
        for row in 0..view.len() {
            let Body::Directory(directory) = view.get(row).expect("a row").body else { continue };
            if directory.reason == SnapshotReason::Start {
                paths.push(directory.path.into_owned());
            }
        }
    }
    paths
}

/// Cgroup directories, removed when dropped.
struct ManyCgroups {
    top: PathBuf,
    inside_each: usize,
}

impl ManyCgroups {
    fn new(top: &Path, containers: usize, inside_each: usize) -> Self {
        let many = Self { top: top.to_owned(), inside_each };
        // Directories of a run that was killed.
        many.remove();
        for number in 0..containers {
            let root = many.root(number);
            fs::create_dir_all(&root).unwrap_or_else(|error| panic!("mkdir {}: {error}", root.display()));
            for inside in 0..inside_each {
                fs::create_dir(root.join(inside.to_string())).expect("a directory inside a container");
            }
        }
        many
    }

    fn root(&self, number: usize) -> PathBuf {
        self.top.join("docker").join(id(number))
    }

    fn end(&self, number: usize) {
        let root = self.root(number);
        for inside in 0..self.inside_each {
            fs::remove_dir(root.join(inside.to_string())).expect("a directory inside a container");
        }
        fs::remove_dir(&root).expect("the container's own directory");
    }

    /// Removes the directories that exist; they hold no process.
    fn remove(&self) {
        let remove_all = |directory: &Path| {
            for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    let _ = fs::remove_dir(entry.path());
                }
            }
            let _ = fs::remove_dir(directory);
        };
        for entry in fs::read_dir(self.top.join("docker")).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                remove_all(&entry.path());
            }
        }
        remove_all(&self.top.join("docker"));
        remove_all(&self.top);
    }
}

impl Drop for ManyCgroups {
    fn drop(&mut self) {
        self.remove();
    }
}
