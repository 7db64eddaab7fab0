//! Files made to break a reader: it returns an error or a problem, and never panics or fills the
//! machine's memory.

use std::collections::HashMap;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, UInt64Array, new_null_array};
use arrow_ipc::root_as_message;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{DataType, Field, Schema};
use obit_case::reader::ReadThreads;
use obit_case::{Case, Error, Problem};
use obit_derivation::record::{Actor, Body, CgroupEvent, CgroupEventKind, CgroupKey, Usage};
use obit_schema::Table;
use obit_schema::decode::{EventsView, RawView};
use obit_schema::encode::EventsBuilder;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use proptest::prelude::*;

use crate::kit::{self, Scratch};

const EVENTS_JOURNAL: &str = "journal/events-000000.arrows";
const EVENTS_PART: &str = "raw/events/events-000000.parquet";

/// Returns the origin of a file of table `events` in the kit's cases.
fn origin() -> HashMap<String, String> {
    let pairs = [("schema_version", "1"), ("case_id", "3f1c8a52"), ("build", "x"), ("table", "events")];
    pairs.into_iter().map(|(key, value)| (format!("obit.{key}"), value.to_owned())).collect()
}

/// Returns a batch of one event with this many arguments.
fn event(arguments: usize) -> RecordBatch {
    let argv = vec!["x"; arguments];
    let mut builder = EventsBuilder::new();
    let mut record = kit::clock(0);
    record.body = Body::Cgroup(CgroupEvent {
        kind: CgroupEventKind::Mkdir,
        cpu: 0,
        key: CgroupKey::default(),
        parent: None,
        level: 1,
        path: "/a",
        path_truncated: false,
        actor: Actor { argv: &argv, ..Actor::default() },
        usage: Usage::default(),
    });
    builder.append(&record).unwrap();
    builder.finish().unwrap()
}

/// Makes an open case with these bytes as its journal of events.
fn case_with_journal(bytes: &[u8]) -> Scratch {
    let scratch = Scratch::new();
    drop(kit::write(&scratch.case(), &kit::plain(3), 3, 1000));
    fs::write(scratch.file(EVENTS_JOURNAL), bytes).unwrap();
    scratch
}

/// Returns a batch with that schema's metadata as an uncompressed stream.
fn stream(batch: &RecordBatch) -> Vec<u8> {
    let schema = Schema::new_with_metadata(batch.schema().fields().clone(), origin());
    let mut writer = StreamWriter::try_new(Vec::new(), &schema).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// Writes a Parquet file with Arrow's own defaults and our key-value metadata.
fn write_parquet(path: &Path, batch: &RecordBatch) {
    let pairs = origin().into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    let properties = WriterProperties::builder().set_key_value_metadata(Some(pairs)).build();
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

fn replaced(batch: &RecordBatch, column: &str, array: ArrayRef) -> RecordBatch {
    let schema = batch.schema();
    let index = schema.index_of(column).unwrap();
    let mut columns = batch.columns().to_vec();
    let mut fields: Vec<_> = schema.fields().iter().map(|field| field.as_ref().clone()).collect();
    fields[index] = Field::new(column, array.data_type().clone(), true);
    columns[index] = array;
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).unwrap()
}

#[test]
fn a_stream_of_another_writer_is_read_like_ours() {
    // Uncompressed, as the other tests here change bytes of it.
    let case = case_with_journal(&stream(&event(3)));
    let case = Case::open(&case.case()).unwrap();
    assert_eq!((case.rows(Table::Events), case.problems()), (1, [].as_slice()));
}

#[test]
fn gigantic_list_offsets_end_a_journal() {
    let mut bytes = stream(&event(43));
    // The offsets of the only list: 0 and 43.
    let offsets = [0, 0, 0, 0, 43, 0, 0, 0];
    let places: Vec<_> = (0..bytes.len() - 8).filter(|at| bytes[*at..*at + 8] == offsets).collect();
    // Earlier ones are lengths in the head of the message.
    let at = *places.last().unwrap();
    for end in [i32::MAX, -1, 44, i32::MIN] {
        bytes[at + 4..at + 8].copy_from_slice(&end.to_le_bytes());
        let scratch = case_with_journal(&bytes);
        let case = Case::open(&scratch.case()).unwrap();
        assert!(case.problems().iter().any(|p| matches!(p, Problem::TornJournal { rows: 0, .. })), "{end}");
    }
}

#[test]
fn a_buffer_that_claims_to_uncompress_into_an_exabyte_ends_a_journal() {
    let scratch = Scratch::new();
    drop(kit::write(&scratch.case(), &kit::plain(3), 3, 1000));
    let path = scratch.file(EVENTS_JOURNAL);
    let whole = fs::read(&path).unwrap();
    // The second message is the batch; its first buffer that is not empty begins with its
    // uncompressed length.
    let message_at = |at: usize| {
        let size = u32::from_le_bytes(whole[at + 4..at + 8].try_into().unwrap()) as usize;
        let message = root_as_message(&whole[at + 8..at + 8 + size]).unwrap();
        (message, at + 8 + size)
    };
    let (schema, body) = message_at(0);
    let (batch, body) = message_at(body + schema.bodyLength() as usize);
    let buffers = batch.header_as_record_batch().unwrap().buffers().unwrap();
    let buffer = buffers.iter().find(|buffer| buffer.length() > 8).unwrap();
    let prefix = body + buffer.offset() as usize;
    for length in [1_i64 << 60, i64::MAX, i64::MIN, -2, 1 << 40] {
        let mut bytes = whole.clone();
        bytes[prefix..prefix + 8].copy_from_slice(&length.to_le_bytes());
        fs::write(&path, bytes).unwrap();
        let case = Case::open(&scratch.case()).unwrap();
        let torn = Problem::TornJournal { file: EVENTS_JOURNAL.to_owned(), rows: 0 };
        assert_eq!(case.problems(), [torn], "{length}");
    }
}

#[test]
fn lengths_past_the_end_of_a_journal_are_not_believed() {
    let whole = stream(&event(1));
    for size in [u32::MAX, 1 << 31, 1 << 20, whole.len() as u32] {
        let mut bytes = whole.clone();
        bytes[4..8].copy_from_slice(&size.to_le_bytes());
        let scratch = case_with_journal(&bytes);
        let case = Case::open(&scratch.case()).unwrap();
        assert_eq!(case.problems(), [Problem::TornJournal { file: EVENTS_JOURNAL.to_owned(), rows: 0 }], "{size}");
    }
}

#[test]
fn wrong_types_missing_columns_and_nulls_are_said_clearly() {
    let batch = event(1);
    let signed = replaced(&batch, "cgroup_id", Arc::new(Int64Array::from(vec![1])));
    let message = RawView::new(Table::Events, &signed).unwrap_err().to_string();
    assert_eq!(message, "column cgroup_id of events is Int64, not uint64: another program wrote this file");

    let keep: Vec<_> = (0..batch.num_columns()).filter(|i| *i != batch.schema().index_of("boot_ns").unwrap()).collect();
    let missing = RawView::new(Table::Events, &batch.project(&keep).unwrap()).unwrap_err().to_string();
    assert_eq!(missing, "column boot_ns of events is missing: another program wrote this file");

    let null = replaced(&batch, "seq", new_null_array(&DataType::UInt64, 1));
    let null = RawView::new(Table::Events, &null).unwrap_err().to_string();
    assert_eq!(null, "column seq of events holds nulls, which it must not");

    let numbers = Arc::new(Field::new("element", DataType::UInt64, true));
    let argv = replaced(&batch, "actor_argv", new_null_array(&DataType::List(numbers), 1));
    assert!(matches!(
        RawView::new(Table::Events, &argv),
        Err(obit_schema::Error::ColumnType { column: "actor_argv", .. })
    ));

    assert!(matches!(RawView::new(Table::ContainerRemove, &batch), Err(obit_schema::Error::NotRaw { .. })));
}

#[test]
fn a_row_past_the_end_is_an_error() {
    let view = EventsView::new(&event(1)).unwrap();
    assert!(view.get(1, &mut Vec::new()).is_err() && view.get(usize::MAX, &mut Vec::new()).is_err());
    assert_eq!(view.seq(1), None);
}

#[test]
fn an_optional_column_that_is_not_there_reads_as_null() {
    let batch = event(2);
    let keep: Vec<_> =
        (0..batch.num_columns()).filter(|index| batch.schema().field(*index).name() != "actor_argv").collect();
    let older = EventsView::new(&batch.project(&keep).unwrap()).unwrap();
    let mut argv = Vec::new();
    let Body::Cgroup(event) = older.get(0, &mut argv).unwrap().body else { panic!("an event") };
    assert_eq!((event.path, event.actor.argv), ("/a", [].as_slice()));
}

#[test]
fn a_parquet_file_with_other_types_is_foreign() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(9));
    let other = replaced(&event(1), "seq", Arc::new(StringArray::from(vec!["0"])));
    write_parquet(&scratch.file(EVENTS_PART), &other);
    let case = Case::open(&scratch.case()).unwrap();
    let [Problem::Foreign { file, why }] = case.problems() else { panic!("{:?}", case.problems()) };
    assert_eq!(file, EVENTS_PART);
    assert!(why.contains("column seq of events is Utf8, not uint64"), "{why}");
}

#[test]
fn a_parquet_file_of_another_program_in_our_types_is_read() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(9));
    let seq = Arc::new(UInt64Array::from(vec![0]));
    write_parquet(&scratch.file(EVENTS_PART), &replaced(&event(2), "seq", seq));
    let case = Case::open(&scratch.case()).unwrap();
    assert_eq!(case.problems(), []);
    let mut first = None;
    let _ = case.records().for_each(|record| -> Result<(), Error> {
        first.get_or_insert_with(|| format!("{:?}", record.body));
        Ok(())
    });
    assert!(first.unwrap().contains("argv: [\"x\", \"x\"]"));
}

/// Returns the problems of a case whose part of events is that file.
fn refusal(bytes: &[u8]) -> String {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(9));
    fs::write(scratch.file(EVENTS_PART), bytes).unwrap();
    let case = Case::open(&scratch.case()).unwrap();
    let [Problem::Damaged { file, why }] = case.problems() else { panic!("{:?}", case.problems()) };
    assert_eq!(file, EVENTS_PART);
    why.clone()
}

#[test]
fn a_schema_as_deep_as_the_file_is_long_is_refused_before_it_is_followed() {
    // Thrift's compact protocol. Each group has one child: repetition, name, number of children,
    // end.
    let group = [0x35, 0, 0x18, 1, b'a', 0x15, 2, 0];
    let levels = 200_000_u32;
    let count = [levels as u8 | 0x80, (levels >> 7) as u8 | 0x80, (levels >> 14) as u8];
    let mut footer = [&[0x15, 2, 0x19, 0xfc][..], &count].concat();
    footer.extend(group.repeat(levels as usize));
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let file = |footer: &[u8]| [b"PAR1", footer, &(footer.len() as u32).to_le_bytes(), b"PAR1"].concat();
    let why = refusal(&file(&footer));
    assert!(why.contains("200000 elements"), "{why}");
    // The most elements that a schema may have, all nested.
    let mut footer = vec![0x15, 2, 0x19, 0xfc, 0x80 | 100, 1];
    footer.extend(group.repeat(228));
    footer.extend([0x16, 0, 0x19, 0x0c, 0]);
    let why = refusal(&file(&footer));
    assert!(why.contains("nested deeper"), "{why}");
}

#[test]
fn a_dictionary_of_one_gigantic_value_is_refused() {
    // A file of some kilobytes; each row would be a copy of it.
    let path = "x".repeat(20 << 20);
    let mut batch = event(0);
    batch = replaced(&batch, "path", Arc::new(StringArray::from(vec![path.as_str()])));
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(9));
    let place = scratch.file(EVENTS_PART);
    let pairs = origin().into_iter().map(|(key, value)| KeyValue::new(key, value)).collect();
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(pairs))
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_dictionary_page_size_limit(64 << 20)
        .set_statistics_enabled(EnabledStatistics::None)
        .build();
    let mut writer = ArrowWriter::try_new(File::create(&place).unwrap(), batch.schema(), Some(properties)).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    assert!(fs::metadata(&place).unwrap().len() < 1 << 20);
    let why = refusal(&fs::read(&place).unwrap());
    assert_eq!(why, "column \"path\": a dictionary of 20 MiB");
}

#[test]
fn a_case_json_that_is_nested_without_end_is_refused() {
    let scratch = Scratch::new();
    kit::closed(&scratch, &kit::plain(9));
    let whole = fs::read_to_string(scratch.file("case.json")).unwrap();
    let deep = format!("{{\"host\": {{\"a\": {}{}}},", "[".repeat(1 << 20), "]".repeat(1 << 20));
    fs::write(scratch.file("case.json"), whole.replacen('{', &deep, 1)).unwrap();
    let case = Case::open_lenient(&scratch.case()).unwrap();
    assert!(case.manifest().is_none());
    assert!(
        case.problems().iter().any(|problem| problem.to_string().contains("recursion limit")),
        "{:?}",
        case.problems()
    );
}

/// Reads all of a case, whatever is wrong with it.
fn read_all(path: &Path) {
    let Ok(case) = Case::open_lenient(path) else { return };
    let ahead = Case::open_lenient(path).expect("as before").with_threads(ReadThreads::EachTable);
    let mut records = case.records();
    let [here, ahead] = [&mut records, &mut ahead.records()].map(|records| {
        let mut count = 0;
        let read = records.for_each(|_| -> Result<(), Error> {
            count += 1;
            Ok(())
        });
        (count, read.map_err(|error| error.to_string()), records.problems().to_vec())
    });
    assert_eq!(here, ahead, "read as it is asked for, and ahead");
    for table in Table::ALL {
        case.batches(table).for_each(drop);
    }
    let texts = [case.problems(), records.problems(), &case.check_sums()].concat();
    for problem in texts {
        let text = problem.to_string();
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Returns a file with some bytes changed.
    #[test]
    fn changed_bytes_break_nothing(changes in proptest::collection::vec((any::<u16>(), any::<u8>()), 1..6), which in 0..5_usize) {
        thread_local! {
            static CASES: (Scratch, Scratch) = {
                let (open, closed) = (Scratch::new(), Scratch::new());
                drop(kit::write(&open.case(), &kit::plain(9), 3, 1000));
                kit::closed(&closed, &kit::plain(9));
                (open, closed)
            };
        }
        CASES.with(|(open, closed)| {
            let (scratch, file) = match which {
                0 => (open, EVENTS_JOURNAL),
                1 => (open, "journal/runtime-000000.arrows"),
                2 => (closed, EVENTS_PART),
                3 => (closed, "raw/runtime/runtime-000000.parquet"),
                _ => (closed, "case.json"),
            };
            let path = scratch.file(file);
            let whole = fs::read(&path).unwrap();
            let mut bytes = whole.clone();
            for (at, byte) in changes {
                let at = usize::from(at) % bytes.len();
                bytes[at] = byte;
            }
            fs::write(&path, &bytes).unwrap();
            read_all(&scratch.case());
            fs::write(&path, &whole).unwrap();
        });
    }
}
