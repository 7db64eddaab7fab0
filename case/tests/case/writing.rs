//! The files that a writer leaves on disk, at each moment and after each failure.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use obit_case::manifest::{CaseState, ClockPair, Manifest};
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_case::{Case, Error};
use obit_derivation::record::{BootNs, RuntimeAnswer, Source, WallNs};
use obit_schema::Table;
use obit_schema::details::RuntimeDetails;
use obit_schema::encode::{EventsBuilder, RuntimeBuilder};

use crate::kit::{self, Scratch};

/// Lists every file below a directory, relative to it, sorted.
fn files(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => found.extend(files(&entry.path()).into_iter().map(|file| format!("{name}/{file}"))),
            false => found.push(name),
        }
    }
    found.sort();
    found
}

/// Returns a batch of clocks with those places.
fn clocks(seqs: impl IntoIterator<Item = u64>) -> arrow_array::RecordBatch {
    let mut builder = EventsBuilder::new();
    seqs.into_iter().for_each(|seq| builder.append(&kit::clock(seq)).unwrap());
    builder.finish().unwrap()
}

fn writer(scratch: &Scratch, options: WriterOptions) -> CaseWriter {
    CaseWriter::create(&scratch.case(), kit::manifest(), options).unwrap()
}

#[test]
fn a_closed_case_has_every_table_and_no_journal() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(18));
    let expected = [
        "SHA256SUMS",
        "case.json",
        "derived/container_create/container_create-000000.parquet",
        "derived/container_exit/container_exit-000000.parquet",
        "derived/container_remove/container_remove-000000.parquet",
        "derived/disagreement/disagreement-000000.parquet",
        "derived/existing_container/existing_container-000000.parquet",
        "raw/cgroupfs/cgroupfs-000000.parquet",
        "raw/cgroupfs/cgroupfs-000001.parquet",
        "raw/events/events-000000.parquet",
        "raw/events/events-000001.parquet",
        "raw/runtime/runtime-000000.parquet",
        "raw/runtime/runtime-000001.parquet",
    ];
    assert_eq!(files(&scratch.case()), expected);
    assert!(!scratch.file("journal").exists());
}

#[test]
fn sha256sum_agrees() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(18));
    let mut check = Command::new("sha256sum");
    let output = check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(scratch.case()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 12, "eleven parts and case.json");
}

#[test]
fn what_was_cut_and_how_questions_went_is_counted() {
    use obit_derivation::record::{Actor, Body, CgroupEvent, CgroupEventKind, CgroupKey, Outcome, Record, Usage};
    let scratch = Scratch::new();
    let event = |seq, path_truncated, argv_truncated| {
        let event = CgroupEvent {
            kind: CgroupEventKind::Mkdir,
            cpu: 0,
            key: CgroupKey::default(),
            parent: None,
            level: 1,
            path: "/a",
            path_truncated,
            actor: Actor { argv_truncated, ..Actor::default() },
            usage: Usage::default(),
        };
        Record { body: Body::Cgroup(event), ..kit::clock(seq) }
    };
    let mut builder = EventsBuilder::new();
    let records = [event(0, true, false), event(1, true, true), event(2, false, false), kit::clock(3)];
    records.iter().for_each(|record| builder.append(record).unwrap());
    let mut writer = writer(&scratch, WriterOptions::default());
    writer.append(Table::Events, &builder.finish().unwrap()).unwrap();
    let mut answers = RuntimeBuilder::new();
    for (seq, outcome) in [(4, Outcome::Timeout), (5, Outcome::Ok), (6, Outcome::Timeout)] {
        let answer = RuntimeAnswer::unanswered(Source::Docker, outcome);
        let details = RuntimeDetails { request: String::new(), latency_ns: 0, document: None };
        answers.append(&Record { body: Body::Runtime(answer), ..kit::clock(seq) }, &details).unwrap();
    }
    writer.append(Table::Runtime, &answers.finish().unwrap()).unwrap();
    let counts = writer.close(|_| {}).unwrap().counts;
    assert_eq!(counts.truncated, [("path".to_owned(), 2), ("actor_argv".to_owned(), 1)].into());
    assert_eq!(counts.outcomes, [("timeout".to_owned(), 2), ("ok".to_owned(), 1)].into());
}

#[test]
fn the_manifest_tells_what_is_there() {
    let scratch = Scratch::new();
    let mut builder = EventsBuilder::new();
    let mut lost = kit::clock(1);
    lost.body = obit_derivation::record::Body::Lost(obit_derivation::record::Loss {
        count: 12,
        kind: None,
        cpu: None,
        since: obit_derivation::Seq(0),
    });
    builder.append(&kit::clock(0)).unwrap();
    builder.append(&lost).unwrap();
    let mut writer = writer(&scratch, WriterOptions::default());
    writer.append(Table::Events, &builder.finish().unwrap()).unwrap();
    let end = ClockPair { ts: WallNs(1_700_000_000_000_000_001), boot_ns: BootNs(9) };
    let summary = writer
        .close(|manifest| {
            manifest.clocks.end = Some(end);
            manifest.ended_at = Some("2023-11-14T22:13:20.000000001Z".to_owned());
        })
        .unwrap();

    let case = Case::open(&scratch.case()).unwrap();
    let manifest = case.manifest().unwrap();
    assert_eq!((manifest.state, manifest.clocks.end), (CaseState::Closed, Some(end)));
    assert_eq!(manifest.counts.lost, 12);
    assert_eq!(manifest.counts.by_kind, [("clock".to_owned(), 1), ("lost".to_owned(), 1)].into());
    assert_eq!(manifest.counts.by_table.get("events"), Some(&2));
    assert_eq!(manifest.counts.by_table.get("container_remove"), Some(&0));
    let events = &manifest.parts[0];
    assert_eq!(
        (events.file.as_str(), events.first_seq, events.last_seq),
        ("raw/events/events-000000.parquet", Some(0), Some(1))
    );
    assert_eq!(events.bytes, scratch.file(&events.file).metadata().unwrap().len());
    let on_disk: u64 = files(&scratch.case()).iter().map(|file| scratch.file(file).metadata().unwrap().len()).sum();
    assert_eq!((summary.bytes, summary.parts.len()), (on_disk, 8));
    assert_eq!(summary.counts, manifest.counts);
}

#[test]
fn nothing_incomplete_has_a_name_of_a_part() {
    let scratch = Scratch::new();
    let mut writer = writer(&scratch, WriterOptions::default());
    writer.append(Table::Events, &clocks(0..4)).unwrap();
    let visible = |scratch: &Scratch| {
        let mut files = files(&scratch.case());
        files.retain(|file| !file.contains("/."));
        files
    };
    assert_eq!(visible(&scratch), ["case.json", "journal/events-000000.arrows"]);
    writer.seal(Table::Events).unwrap();
    assert_eq!(visible(&scratch), ["case.json", "raw/events/events-000000.parquet"]);
    assert_eq!(files(&scratch.case()), visible(&scratch), "nothing hidden is left");
}

#[test]
fn a_part_is_sealed_by_rows_or_by_the_age_of_its_records() {
    let scratch = Scratch::new();
    let options = WriterOptions { part_rows: 10, part_age: Duration::from_nanos(100), ..WriterOptions::default() };
    let mut writer = writer(&scratch, options);
    // `kit::clock` has its place as its boot time.
    let parts = |writer: &CaseWriter| writer.manifest().parts.iter().map(|part| part.rows).collect::<Vec<_>>();
    writer.append(Table::Events, &clocks(0..9)).unwrap();
    assert_eq!(parts(&writer), [0_u64; 0]);
    writer.append(Table::Events, &clocks(9..12)).unwrap();
    assert_eq!(parts(&writer), [12]);
    writer.append(Table::Events, &clocks([12])).unwrap();
    writer.append(Table::Events, &clocks([111])).unwrap();
    assert_eq!(parts(&writer), [12], "99 ns old");
    writer.append(Table::Events, &clocks([112])).unwrap();
    assert_eq!(parts(&writer), [12, 3], "100 ns old");
}

#[test]
fn a_case_is_never_written_over() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(3));
    let before = fs::read(scratch.file("case.json")).unwrap();
    let refused = CaseWriter::create(&scratch.case(), kit::manifest(), WriterOptions::default());
    assert!(matches!(&refused, Err(Error::Exists { .. })));
    assert!(refused.unwrap_err().to_string().contains("give a path that does not exist"));
    assert_eq!(fs::read(scratch.file("case.json")).unwrap(), before);
}

#[test]
fn an_empty_directory_will_do_and_a_file_or_a_link_will_not() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.case()).unwrap();
    writer(&scratch, WriterOptions::default());

    let other = Scratch::new();
    fs::write(other.case(), "mine").unwrap();
    assert!(CaseWriter::create(&other.case(), kit::manifest(), WriterOptions::default()).is_err());
    assert_eq!(fs::read_to_string(other.case()).unwrap(), "mine");

    let linked = Scratch::new();
    std::os::unix::fs::symlink("/tmp", linked.case()).unwrap();
    assert!(CaseWriter::create(&linked.case(), kit::manifest(), WriterOptions::default()).is_err());
}

#[test]
fn disorder_and_foreign_batches_are_refused_before_anything_is_written() {
    let scratch = Scratch::new();
    let mut writer = writer(&scratch, WriterOptions::default());
    writer.append(Table::Events, &clocks([5])).unwrap();
    assert!(matches!(writer.append(Table::Events, &clocks([5])), Err(Error::Disorder { seq: 5, last: 5, .. })));
    assert!(matches!(writer.append(Table::Events, &clocks([9, 8])), Err(Error::Disorder { seq: 8, last: 9, .. })));
    assert!(matches!(writer.append(Table::Runtime, &clocks([9])), Err(Error::WrongSchema { table: "runtime" })));
    // Neither stops the table.
    writer.append(Table::Events, &clocks([6])).unwrap();
    writer.close(|_| {}).unwrap();
    assert_eq!(Case::open(&scratch.case()).unwrap().rows(Table::Events), 2);
}

#[test]
fn a_writer_that_is_dropped_leaves_an_open_case_that_can_be_read() {
    let scratch = Scratch::new();
    let records = kit::plain(20);
    drop(kit::write(&scratch.case(), &records, 3, 100));
    let case = Case::open(&scratch.case()).unwrap();
    assert!(!case.is_closed());
    kit::assert_records(&case, &records);
}

#[test]
fn a_part_that_cannot_be_sealed_is_sealed_once_it_can_be() {
    let scratch = Scratch::new();
    let records = kit::plain(9);
    let mut writer = kit::write(&scratch.case(), &records, 3, 100);
    // Somebody else took the name of the part.
    fs::write(scratch.file("raw/events/events-000000.parquet"), "").unwrap();
    let failure = writer.seal(Table::Events).unwrap_err();
    assert!(failure.to_string().contains("events-000000.parquet"), "{failure}");
    assert_eq!(fs::read(scratch.file("raw/events/events-000000.parquet")).unwrap(), b"", "it is not written over");
    writer.append(Table::Events, &clocks([20])).unwrap();
    writer.seal(Table::Runtime).unwrap();
    assert!(writer.close(|_| {}).is_err());

    let case = Case::open(&scratch.case()).unwrap();
    assert!(!case.is_closed(), "what is not whole is not called closed");
    let (seqs, problems) = kit::read_from(&case);
    assert_eq!(seqs, (0..9).chain([20]).collect::<Vec<_>>(), "the journal still has what the part has not");
    assert_eq!(problems.len(), 2, "the empty file, and the hole that this test left: {problems:?}");

    fs::remove_file(scratch.file("raw/events/events-000000.parquet")).unwrap();
    writer.close(|_| {}).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    assert!(case.is_closed());
    assert_eq!((case.rows(Table::Events), case.check_sums()), (4, vec![]));
}

#[test]
fn a_failed_write_names_the_file_and_keeps_what_was_written() {
    let scratch = Scratch::new();
    let mut writer = writer(&scratch, WriterOptions::default());
    writer.append(Table::Events, &clocks(0..3)).unwrap();
    // The journal's folder goes away, so the next table cannot begin its journal.
    fs::remove_file(scratch.file("journal/events-000000.arrows")).unwrap();
    fs::remove_dir(scratch.file("journal")).unwrap();
    let mut builder = kit::Builders::default();
    builder.push(3, &kit::plain(2)[1]);
    let batch = builder.cgroupfs().unwrap();
    let failure = writer.append(Table::Cgroupfs, &batch).unwrap_err();
    assert!(
        matches!(&failure, Error::Io { path, .. } if path.ends_with("journal/cgroupfs-000000.arrows")),
        "{failure:?}"
    );
    assert!(writer.append(Table::Cgroupfs, &batch).is_err());
    writer.close(|_| {}).unwrap();
    assert_eq!(Case::open(&scratch.case()).unwrap().rows(Table::Events), 3, "sealed all the same");
}

#[test]
fn messages_about_a_full_disk_say_what_to_do() {
    let full = std::io::Error::from_raw_os_error(28);
    let error =
        Error::Io { action: "write", path: "/cases/a\u{1b}[2J/raw/events/events-000000.parquet".into(), cause: full };
    let text = error.to_string();
    assert!(
        text.starts_with("cannot write /cases/a\\u{1b}[2J/raw/events/events-000000.parquet: No space left"),
        "{text}"
    );
    assert!(text.contains("free some space"), "{text}");
}

#[test]
fn a_manifest_keeps_what_it_was_given() {
    let scratch = Scratch::new();
    let mut manifest = kit::manifest();
    manifest.derivation_version = 3;
    manifest.quirks = vec!["argv-of-oci-runtimes-only".to_owned()];
    manifest.host.insert("kernel".to_owned(), "6.18.0".into());
    manifest.options.insert("ring_buffer_bytes".to_owned(), (16_u64 << 20).into());
    CaseWriter::create(&scratch.case(), manifest.clone(), WriterOptions::default()).unwrap();
    let found: Manifest = Case::open(&scratch.case()).unwrap().manifest().unwrap().clone();
    // The writer sets the head.
    manifest.head = found.head.clone();
    assert_eq!(found, manifest);
}
