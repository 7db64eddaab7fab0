//! Profiles: the rows that another tool's rules give for the same recording.

use obit_derivation::record::{CgroupEventKind, CgroupId, CgroupKey, HierarchyId};
use serde_json::{Value, json};

use crate::case::{self, Recorder, id};
use crate::program::replay;

/// Columns that Tracee's rules fill in a row of container_remove, in file order.
const FILLED: &[&str] = &[
    "runtime",
    "container_id",
    "seq",
    "ts",
    "boot_ns",
    "hierarchy_id",
    "cgroup_id",
    "cgroup_path",
    "cgroup_path_truncated",
    "removed_by_pid",
    "removed_by_uid",
    "removed_by_comm",
    "rmdir_seq",
    "evidence_seqs",
];

/// Records a case in which `a` has systemd's `init.scope` inside, made and removed, and a service
/// has a name like a container's.
fn nested() -> case::RecordedCase {
    let mut recorder = Recorder::new();
    let a = recorder.begin(&id('a'));
    for (cgroup, path) in [
        (1_001, format!("/docker/{}/init.scope", id('a'))),
        (1_002, "/system.slice/docker-prune-unused-images.service".to_owned()),
    ] {
        recorder.event(CgroupEventKind::Mkdir, cgroup, &path, &["systemd"]);
        recorder.event(CgroupEventKind::Rmdir, cgroup, &path, &["systemd"]);
    }
    recorder.end(&id('a'), a);
    recorder.close()
}

#[test]
fn nested_cgroups_are_further_ends_by_tracees_rules_and_not_by_obits() {
    let case = nested();
    let ends = |profile| {
        let run = replay(["derive", case.arg(), "--profile", profile, "--format", "jsonl"]).expect_code(0);
        let text = |value: &Value| value.as_str().expect("text").to_owned();
        let ends = run.json_lines().iter().map(|row| (text(&row["container_id"]), text(&row["cgroup_path"]))).collect();
        let ends: Vec<(String, String)> = ends;
        ends
    };
    let root = (id('a'), format!("/docker/{}", id('a')));
    assert_eq!(ends("strict"), std::slice::from_ref(&root));
    let inside = (id('a'), format!("/docker/{}/init.scope", id('a')));
    let service =
        ("prune-unused-images.service".to_owned(), "/system.slice/docker-prune-unused-images.service".to_owned());
    assert_eq!(ends("tracee"), [inside, service, root]);
}

#[test]
fn rows_have_the_columns_that_the_profile_fills_in_every_format() {
    let case = nested();
    let run = replay(["derive", case.arg(), "--profile", "tracee", "--format", "jsonl"]).expect_code(0);
    for row in run.json_lines() {
        // The text of the line: a map of JSON values forgets the order.
        assert_eq!(row.as_object().expect("an object").len(), FILLED.len());
        // Nothing was cut.
        assert!(FILLED.iter().all(|column| row[*column].is_null() == (*column == "cgroup_path_truncated")), "{row}");
    }
    let run = replay(["derive", case.arg(), "--profile", "tracee", "--format", "csv"]).expect_code(0);
    assert_eq!(run.stdout.lines().next(), Some(FILLED.join(",").as_str()));
    let directory = tempfile::tempdir().expect("a directory");
    let file = directory.path().join("rows.parquet");
    let output = file.to_str().expect("UTF-8");
    replay(["derive", case.arg(), "--profile", "tracee", "--format", "parquet", "--output", output]).expect_code(0);
    let reader = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(
        std::fs::File::open(&file).expect("the output"),
    )
    .expect("Parquet");
    let names: Vec<_> = reader.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(names, FILLED);
    let run = replay(["derive", case.arg(), "--profile", "tracee"]).expect_code(0);
    assert!(run.stdout.contains("/docker/aaaaaaaaaaaa…/init.scope"), "{run:#?}");
    assert_eq!(run.stderr, "3 rows of container_remove by the rules of tracee\n");
}

#[test]
fn the_profiles_differ_on_one_case_in_the_rows_that_only_one_of_them_has() {
    let case = nested();
    let run = replay(["diff", case.arg(), "--profile-a", "tracee", "--profile-b", "strict"]).expect_code(1);
    let lines: Vec<_> = run.stdout.lines().map(str::trim).collect();
    for line in [
        "container_remove: different (3 rows in tracee, 1 in strict)",
        "container_create: different (2 rows in tracee, 1 in strict)",
        "existing_container: same (0 rows in tracee, 0 in strict)",
        "container_remove: 2 rows differ",
        "container aaaaaaaaaaaa is in tracee only",
        &format!("cgroup_path \"/docker/{}/init.scope\"", id('a')),
        "container prune-unused-images.service is in tracee only",
        "different",
    ] {
        assert!(lines.contains(&line), "{line:?} is not in {}", run.stdout);
    }
    let not_compared = lines.iter().find(|line| line.starts_with("not compared")).expect("a line");
    for column in ["hierarchy_id", "cgroup_id", "seq"] {
        assert!(not_compared.contains(column), "{not_compared}");
    }
    assert!(
        not_compared.ends_with("and what tracee does not give") && !not_compared.contains("image"),
        "{not_compared}"
    );
    // Both profiles give the row of the root, so it is not shown.
    assert!(!lines.contains(&format!("cgroup_path \"/docker/{}\"", id('a')).as_str()), "{}", run.stdout);
    // The other way round, and with the default for the other side.
    let run = replay(["diff", case.arg(), "--profile-b", "tracee"]).expect_code(1);
    assert!(run.stdout.contains("prune-unused-images.service is in tracee only"), "{run:#?}");
    replay(["diff", case.arg(), "--profile-a", "tracee", "--profile-b", "tracee"]).expect_code(0);
}

#[test]
fn two_cases_can_be_compared_by_one_profile() {
    let (nested, copy) = (nested(), nested());
    let both = ["--profile-a", "tracee", "--profile-b", "tracee"];
    replay([&["diff", nested.arg(), copy.arg()][..], &both].concat()).expect_code(0);
    let other = case::everyday().close();
    let run = replay([&["diff", nested.arg(), other.arg()][..], &both].concat()).expect_code(1);
    assert!(run.stdout.contains("(3 rows in A, 5 in B)"), "{run:#?}");
}

#[test]
fn of_a_hybrid_host_tracee_sees_the_cpuset_hierarchy_only() {
    let host = json!({"hierarchies": [
        {"id": 4, "version": "v1", "controllers": ["memory"], "mount_point": "/sys/fs/cgroup/memory"},
        {"id": 3, "version": "v1", "controllers": ["cpuset"], "mount_point": "/sys/fs/cgroup/cpuset"},
        {"id": 0, "version": "v2", "controllers": [], "mount_point": "/sys/fs/cgroup/unified"},
    ]});
    let mut recorder = Recorder::on_host(1 << 20, host);
    let path = format!("/docker/{}", id('a'));
    for kind in [CgroupEventKind::Mkdir, CgroupEventKind::Rmdir] {
        for hierarchy in [4, 3, 0] {
            let key = CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(100) };
            recorder.event_on(kind, key, &path, &["runc"]);
        }
    }
    let case = recorder.close();
    let hierarchies = |profile| {
        let run = replay(["derive", case.arg(), "--profile", profile, "--format", "jsonl"]).expect_code(0);
        run.json_lines().iter().map(|row| row["hierarchy_id"].as_u64()).collect::<Vec<_>>()
    };
    assert_eq!(hierarchies("tracee"), [Some(3)]);
    assert_eq!(hierarchies("strict"), [Some(0)]);
    // Both say that the container ended once: no difference.
    replay(["diff", case.arg(), "--profile-a", "tracee"]).expect_code(0);
    replay(["diff", case.arg(), "--profile-a", "tracee", "--all-columns"]).expect_code(1);
}

#[test]
fn without_the_hosts_hierarchies_tracees_rules_cannot_be_followed() {
    let case = Recorder::on_host(1 << 20, json!({})).close();
    let directory = tempfile::tempdir().expect("a directory");
    let output = directory.path().join("rows.csv");
    let arguments = ["derive", case.arg(), "--profile", "tracee", "--format", "csv", "--output"];
    let run = replay(arguments.iter().map(std::path::Path::new).chain([output.as_path()])).expect_code(2);
    run.expect_one_error(&["host.hierarchies", "tracee"]);
    assert!(!output.exists(), "an empty file was left behind");
    replay(["diff", case.arg(), "--profile-b", "tracee"]).expect_code(2).expect_one_error(&["host.hierarchies"]);
    replay(["derive", case.arg()]).expect_code(0);
}

#[test]
fn a_profile_that_does_not_exist_is_named() {
    replay(["derive", "c", "--profile", "falco"]).expect_code(2).expect_one_error(&["falco", "--help"]);
    let help = replay(["derive", "--help"]).expect_code(0);
    assert!(help.stdout.contains("--profile") && help.stdout.contains("[default: strict]"), "{help:#?}");
}
