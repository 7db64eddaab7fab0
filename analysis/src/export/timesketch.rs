//! Timesketch: JSON lines with an event for each instant of a container's life.

use std::io::{self, Write};

use obit_schema::value::Value;

use super::encoder::RowEncoder;
use super::instant::{Instant, InstantFinder, InstantKind};
use super::json_line::{CopiedMembers, JsonLine, MapForm};
use super::mapping::{FieldMapping, maps, unmapped_columns};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;
use super::tags::tags;

/// The guide of Timesketch that defines its fields.
const GUIDE: &str = "Timesketch, import-from-json-csv";

/// The names that plaso gives, which Timesketch's analyzers look for.
const PLASO: &str = "plaso, output fields";

/// Columns that become another field; the others keep their names.
pub const MAPPINGS: &[FieldMapping] = &[maps("ts", "datetime", GUIDE), maps("host", "hostname", PLASO)];

/// Columns of events about instants that are not the row's own.
const IDENTITY_COLUMNS: [&str; 9] = [
    "seq",
    "runtime",
    "container_id",
    "container_name",
    "image_name",
    "pod_name",
    "pod_namespace",
    "pod_uid",
    "parent_container_id",
];

/// Writes events for Timesketch.
#[derive(Default)]
pub struct TimesketchEncoder {
    instants: InstantFinder,
    line: JsonLine,
    message: String,
}

impl RowEncoder for TimesketchEncoder {
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        let columns = |names: &mut dyn Iterator<Item = &'static str>| {
            CopiedMembers::new(names.map(|name| (name.to_owned(), batch.cells(name))), MapForm::List)
        };
        let all = columns(&mut unmapped_columns(batch.table, MAPPINGS));
        let identity = columns(&mut IDENTITY_COLUMNS.into_iter());
        let mut found = Vec::new();
        for row in batch.rows() {
            self.instants.find(&row, &mut found);
            for instant in &found {
                self.write(&row, instant, if instant.is_of_row { &all } else { &identity })?;
            }
            output.write_all(self.line.bytes())?;
            self.line.clear();
        }
        Ok(())
    }
}

impl TimesketchEncoder {
    fn write(&mut self, row: &ExportRow<'_>, instant: &Instant<'_>, columns: &CopiedMembers<'_>) -> io::Result<()> {
        write_sentence(row, instant, &mut self.message);
        let line = &mut self.line;
        line.open();
        line.text_member("message", Some(&self.message))?;
        line.key("datetime");
        line.time(instant.at);
        // Timesketch itself keeps microseconds.
        line.key("timestamp_ns");
        line.value(Value::I64(instant.at))?;
        line.text_member("timestamp_desc", Some(instant.kind.title()))?;
        line.text_member("data_type", Some(data_type(instant.kind)))?;
        line.key("tag");
        line.open_list();
        // A mark is about the end, not about all that came before it.
        if instant.is_of_row || instant.kind == InstantKind::OomKilled {
            tags(row).try_for_each(|tag| line.text(tag))?;
        }
        line.close_list();
        let origin = row.origin;
        line.text_member("hostname", origin.host.as_deref())?;
        line.text_member("machine_id", origin.machine_id.as_deref())?;
        line.text_member("boot_id", origin.boot_id.as_deref())?;
        line.text_member("case_id", origin.case_id.as_deref())?;
        line.text_member("obit_table", Some(row.table.name()))?;
        line.text_member("order_step", instant.step)?;
        columns.write(row.index, line)?;
        line.close();
        line.end();
        Ok(())
    }
}

/// Returns the type of event, in the form that plaso gives.
fn data_type(kind: InstantKind) -> &'static str {
    match kind {
        InstantKind::Created => "obit:container:created",
        InstantKind::FoundAlive => "obit:container:found_alive",
        InstantKind::Started => "obit:container:started",
        InstantKind::OrderStep => "obit:container:order_step",
        InstantKind::OomKilled => "obit:container:oom_killed",
        InstantKind::Exited => "obit:container:exited",
        InstantKind::Emptied => "obit:container:emptied",
        InstantKind::Removed => "obit:container:removed",
        InstantKind::Disputed => "obit:container:disputed",
    }
}
