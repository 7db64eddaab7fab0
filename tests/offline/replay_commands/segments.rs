//! A recording that is cut into segments, as the commands show it.

use obit_case::Case;
use obit_case::writer::WriterOptions;
use obit_derivation::WallNs;
use obit_derivation::record::CgroupEventKind::Mkdir;

use crate::case::{Recorder, START_NS, STEP_NS, id};
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

/// A time leaves the rows that it leaves of the whole, and earlier segments are not read for it.
#[test]
fn rows_of_a_time_do_not_need_the_segments_before_it() {
    let mut recorder = Recorder::in_segments(WriterOptions::default());
    recorder.walk(&[]);
    let long = recorder.begin(&id('1'));
    let path = format!("/docker/{}", id('1'));
    let mut carried_from = 3;
    for digit in ['2', '3', '4', '5'] {
        recorder.live(&id(digit));
        recorder.cut(8);
        carried_from = recorder.carry(carried_from, Mkdir, long, &path, &["runc"]);
        recorder.walk(&[]);
    }
    recorder.live(&id('6'));
    recorder.end(&id('1'), long);
    let case = recorder.close();
    let rows = |event: &str, arguments: &[&str]| {
        let arguments = [&["derive", case.arg(), "--event", event, "--format", "jsonl"], arguments].concat();
        replay(arguments).expect_code(0).stdout
    };
    let ts = |line: &str| serde_json::from_str::<serde_json::Value>(line).expect("JSON")["ts"].to_string();
    for event in ["container_create", "container_exit", "container_remove", "existing_container"] {
        let whole = rows(event, &[]);
        for millisecond in (0..50).step_by(3) {
            let since = format!("2009-02-13T23:31:30.{millisecond:03}000000Z");
            let late: String = whole
                .split_inclusive('\n')
                .filter(|line| ts(line).as_str() >= format!("\"{since}\"").as_str())
                .collect();
            assert_eq!(rows(event, &["--since", &since]), late, "{event} since {since}");
            // Sorted rows come another way.
            assert_eq!(rows(event, &["--since", &since, "--sort", "seq"]), late, "{event} since {since}");
        }
    }
    // Only the last segment is read for its own time, and all for a time of the first.
    let opened = Case::open(&case.path).expect("a case");
    let last = opened.manifest().expect("a manifest").segments.last().expect("a segment").first_seq;
    let first_read = |since_seq: u64| {
        let since = WallNs(START_NS + (since_seq * STEP_NS).cast_signed());
        let mut records = opened.records_since(since);
        assert!(records.advance());
        records.current(&mut Vec::new()).expect("a record").seq.0
    };
    assert_eq!((first_read(last), first_read(last - 1), first_read(0)), (last, last - 8, 0));
}
