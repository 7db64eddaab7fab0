//! A recording that is cut into segments, as the commands show it.

use obit_case::writer::WriterOptions;
use obit_derivation::record::CgroupEventKind::Mkdir;

use crate::case::{Recorder, id};
use crate::program::replay;

#[test]
fn a_container_that_lives_across_a_cut_is_one_life() {
    let mut recorder = Recorder::in_segments(WriterOptions::default());
    recorder.walk(&[]);
    let cgroup = recorder.begin(&id('1'));
    let path = format!("/docker/{}", id('1'));
    recorder.cut(8);
    // Its creation is the record after the mark of the start and the two of the walk.
    recorder.carry(3, Mkdir, cgroup, &path, &["runc"]);
    recorder.walk(&[]);
    recorder.end(&id('1'), cgroup);
    let case = recorder.close();

    let explained = replay(["explain", case.arg(), &id('1'), "--records"]).expect_code(0).stdout;
    assert!(explained.contains("life 1 of 1"), "{explained}");
    assert!(explained.contains("carried from record 3: cgroup_mkdir"), "{explained}");
    let rows = |event| replay(["derive", case.arg(), "--event", event, "--format", "jsonl"]).expect_code(0).stdout;
    assert_eq!(rows("container_create").lines().count(), 1);
    assert_eq!(rows("existing_container").lines().count(), 1);
    let removed = rows("container_remove");
    assert!(removed.lines().count() == 1 && removed.contains("\"lifetime_ns\":"), "{removed}");
    replay(["verify", case.arg()]).expect_code(0);

    let info = replay(["info", case.arg()]).expect_code(0).stdout;
    assert!(info.contains("segment 0, from record 0 on") && info.contains("segment 1, from record 5 on"), "{info}");
    assert!(!info.contains("dropped"), "{info}");
    // A record that comes again counts as carried.
    assert!(info.contains("1  carried") && info.contains("1  cgroup_mkdir"), "{info}");
}
