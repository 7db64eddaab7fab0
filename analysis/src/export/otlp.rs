//! OpenTelemetry: a log record a row, as the collector's file exporter writes them (OTLP as JSON
//! lines).

use std::collections::BTreeSet;
use std::io::{self, Write};

use obit_schema::Table;
use obit_schema::value::{Cells, MapValue, Value};

use super::encoder::RowEncoder;
use super::instant::row_instant;
use super::json_line::JsonLine;
use super::mapping::{FieldMapping, maps, table_members};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;

/// The definition of the attributes' meaning.
const SEMCONV: &str = "OpenTelemetry semantic conventions 1.44";
/// The definition of a record's own fields.
const LOGS: &str = "OpenTelemetry logs data model";

/// Columns that become fields and attributes; any other becomes an attribute `obit.` and its name.
pub const MAPPINGS: &[FieldMapping] = &[
    maps("ts", "timeUnixNano", LOGS),
    maps("host", "host.name", SEMCONV),
    maps("machine_id", "host.id", SEMCONV),
    maps("container_id", "container.id", SEMCONV),
    maps("container_name", "container.name", SEMCONV),
    maps("runtime", "container.runtime.name", SEMCONV),
    maps("image_name", "container.image.name", SEMCONV),
    maps("image_id", "container.image.id", SEMCONV),
    maps("image_digest", "oci.manifest.digest", SEMCONV),
    maps("labels", "container.label", SEMCONV),
    maps("pod_name", "k8s.pod.name", SEMCONV),
    maps("pod_namespace", "k8s.namespace.name", SEMCONV),
    maps("pod_uid", "k8s.pod.uid", SEMCONV),
    maps("init_pid", "process.pid", SEMCONV),
    maps("started_at", "process.creation.time", SEMCONV),
    maps("exit_code", "process.exit.code", SEMCONV),
    maps("exited_at", "process.exit.time", SEMCONV),
];

/// Columns that describe the container, which is the resource that a record comes from.
const OF_RESOURCE: [&str; 9] = [
    "container_id",
    "container_name",
    "runtime",
    "image_name",
    "image_id",
    "image_digest",
    "pod_name",
    "pod_namespace",
    "pod_uid",
];

/// Writes log records, each with its resource on a line of its own.
#[derive(Default)]
pub struct OtlpEncoder {
    line: JsonLine,
    message: String,
}

/// Columns that become attributes, each with the beginning of its attribute.
struct Attributes<'a>(Vec<(String, Cells<'a>)>);

impl<'a> Attributes<'a> {
    /// Takes the names of the attributes, which are plain ASCII, with their values. Columns of
    /// nulls are left out.
    fn new(named: impl IntoIterator<Item = (String, Cells<'a>)>) -> Self {
        let kept = named.into_iter().filter(|(_, cells)| !cells.are_null());
        Self(kept.map(|(name, cells)| (format!(r#"{{"key":"{name}","value":"#), cells)).collect())
    }

    /// Writes the attributes of a row that are not absent.
    fn write(&self, row: usize, line: &mut JsonLine) -> io::Result<()> {
        for (beginning, cells) in &self.0 {
            let value = cells.value(row);
            if !matches!(value, Value::Null) {
                line.plain(beginning);
                write_any(value, line)?;
                line.close();
            }
        }
        Ok(())
    }
}

impl RowEncoder for OtlpEncoder {
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        let of_resource = MAPPINGS.iter().filter(|mapping| OF_RESOURCE.contains(&mapping.column));
        let resource =
            Attributes::new(of_resource.map(|mapping| (mapping.field.to_owned(), batch.cells(mapping.column))));
        let written = [&OF_RESOURCE[..], &["ts", "labels"]].concat();
        let record = Attributes::new(table_members(batch, MAPPINGS, &written, "obit."));
        for row in batch.rows() {
            self.write(&row, &resource, &record)?;
            output.write_all(self.line.bytes())?;
            self.line.clear();
        }
        Ok(())
    }
}

impl OtlpEncoder {
    fn write(&mut self, row: &ExportRow<'_>, resource: &Attributes<'_>, record: &Attributes<'_>) -> io::Result<()> {
        let Some(instant) = row_instant(row) else { return Ok(()) };
        write_sentence(row, &instant, &mut self.message);
        let line = &mut self.line;
        line.plain(r#"{"resourceLogs":[{"resource":{"attributes":["#);
        let origin = row.origin;
        for (name, text) in [("host.name", &origin.host), ("host.id", &origin.machine_id)] {
            write_text_attribute(name, text.as_deref(), line)?;
        }
        resource.write(row.index, line)?;
        if let Some(labels) = row.labels() {
            write_labels(labels, line)?;
        }
        line.plain_end(r#"]},"scopeLogs":[{"scope":{"name":"obit"},"logRecords":["#);
        line.open();
        line.plain(&format!("\"timeUnixNano\":\"{}\"", instant.at));
        line.plain(r#""severityNumber":9,"severityText":"INFO""#);
        line.text_member("eventName", Some(event_name(row.table)))?;
        line.key("body");
        line.open();
        line.text_member("stringValue", Some(&self.message))?;
        line.close();
        line.key("attributes");
        line.open_list();
        write_text_attribute("obit.boot_id", origin.boot_id.as_deref(), line)?;
        write_text_attribute("obit.case_id", origin.case_id.as_deref(), line)?;
        record.write(row.index, line)?;
        line.close_list();
        line.close();
        line.plain_end(r#"]}],"schemaUrl":"https://opentelemetry.io/schemas/1.44.0"}]}"#);
        line.end();
        Ok(())
    }
}

/// Returns the name of the event that the rows of a table are.
fn event_name(table: Table) -> &'static str {
    match table {
        Table::ContainerCreate => "obit.container.create",
        Table::ContainerExit => "obit.container.exit",
        Table::ContainerRemove => "obit.container.remove",
        Table::ExistingContainer => "obit.container.existing",
        _ => "obit.container.disagreement",
    }
}

fn write_text_attribute(name: &str, text: Option<&str>, line: &mut JsonLine) -> io::Result<()> {
    let Some(text) = text else { return Ok(()) };
    line.open();
    line.text_member("key", Some(name))?;
    line.key("value");
    write_any(Value::Str(text), line)?;
    line.close();
    Ok(())
}

/// Writes each label as an attribute. No two may have one name.
fn write_labels(labels: MapValue<'_>, line: &mut JsonLine) -> io::Result<()> {
    let mut names = BTreeSet::new();
    for (name, value) in labels.iter() {
        if let (Value::Str(name), Value::Str(value)) = (name, value)
            && names.insert(name)
        {
            write_text_attribute(&format!("container.label.{name}"), Some(value), line)?;
        }
    }
    Ok(())
}

/// Writes a value as an `AnyValue`, with 64-bit integers as text as JSON of protobuf has them.
fn write_any(value: Value<'_>, line: &mut JsonLine) -> io::Result<()> {
    match value {
        Value::Bool(_) => {
            line.plain(r#"{"boolValue":"#);
            line.value_end(value)?;
        }
        Value::U64(_) | Value::I64(_) => {
            // A number of 64 bits without a sign does not fit into an intValue.
            let fits = !matches!(value, Value::U64(number) if i64::try_from(number).is_err());
            line.plain(if fits { r#"{"intValue":""# } else { r#"{"stringValue":""# });
            line.value_end(value)?;
            line.plain_end("\"");
        }
        Value::List(list) => {
            line.plain(r#"{"arrayValue":{"values":["#);
            list.iter().try_for_each(|element| write_any(element, line))?;
            line.plain_end("]}");
        }
        other => {
            line.plain(r#"{"stringValue":"#);
            line.value(other)?;
        }
    }
    line.close();
    Ok(())
}
