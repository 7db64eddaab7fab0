//! The Elastic Common Schema: one JSON document a row, as NDJSON.

use std::io::{self, Write};

use obit_schema::Table;
use obit_schema::value::Value;

use super::encoder::RowEncoder;
use super::instant::row_instant;
use super::json_line::{CopiedMembers, JsonLine, MapForm};
use super::mapping::{FieldMapping, maps, table_members};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;
use super::tags::tags;

/// Version of the schema that documents say they follow.
const VERSION: &str = "9.4.0";

/// The schema that defines the fields.
const ECS: &str = "ECS 9.4";

/// Columns that become fields of the schema; any other becomes `obit.` and its name.
pub const MAPPINGS: &[FieldMapping] = &[
    maps("ts", "@timestamp", ECS),
    maps("host", "host.name", ECS),
    maps("host", "host.hostname", ECS),
    maps("machine_id", "host.id", ECS),
    maps("boot_id", "host.boot.id", ECS),
    maps("case_id", "obit.case_id", "obit"),
    maps("seq", "event.sequence", ECS),
    maps("created_at", "event.start", ECS),
    maps("exited_at", "event.end", ECS),
    maps("lifetime_ns", "event.duration", ECS),
    maps("cause", "event.reason", ECS),
    maps("container_id", "container.id", ECS),
    maps("container_name", "container.name", ECS),
    maps("runtime", "container.runtime", ECS),
    maps("image_name", "container.image.name", ECS),
    maps("image_digest", "container.image.hash.all", ECS),
    maps("labels", "container.labels", ECS),
    maps("pod_name", "orchestrator.resource.name", ECS),
    maps("pod_namespace", "orchestrator.namespace", ECS),
    maps("pod_uid", "orchestrator.resource.id", ECS),
    maps("init_pid", "process.pid", ECS),
    maps("init_comm", "process.name", ECS),
    maps("started_at", "process.start", ECS),
    maps("exited_at", "process.end", ECS),
    maps("exit_code", "process.exit_code", ECS),
];

/// Columns whose fields are written one by one.
const WRITTEN: [&str; 2] = ["ts", "image_digest"];

/// Writes documents, each after a line that tells Elasticsearch's `_bulk` to create it if this is
/// asked for.
pub struct EcsEncoder {
    is_bulk: bool,
    line: JsonLine,
    message: String,
}

impl EcsEncoder {
    /// Makes an encoder.
    pub fn new(is_bulk: bool) -> Self {
        Self { is_bulk, line: JsonLine::default(), message: String::new() }
    }

    fn write(&mut self, row: &ExportRow<'_>, columns: &CopiedMembers<'_>) -> io::Result<()> {
        let Some(instant) = row_instant(row) else { return Ok(()) };
        write_sentence(row, &instant, &mut self.message);
        let line = &mut self.line;
        if self.is_bulk {
            line.plain("{\"create\":{}}\n");
        }
        line.open();
        line.key("@timestamp");
        line.time(instant.at);
        line.text_member("ecs.version", Some(VERSION))?;
        line.text_member("message", Some(&self.message))?;
        line.text_member("event.kind", Some("event"))?;
        line.plain("\"event.category\":[\"process\"]");
        let (kind, action) = match row.table {
            Table::ContainerCreate => ("start", "container-created"),
            // The end of the process; its directory may stay, or go later.
            Table::ContainerExit => ("end", "container-exited"),
            Table::ContainerRemove => ("info", "container-removed"),
            Table::ExistingContainer => ("info", "container-found-alive"),
            _ => ("info", "container-end-disputed"),
        };
        line.key("event.type");
        line.open_list();
        line.text(kind)?;
        line.close_list();
        line.text_member("event.action", Some(action))?;
        line.text_member("event.module", Some("obit"))?;
        line.text_member("event.dataset", Some(dataset(row.table)))?;
        line.text_member("event.outcome", outcome(row))?;
        line.key("tags");
        line.open_list();
        tags(row).try_for_each(|tag| line.text(tag))?;
        line.close_list();
        let origin = row.origin;
        line.text_member("host.name", origin.host.as_deref())?;
        line.text_member("host.hostname", origin.host.as_deref())?;
        line.text_member("host.id", origin.machine_id.as_deref())?;
        line.text_member("host.boot.id", origin.boot_id.as_deref())?;
        line.text_member("obit.case_id", origin.case_id.as_deref())?;
        if row.pod_name().is_some() {
            line.text_member("orchestrator.type", Some("kubernetes"))?;
            line.text_member("orchestrator.resource.type", Some("pod"))?;
        }
        if let Some(digest) = row.image_digest() {
            line.key("container.image.hash.all");
            line.open_list();
            line.value(Value::Str(digest))?;
            line.close_list();
        }
        columns.write(row.index, line)?;
        line.close();
        line.end();
        Ok(())
    }
}

impl RowEncoder for EcsEncoder {
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        let members = table_members(batch, MAPPINGS, &WRITTEN, "obit.");
        let columns = CopiedMembers::new(members, MapForm::Object);
        for row in batch.rows() {
            self.write(&row, &columns)?;
            output.write_all(self.line.bytes())?;
            self.line.clear();
        }
        Ok(())
    }
}

fn dataset(table: Table) -> &'static str {
    match table {
        Table::ContainerCreate => "obit.container_create",
        Table::ContainerExit => "obit.container_exit",
        Table::ContainerRemove => "obit.container_remove",
        Table::ExistingContainer => "obit.existing_container",
        _ => "obit.disagreement",
    }
}

/// Returns whether a container ended well, where the row tells of an end.
fn outcome(row: &ExportRow<'_>) -> Option<&'static str> {
    match (row.table, row.cause()) {
        (Table::ContainerExit | Table::ContainerRemove, None | Some("unknown")) => Some("unknown"),
        (Table::ContainerExit | Table::ContainerRemove, Some(_)) if row.exit_code() == Some(0) => Some("success"),
        (Table::ContainerExit | Table::ContainerRemove, Some(_)) => Some("failure"),
        _ => None,
    }
}
