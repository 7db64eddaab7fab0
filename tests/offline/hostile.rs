//! Cases made to take more time or memory than there is: every command that reads a case ends
//! within seconds and within half a gigabyte, and names what it refused.

use std::fs::{self, File};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow_array::{ArrayRef, RecordBatch, StringArray, UInt64Array, new_null_array};
use obit_case::CaseWriter;
use obit_case::manifest::{BuildInfo, Manifest, PartEntry};
use obit_case::writer::WriterOptions;
use obit_schema::Table;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterPropertiesBuilder};
use parquet::schema::types::ColumnPath;
use serde_json::json;
use tempfile::TempDir;

/// Memory that a command may map, in KiB.
const MAX_KIB: u64 = 512 << 10;
/// Processor time that a command may take. The bound is 10 s: a build for tests stays within it on a
/// quiet machine, and may take longer on a slow one.
const MAX_SECONDS: u64 = 30;
/// Time after which a command is taken for one that does not end.
const PATIENCE: Duration = Duration::from_secs(300);

const EVENTS: &str = "raw/events/events-000000.parquet";

/// A case to spoil.
struct HostileCase {
    folder: TempDir,
}

impl HostileCase {
    /// Makes a closed case without rows.
    fn closed() -> Self {
        let case = Self::open();
        CaseWriter::resume(&case.path(), WriterOptions::default()).expect("a case").close(|_| {}).expect("closed");
        case
    }

    /// Makes a case that was never closed.
    fn open() -> Self {
        let folder = tempfile::tempdir().expect("a temporary directory");
        let build = BuildInfo { version: "9.9.9".to_owned(), commit: "abc123".to_owned() };
        let manifest = Manifest::new("hostile".to_owned(), build);
        drop(CaseWriter::create(&folder.path().join("case"), manifest, WriterOptions::default()).expect("a case"));
        Self { folder }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("case")
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.path().join(name)
    }

    /// Writes a Parquet file in the place of the events.
    fn write_events(&self, batch: &RecordBatch, count: usize, properties: WriterPropertiesBuilder) {
        let pairs = [("schema_version", "2"), ("case_id", "hostile"), ("build", "x"), ("table", "events")];
        let pairs = pairs.map(|(key, value)| KeyValue::new(format!("obit.{key}"), value.to_owned()));
        let properties = properties
            .set_key_value_metadata(Some(pairs.to_vec()))
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_statistics_enabled(EnabledStatistics::None)
            .build();
        let file = File::create(self.file(EVENTS)).expect("created");
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
        (0..count).for_each(|_| writer.write(batch).expect("written"));
        writer.close().expect("written");
    }

    /// Runs every command that reads a case. Each must end in time, and one of them must name this.
    #[track_caller]
    fn expect_named(&self, named: &str) {
        self.expect_named_with(&[], named);
    }

    #[track_caller]
    fn expect_named_with(&self, more: &[&str], named: &str) {
        let path = self.path();
        let path = path.to_str().expect("text");
        let commands: [&[&str]; 6] = [
            &["verify", path],
            &["derive", path],
            &["info", path],
            &["explain", path, "abcd"],
            &["diff", path, path],
            &["close", path],
        ];
        for (place, command) in commands.iter().enumerate() {
            let more = if place == 0 { more } else { &[] };
            let run = bounded(&[command, more].concat());
            assert!(!run.is_killed, "{command:?}: killed or out of memory: {}", run.stderr);
            assert!(run.seconds <= MAX_SECONDS, "{command:?}: {} s of processor time", run.seconds);
            if place == 0 {
                assert!(run.stderr.contains(named), "{command:?} does not name {named:?}: {}", run.stderr);
                assert_ne!(run.code, Some(0), "{}", run.stderr);
            }
        }
    }
}

/// A run within bounds.
struct BoundedRun {
    code: Option<i32>,
    stderr: String,
    seconds: u64,
    is_killed: bool,
}

/// Runs obit-replay with bounds for memory and time.
fn bounded(arguments: &[&str]) -> BoundedRun {
    let program = env!("CARGO_BIN_EXE_obit-replay");
    // Bash's `time` says what the command took, whatever else runs on this machine.
    let script =
        format!("ulimit -v {MAX_KIB}; ulimit -t {}; TIMEFORMAT='%U %S'; time \"$@\" >/dev/null", 2 * MAX_SECONDS);
    let mut command = Command::new("bash");
    command.args(["-c", &script, "bash", program]).args(arguments).env("MALLOC_ARENA_MAX", "2").process_group(0);
    let started = Instant::now();
    let output = command.output().expect("bash runs");
    assert!(started.elapsed() < PATIENCE, "{arguments:?} does not end");
    let mut stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    let times = stderr.trim_end().lines().last().unwrap_or_default().to_owned();
    stderr.truncate(stderr.len().min(4_000));
    let seconds: f64 = times.split(' ').filter_map(|time| time.parse::<f64>().ok()).sum();
    // A shell gives 128 and the signal.
    let is_killed = output.status.code().is_none_or(|code| code > 100);
    BoundedRun { code: output.status.code(), stderr, seconds: seconds as u64, is_killed }
}

/// Returns rows that hold nothing but their places and kinds.
fn rows(count: usize) -> RecordBatch {
    let columns = Table::Events.schema();
    let arrays = columns.fields().iter().map(|field| -> ArrayRef {
        match field.name().as_str() {
            "seq" | "boot_ns" => Arc::new(UInt64Array::from_iter_values(0..count as u64)),
            "kind" => Arc::new(StringArray::from(vec!["capture_start"; count])),
            "ts" => Arc::new(arrow_array::TimestampNanosecondArray::from(vec![0; count]).with_timezone("UTC")),
            _ => new_null_array(field.data_type(), count),
        }
    });
    RecordBatch::try_new(columns.clone(), arrays.collect()).expect("a batch")
}

/// Returns the rows with another column.
fn with_column(batch: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let index = batch.schema().index_of(name).expect("a column");
    let mut columns = batch.columns().to_vec();
    columns[index] = array;
    RecordBatch::try_new(batch.schema(), columns).expect("a batch")
}

#[test]
fn millions_of_rows_in_some_kilobytes() {
    let case = HostileCase::closed();
    let all = rows(1 << 20);
    let required = ["seq", "ts", "boot_ns", "kind"].map(|name| all.schema().index_of(name).expect("a column"));
    let properties = WriterProperties::builder()
        .set_encoding(Encoding::DELTA_BINARY_PACKED)
        .set_dictionary_enabled(false)
        .set_column_encoding(ColumnPath::from("kind"), Encoding::PLAIN)
        .set_column_dictionary_enabled(ColumnPath::from("kind"), true)
        .set_write_batch_size(1 << 20)
        .set_data_page_row_count_limit(1 << 30)
        .set_max_row_group_row_count(Some(1 << 30));
    case.write_events(&all.project(&required).expect("columns"), 30, properties);
    assert!(fs::metadata(case.file(EVENTS)).expect("a file").len() < 4 << 20);
    case.expect_named("no recorder writes so many");
}

#[test]
fn texts_that_share_their_beginnings() {
    let case = HostileCase::closed();
    let batch = rows(2_048);
    let long = "x".repeat(512 << 10);
    let path: ArrayRef = Arc::new(StringArray::from_iter_values((0..64).map(|_| long.as_str()).chain([""; 1984])));
    let properties = WriterProperties::builder()
        .set_column_dictionary_enabled(ColumnPath::from("path"), false)
        .set_column_encoding(ColumnPath::from("path"), Encoding::DELTA_BYTE_ARRAY);
    case.write_events(&with_column(&batch, "path", path), 1, properties);
    assert!(fs::metadata(case.file(EVENTS)).expect("a file").len() < 1 << 20);
    case.expect_named("a page in the encoding DELTA_BYTE_ARRAY");
}

#[test]
fn one_long_text_in_each_row() {
    let case = HostileCase::closed();
    let batch = rows(2_048);
    let long = "x".repeat(900 << 10);
    let path: ArrayRef = Arc::new(StringArray::from_iter_values((0..2_048).map(|_| long.as_str())));
    let properties = WriterProperties::builder().set_dictionary_page_size_limit(16 << 20);
    case.write_events(&with_column(&batch, "path", path), 1, properties);
    assert!(fs::metadata(case.file(EVENTS)).expect("a file").len() < 1 << 20);
    case.expect_named("unfold to");
}

#[test]
fn hundreds_of_thousands_of_names() {
    let case = HostileCase::closed();
    for number in 0..300_000 {
        File::create(case.file(&format!("raw/events/{number}"))).expect("created");
    }
    case.expect_named("raw/events/0: not listed in case.json");
}

#[test]
fn hundreds_of_thousands_of_sums() {
    let case = HostileCase::closed();
    let line = |number: u32| format!("{}  raw/{number}\n", "0".repeat(64));
    fs::write(case.file("SHA256SUMS"), (0..800_000).map(line).collect::<String>()).expect("written");
    case.expect_named("SHA256SUMS lists it, and it is not there");
}

#[test]
fn hundreds_of_thousands_of_listed_parts() {
    for (count, named) in [(200_000_u32, "more than 2000000 values"), (100_000, "missing")] {
        let case = HostileCase::closed();
        let mut manifest: Manifest =
            serde_json::from_slice(&fs::read(case.file("case.json")).expect("case.json")).expect("JSON");
        manifest.parts = (0..count)
            .map(|number| PartEntry {
                number,
                file: format!("raw/events/events-{number:06}.parquet"),
                ..manifest.parts[0].clone()
            })
            .collect();
        fs::write(case.file("case.json"), serde_json::to_vec(&manifest).expect("JSON")).expect("written");
        case.expect_named(named);
    }
}

#[test]
fn values_without_end_in_case_json() {
    let case = HostileCase::closed();
    let text = fs::read_to_string(case.file("case.json")).expect("case.json");
    for many in [format!("[{}0]", "0,".repeat(30 << 20)), format!("[{}[]]", "[],".repeat(20 << 20))] {
        let hostile = text.replacen('{', &format!("{{\"host\": {{\"a\": {many}}},"), 1);
        fs::write(case.file("case.json"), hostile).expect("written");
        case.expect_named("more than 2000000 values");
    }
}

#[test]
fn a_part_of_holes() {
    let case = HostileCase::closed();
    let mut manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(case.file("case.json")).expect("case.json")).expect("JSON");
    let file = manifest["parts"][0]["file"].as_str().expect("a name").to_owned();
    File::options().write(true).open(case.file(&file)).expect("a part").set_len(1 << 40).expect("sparse");
    case.expect_named(&file);
    // The entry says that it is so long.
    manifest["parts"][0]["bytes"] = json!(1_u64 << 40);
    fs::write(case.file("case.json"), manifest.to_string()).expect("written");
    case.expect_named("the rest is holes");
}

#[test]
fn messages_that_unfold_without_end() {
    let case = HostileCase::open();
    // A journal of the format's own writer: each message is a few kilobytes of zeros.
    let text: ArrayRef = Arc::new(StringArray::from_iter_values(["0".repeat(100 << 20)]));
    let batch = with_column(&rows(1), "path", text);
    let options = arrow_ipc::writer::IpcWriteOptions::default()
        .try_with_compression(Some(arrow_ipc::CompressionType::ZSTD))
        .expect("zstd is there");
    let pairs = [("schema_version", "2"), ("case_id", "hostile"), ("build", "x"), ("table", "events")];
    let pairs: std::collections::HashMap<_, _> =
        pairs.map(|(key, value)| (format!("obit.{key}"), value.to_owned())).into();
    let schema = arrow_schema::Schema::new_with_metadata(batch.schema().fields().clone(), pairs);
    let file = File::create(case.file("journal/events-000000.arrows")).expect("created");
    let mut writer = arrow_ipc::writer::StreamWriter::try_new_with_options(file, &schema, options).expect("a writer");
    for _ in 0..8 {
        writer.write(&batch).expect("written");
    }
    writer.finish().expect("written");
    case.expect_named("unfold to");
}

#[test]
fn lists_and_anchors_without_end() {
    let case = HostileCase::closed();
    for (option, named) in [
        ("--signers", "more than 1048576 bytes"),
        ("--anchor", "longer than 256 MiB"),
        ("--policy", "more than 1048576 bytes"),
    ] {
        case.expect_named_with(&[option, "/dev/zero"], named);
    }
    // Lines about the case, by anybody.
    let anchor = case.folder.path().join("anchor");
    let line = |number: u32| format!("obit-head 1 hostile {number} {:064x}\n", number);
    fs::write(&anchor, (0..300_000).map(line).collect::<String>()).expect("written");
    case.expect_named_with(&["--anchor", text(&anchor)], "more than 200000 lines about the case");
}

fn text(path: &Path) -> &str {
    path.to_str().expect("text")
}
