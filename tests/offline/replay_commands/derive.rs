//! `derive` in each format.

use std::fs;
use std::io::Read;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt64Type;
use arrow_schema::{DataType, TimeUnit};
use obit_schema::Table;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use crate::case::{self, Recorder, STEP_NS, id};
use crate::program::{command, replay};

#[test]
fn jsonl_has_a_line_for_each_end_and_every_column() {
    let case = case::everyday().close();
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(run.stderr, "");
    let rows = run.json_lines();
    let ids: Vec<_> = rows.iter().map(|row| row["container_id"].as_str().expect("text").to_owned()).collect();
    assert_eq!(ids, case::everyday_ends());
    for row in &rows {
        let object = row.as_object().expect("an object");
        for column in Table::ContainerRemove.columns() {
            assert!(object.contains_key(column.name), "{} is missing", column.name);
        }
        assert_eq!(row["runtime"], "docker");
        assert_eq!(row["inferred"], false);
        assert!(row["evidence_seqs"].is_array());
    }
}

#[test]
fn jsonl_tells_absent_from_zero_and_times_to_the_nanosecond() {
    let case = case::everyday().close();
    let rows = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).json_lines();
    // `a` was made in the record after the walk (capture_start, begin, two directories, end: 0 to
    // 4) and had 4 records.
    let first = &rows[0];
    assert_eq!(first["created_seq"], 5);
    assert_eq!(first["rmdir_seq"], 8);
    assert_eq!(first["ts"], "2009-02-13T23:31:30.008000000Z");
    assert_eq!(first["lifetime_ns"], 3 * STEP_NS);
    assert_eq!(first["pod_uid"], serde_json::Value::Null);
    assert_eq!(first["container_name"], serde_json::Value::Null);
    // `e` began before the capture.
    assert_eq!(rows[3]["created_seq"], serde_json::Value::Null);
    assert_eq!(rows[3]["lifetime_ns"], serde_json::Value::Null);
    // The runtime's answer about `b` has joined its row.
    assert_eq!(rows[1]["container_name"], "web-1");
}

#[test]
fn ids_of_64_bits_come_out_whole() {
    let mut recorder = Recorder::new();
    let cgroup = u64::MAX - 1;
    let path = format!("/docker/{}", id('a'));
    recorder.event(obit_derivation::record::CgroupEventKind::Mkdir, cgroup, &path, &[]);
    recorder.event(obit_derivation::record::CgroupEventKind::Rmdir, cgroup, &path, &[]);
    let case = recorder.close();
    for (format, expected) in [("jsonl", format!("\"cgroup_id\":{cgroup},")), ("csv", format!(",{cgroup},"))] {
        let run = replay(["derive", case.arg(), "--format", format]).expect_code(0);
        assert!(run.stdout.contains(&expected), "{run:#?}");
    }
}

#[test]
fn the_other_events_have_their_own_rows() {
    let case = case::everyday().close();
    let ids = |event| {
        let run = replay(["derive", case.arg(), "--format", "jsonl", "--event", event]).expect_code(0);
        let rows = run.json_lines();
        rows.iter().map(|row| row["container_id"].as_str().expect("text").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("existing_container"), [id('e')]);
    assert_eq!(ids("container_create"), ['a', 'b', 'a', 'c'].map(id));
}

#[test]
fn the_table_fits_its_width_and_shows_what_a_responder_needs() {
    let case = case::everyday().close();
    let run = replay(["derive", case.arg()]).expect_code(0);
    let lines: Vec<_> = run.stdout.lines().collect();
    assert_eq!(lines.len(), 1 + 4, "{run:#?}");
    assert!(lines.iter().all(|line| line.chars().count() <= 120), "{run:#?}");
    for heading in ["REMOVED AT (UTC)", "RUNTIME", "CONTAINER", "IMAGE", "LIFETIME", "CAUSE", "KILLED BY"] {
        assert!(lines[0].contains(heading), "{run:#?}");
    }
    assert!(lines[1].starts_with("2009-02-13 23:31:30.008  docker"), "{run:#?}");
    assert!(lines[1].contains("3ms"), "{run:#?}");
    assert!(lines[2].contains("web-1") && lines[2].contains("nginx:1.27"), "{run:#?}");
    assert_eq!(run.stderr.trim_end(), "4 containers removed");
}

#[test]
fn csv_reads_back_with_a_header_and_every_column() {
    let case = case::everyday().close();
    let run = replay(["derive", case.arg(), "--format", "csv"]).expect_code(0);
    let mut reader = csv::Reader::from_reader(run.stdout.as_bytes());
    let header: Vec<_> = reader.headers().expect("a header").iter().map(str::to_owned).collect();
    let columns: Vec<_> = Table::ContainerRemove.columns().iter().map(|column| column.name).collect();
    assert_eq!(header, columns);
    let records: Vec<_> = reader.records().collect::<Result<_, _>>().expect("valid CSV");
    let column = |name| columns.iter().position(|column| *column == name).expect("a column");
    let ids: Vec<_> = records.iter().map(|record| record[column("container_id")].to_owned()).collect();
    assert_eq!(ids, case::everyday_ends());
    assert_eq!(&records[3][column("created_seq")], "");
    let evidence: Vec<u64> = serde_json::from_str(&records[0][column("evidence_seqs")]).expect("a JSON list");
    assert!(evidence.contains(&8) && evidence.is_sorted(), "{evidence:?}");
}

#[test]
fn csv_on_standard_output_has_nothing_that_a_terminal_acts_on_and_a_file_has_it_all() {
    const NAME: &str = "web\x1b[2J\u{9b}\u{202e}\u{3164}1";
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&case::id('b'));
    recorder.answer(&case::id('b'), NAME, "nginx");
    recorder.end(&case::id('b'), cgroup);
    let case = recorder.close();
    let run = replay(["derive", case.arg(), "--format", "csv"]).expect_code(0);
    assert!(run.stdout.contains(r"web\u{1b}[2J\u{9b}\u{202e}\u{3164}1"), "{run:#?}");
    assert!(!run.stdout.chars().any(|c| c != '\n' && obit_schema::text::is_hazard(c)), "{run:#?}");
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("rows.csv");
    replay(["derive", case.arg(), "--format", "csv", "--output", &file.display().to_string()]).expect_code(0);
    assert!(std::fs::read_to_string(&file).expect("the file").contains(NAME));
}

#[test]
fn csv_of_no_rows_is_a_header() {
    let case = Recorder::new().close();
    let run = replay(["derive", case.arg(), "--format", "csv"]).expect_code(0);
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(run.stdout.starts_with("runtime,container_id,"));
    let run = replay(["derive", case.arg()]).expect_code(0);
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("", "no container removed\n"));
    assert_eq!(replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout, "");
}

#[test]
fn csv_says_that_a_value_may_run_as_a_formula() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    recorder.answer(&id('a'), "=HYPERLINK(\"http://evil\")", "busybox");
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    let run = replay(["derive", case.arg(), "--format", "csv"]).expect_code(0);
    assert!(run.stdout.contains("=HYPERLINK"), "evidence is not altered: {run:#?}");
    run.expect_one_error(&["formula"]);
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(run.stderr, "");
}

#[test]
fn parquet_has_the_types_of_the_case() {
    let case = case::everyday().close();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rows.parquet");
    let path_text = path.to_str().expect("UTF-8");
    let run = replay(["derive", case.arg(), "--format", "parquet", "--output", path_text]).expect_code(0);
    assert_eq!(run.stdout, "");
    let file = fs::File::open(&path).expect("written");
    let builder = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet");
    let schema = builder.schema().clone();
    assert_eq!(
        schema.field_with_name("ts").expect("ts").data_type(),
        &DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into()))
    );
    assert_eq!(schema.field_with_name("cgroup_id").expect("cgroup_id").data_type(), &DataType::UInt64);
    let notes = builder.metadata().file_metadata().key_value_metadata().expect("notes");
    assert!(notes.iter().any(
        |note| note.key == "obit.case_id" && note.value.as_deref() == Some("11111111-2222-3333-4444-555555555555")
    ));
    let batches: Vec<_> = builder.build().expect("a reader").collect::<Result<_, _>>().expect("rows");
    let seqs: Vec<u64> = batches
        .iter()
        .flat_map(|batch| batch.column_by_name("rmdir_seq").expect("a column").as_primitive::<UInt64Type>().values())
        .copied()
        .collect();
    assert_eq!(seqs.len(), 4);
    assert!(seqs.is_sorted());
}

#[test]
fn parquet_is_not_for_standard_output() {
    let case = case::everyday().close();
    let run = replay(["derive", case.arg(), "--format", "parquet"]).expect_code(2);
    run.expect_one_error(&["--output"]);
    assert_eq!(run.stdout, "");
}

#[test]
fn an_existing_file_is_never_overwritten() {
    let case = case::everyday().close();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rows");
    fs::write(&path, "mine").expect("a file");
    for format in ["table", "jsonl", "csv", "parquet"] {
        let run = replay(["derive", case.arg(), "--format", format, "--output", path.to_str().expect("UTF-8")])
            .expect_code(2);
        run.expect_one_error(&["not overwritten", "rows"]);
        assert_eq!(fs::read(&path).expect("still there"), b"mine");
    }
}

#[test]
fn output_goes_to_a_new_file_and_a_wrong_case_makes_none() {
    let case = case::everyday().close();
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("rows.jsonl");
    let path_text = path.to_str().expect("UTF-8");
    replay(["derive", "/nonexistent", "--format", "jsonl", "--output", path_text]).expect_code(2);
    assert!(!path.exists());
    let run = replay(["derive", case.arg(), "--format", "jsonl", "--output", path_text]).expect_code(0);
    assert_eq!(run.stdout, "");
    let printed = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;
    assert_eq!(fs::read_to_string(&path).expect("written"), printed);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let mut recorder = Recorder::new();
    // More than fits into a pipe and the program's buffer.
    (0..400).for_each(|_| _ = recorder.live(&id('a')));
    let case = recorder.close();
    for format in ["table", "jsonl", "csv"] {
        let mut child = command(["derive", case.arg(), "--format", format]).spawn().expect("starts");
        let mut stdout = child.stdout.take().expect("a pipe");
        stdout.read_exact(&mut [0; 1]).expect("a first byte");
        drop(stdout);
        let output = child.wait_with_output().expect("ends");
        assert_eq!(output.status.code(), Some(0), "{format}: {output:?}");
        assert!(!String::from_utf8_lossy(&output.stderr).contains("panicked"), "{output:?}");
    }
}

#[test]
fn a_hostile_name_reaches_no_terminal() {
    let mut recorder = Recorder::new();
    let cgroup = recorder.begin(&id('a'));
    let hostile = "x\u{1b}[2J\u{202e}y\u{200b}\u{9b}31m";
    recorder.answer(&id('a'), hostile, hostile);
    recorder.end(&id('a'), cgroup);
    let case = recorder.close();
    let harmful = |text: &str| text.chars().any(|c| c != '\n' && (c.is_control() || "\u{202e}\u{200b}".contains(c)));
    for arguments in [
        &["derive", case.arg()][..],
        &["derive", case.arg(), "--format", "jsonl"],
        &["explain", case.arg(), "aaaa"],
        &["info", case.arg()],
    ] {
        let run = replay(arguments).expect_code(0);
        assert!(!harmful(&run.stdout) && !harmful(&run.stderr), "{run:?}");
    }
    // JSON gives the whole name back.
    let rows = replay(["derive", case.arg(), "--format", "jsonl"]).json_lines();
    assert_eq!(rows[0]["container_name"], hostile);
}

#[test]
fn deriving_does_not_look_at_the_recorded_rows() {
    let case = case::everyday().close();
    let before = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;
    fs::remove_dir_all(case.path.join("derived")).expect("removed");
    let run = replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0);
    assert_eq!(run.stdout, before);
    assert!(
        run.stderr.contains("derived/container_remove/container_remove-000000.parquet"),
        "the loss is named: {run:#?}"
    );
}

#[test]
fn part_sizes_change_nothing() {
    let whole = case::everyday().close();
    let mut recorder = Recorder::with_part_rows(1);
    case::everyday_into(&mut recorder);
    let split = recorder.close();
    let derive = |case: &case::RecordedCase| replay(["derive", case.arg(), "--format", "jsonl"]).expect_code(0).stdout;
    assert_eq!(derive(&whole), derive(&split));
}
