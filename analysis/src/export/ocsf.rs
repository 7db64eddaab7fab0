//! OCSF 1.8, the Open Cybersecurity Schema Framework: one Process Activity event a row.

use std::io::{self, Write};

use obit_schema::Table;
use obit_schema::value::{MapValue, Value};

use super::encoder::RowEncoder;
use super::instant::row_instant;
use super::json_line::{CopiedMembers, JsonLine, MapForm};
use super::mapping::{FieldMapping, maps, table_members};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;

/// Version of the schema that events say they follow.
const VERSION: &str = "1.8.0";

/// The class that the fields belong to.
const CLASS: &str = "OCSF 1.8, Process Activity";
/// The object that a process is.
const PROCESS: &str = "OCSF 1.8, Process";
/// The object that a container is.
const CONTAINER: &str = "OCSF 1.8, Container";
/// The object that a host is.
const DEVICE: &str = "OCSF 1.8, Device";
/// The object that tells of the event itself.
const METADATA: &str = "OCSF 1.8, Metadata";

/// Columns that become attributes of the class; any other is in `unmapped` under its name.
pub const MAPPINGS: &[FieldMapping] = &[
    maps("ts", "time", CLASS),
    maps("ts", "metadata.original_time", METADATA),
    maps("seq", "metadata.sequence", METADATA),
    maps("case_id", "metadata.correlation_uid", METADATA),
    maps("host", "device.hostname", DEVICE),
    maps("machine_id", "device.uid", DEVICE),
    maps("boot_id", "device.boot_uid", DEVICE),
    maps("exit_code", "exit_code", CLASS),
    maps("cause", "status_detail", CLASS),
    maps("init_pid", "process.pid", PROCESS),
    maps("init_comm", "process.name", PROCESS),
    maps("container_id", "process.container.uid", CONTAINER),
    maps("container_name", "process.container.name", CONTAINER),
    maps("runtime", "process.container.runtime", CONTAINER),
    maps("labels", "process.container.labels", CONTAINER),
];

/// Columns of the mappings that are copied as they are, by the object that they are in.
const OF_CLASS: [(&str, &str); 2] = [("exit_code", "exit_code"), ("cause", "status_detail")];
const OF_PROCESS: [(&str, &str); 2] = [("init_pid", "pid"), ("init_comm", "name")];
const OF_CONTAINER: [(&str, &str); 3] = [("container_id", "uid"), ("container_name", "name"), ("runtime", "runtime")];

/// Nanoseconds of a millisecond, in which OCSF has times.
const MS: i64 = 1_000_000;

/// Writes events as JSON lines.
#[derive(Default)]
pub struct OcsfEncoder {
    line: JsonLine,
    message: String,
}

/// The columns of a batch that are copied, by the object that they are in.
struct OcsfColumns<'a> {
    class: CopiedMembers<'a>,
    process: CopiedMembers<'a>,
    container: CopiedMembers<'a>,
    unmapped: CopiedMembers<'a>,
}

impl<'a> OcsfColumns<'a> {
    fn of(batch: &RowBatch<'a>) -> Self {
        let chosen = |columns: &[(&str, &str)]| {
            let members = columns.iter().map(|(column, name)| ((*name).to_owned(), batch.cells(column)));
            CopiedMembers::new(members, MapForm::List)
        };
        let mapped: Vec<&str> = MAPPINGS.iter().map(|mapping| mapping.column).collect();
        let unmapped = table_members(batch, MAPPINGS, &mapped, "");
        Self {
            class: chosen(&OF_CLASS),
            process: chosen(&OF_PROCESS),
            container: chosen(&OF_CONTAINER),
            unmapped: CopiedMembers::new(unmapped, MapForm::Object),
        }
    }
}

impl RowEncoder for OcsfEncoder {
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        let columns = OcsfColumns::of(batch);
        for row in batch.rows() {
            self.write(&row, &columns)?;
            output.write_all(self.line.bytes())?;
            self.line.clear();
        }
        Ok(())
    }
}

impl OcsfEncoder {
    fn write(&mut self, row: &ExportRow<'_>, columns: &OcsfColumns<'_>) -> io::Result<()> {
        let Some(instant) = row_instant(row) else { return Ok(()) };
        write_sentence(row, &instant, &mut self.message);
        let line = &mut self.line;
        line.open();
        line.plain(activity(row.table));
        line.plain(
            r#""category_uid":1,"category_name":"System Activity","class_uid":1007,"class_name":"Process Activity""#,
        );
        line.plain(r#""severity_id":1,"severity":"Informational""#);
        line.key("time");
        line.value(Value::I64(instant.at.div_euclid(MS)))?;
        line.text_member("message", Some(&self.message))?;
        write_ms(line, "start_time", row.created_at())?;
        write_ms(line, "end_time", row.exited_at())?;
        write_ms(line, "duration", row.lifetime_ns().and_then(|ns| i64::try_from(ns).ok()))?;
        if let Some(status) = status(row) {
            line.plain(status);
        }
        columns.class.write(row.index, line)?;
        write_metadata(row, line)?;
        write_device(row, line)?;
        write_actor(row, line)?;
        line.key("process");
        line.open();
        // The class wants an id of the process, and its pid is not always known.
        line.text_member("uid", row.container_id())?;
        columns.process.write(row.index, line)?;
        write_ms(line, "created_time", row.started_at())?;
        write_ms(line, "terminated_time", row.exited_at())?;
        line.key("container");
        line.open();
        columns.container.write(row.index, line)?;
        write_image(row, line)?;
        if let Some(labels) = row.labels() {
            write_labels(labels, line)?;
        }
        if row.pod_name().is_some() {
            line.text_member("orchestrator", Some("kubernetes"))?;
        }
        line.text_member("pod_uuid", row.pod_uid().filter(|uid| is_uuid(uid)))?;
        line.close();
        line.close();
        line.key("unmapped");
        line.open();
        columns.unmapped.write(row.index, line)?;
        line.close();
        line.close();
        line.end();
        Ok(())
    }
}

/// Returns the members that tell what happened: activity and type.
fn activity(table: Table) -> &'static str {
    match table {
        Table::ContainerCreate => {
            r#""activity_id":1,"activity_name":"Launch","type_uid":100701,"type_name":"Process Activity: Launch""#
        }
        Table::ContainerExit => {
            r#""activity_id":2,"activity_name":"Terminate","type_uid":100702,"type_name":"Process Activity: Terminate""#
        }
        Table::ContainerRemove => {
            r#""activity_id":99,"activity_name":"Container Removed","type_uid":100799,"type_name":"Process Activity: Other""#
        }
        Table::ExistingContainer => {
            r#""activity_id":99,"activity_name":"Container Found Alive","type_uid":100799,"type_name":"Process Activity: Other""#
        }
        _ => {
            r#""activity_id":99,"activity_name":"Container End Disputed","type_uid":100799,"type_name":"Process Activity: Other""#
        }
    }
}

/// Returns the members that tell whether a container ended well, if the row tells of an end.
fn status(row: &ExportRow<'_>) -> Option<&'static str> {
    Some(match (row.table, row.cause(), row.exit_code()) {
        (Table::ContainerExit, None | Some("unknown"), _) => r#""status_id":0,"status":"Unknown""#,
        (Table::ContainerExit, Some(_), Some(0)) => r#""status_id":1,"status":"Success""#,
        (Table::ContainerExit, Some(_), _) => r#""status_id":2,"status":"Failure""#,
        _ => return None,
    })
}

fn write_ms(line: &mut JsonLine, name: &str, ns: Option<i64>) -> io::Result<()> {
    let Some(ns) = ns else { return Ok(()) };
    line.key(name);
    line.value(Value::I64(ns.div_euclid(MS)))
}

fn write_metadata(row: &ExportRow<'_>, line: &mut JsonLine) -> io::Result<()> {
    line.key("metadata");
    line.open();
    line.text_member("version", Some(VERSION))?;
    line.plain(r#""product":{"name":"obit","vendor_name":"obit"},"profiles":["container","host"]"#);
    line.text_member("log_name", Some(row.table.name()))?;
    line.text_member("correlation_uid", row.origin.case_id.as_deref())?;
    if let Some(seq) = row.seq() {
        line.key("sequence");
        line.value(Value::U64(seq))?;
    }
    if let Some(ts) = row.ts() {
        line.key("original_time");
        line.time(ts);
    }
    line.close();
    Ok(())
}

fn write_device(row: &ExportRow<'_>, line: &mut JsonLine) -> io::Result<()> {
    let origin = row.origin;
    line.key("device");
    line.open();
    line.plain(r#""type_id":0,"type":"Unknown""#);
    line.text_member("hostname", origin.host.as_deref())?;
    line.text_member("uid", origin.machine_id.as_deref())?;
    line.text_member("boot_uid", origin.boot_id.as_deref())?;
    if origin.host.is_none() && origin.machine_id.is_none() {
        // The class wants one of them.
        line.text_member("name", Some("unknown"))?;
    }
    line.close();
    Ok(())
}

/// Writes who created, ended or removed the container.
fn write_actor(row: &ExportRow<'_>, line: &mut JsonLine) -> io::Result<()> {
    let (pid, comm, uid) = match row.table {
        Table::ContainerCreate => (row.created_by_pid(), row.created_by_comm(), row.created_by_uid()),
        Table::ContainerExit => (row.killed_by_pid(), row.killed_by_comm(), row.killed_by_uid()),
        Table::ContainerRemove => (row.removed_by_pid(), row.removed_by_comm(), row.removed_by_uid()),
        _ => (None, None, None),
    };
    line.key("actor");
    line.open();
    match pid {
        Some(pid) => {
            line.key("process");
            line.open();
            line.key("pid");
            line.value(Value::U64(pid))?;
            line.text_member("name", comm)?;
            if let Some(uid) = uid {
                line.key("user");
                line.open();
                line.plain(&format!("\"uid\":\"{uid}\""));
                line.close();
            }
            line.close();
        }
        // The class wants an actor, and no record tells of one.
        None => line.text_member("app_name", Some("unknown"))?,
    }
    line.close();
    Ok(())
}

/// Writes the image, if it has an id: the class wants one.
fn write_image(row: &ExportRow<'_>, line: &mut JsonLine) -> io::Result<()> {
    let Some(id) = row.image_id().or(row.image_digest()) else { return Ok(()) };
    line.key("image");
    line.open();
    line.text_member("uid", Some(id))?;
    line.text_member("name", row.image_name())?;
    line.close();
    Ok(())
}

fn write_labels(labels: MapValue<'_>, line: &mut JsonLine) -> io::Result<()> {
    line.key("labels");
    line.map_as_list(labels)
}

/// Returns true for 32 hexadecimal digits with dashes after 8, 12, 16 and 20.
fn is_uuid(text: &str) -> bool {
    let is_right = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    text.len() == 36 && text.bytes().enumerate().all(is_right)
}
