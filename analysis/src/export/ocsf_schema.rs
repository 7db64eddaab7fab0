//! The events of OCSF as columns, for tables that hold them: one schema for every case.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Fields, Schema};
use obit_schema::Table;

use super::mapping::exported_columns;
use super::ocsf::MAPPINGS;

/// Returns the schema of events as [`ExportFormat::Ocsf`](super::ExportFormat::Ocsf) writes them.
/// Times that OCSF has in milliseconds are numbers, all others text. Numbers have types that Athena
/// and Spark know, which have no unsigned ones.
pub fn ocsf_schema() -> Schema {
    let image = structure([texts(&["uid", "name"])]);
    let container = structure([
        texts(&["uid", "name", "runtime", "orchestrator", "pod_uuid"]),
        vec![field("image", image), field("labels", text_list())],
    ]);
    let process = structure([
        texts(&["uid", "name"]),
        longs(&["pid", "created_time", "terminated_time"]),
        vec![field("container", container)],
    ]);
    let user = structure([texts(&["uid"])]);
    let actor_process = structure([longs(&["pid"]), texts(&["name"]), vec![field("user", user)]]);
    let actor = structure([texts(&["app_name"]), vec![field("process", actor_process)]]);
    let device = structure([integers(&["type_id"]), texts(&["type", "hostname", "uid", "boot_uid", "name"])]);
    let product = structure([texts(&["name", "vendor_name"])]);
    let metadata = structure([
        texts(&["version", "log_name", "correlation_uid", "original_time"]),
        longs(&["sequence"]),
        vec![field("product", product), field("profiles", text_list())],
    ]);
    let fields = [
        integers(&["activity_id", "category_uid", "class_uid", "severity_id", "status_id", "exit_code"]),
        texts(&["activity_name", "category_name", "class_name", "severity", "status", "type_name"]),
        texts(&["message", "status_detail"]),
        longs(&["type_uid", "time", "start_time", "end_time", "duration"]),
        vec![
            field("metadata", metadata),
            field("device", device),
            field("actor", actor),
            field("process", process),
            field("unmapped", structure([unmapped()])),
        ],
    ];
    Schema::new(fields.concat())
}

/// Returns the columns that no mapping names.
fn unmapped() -> Vec<Field> {
    let is_mapped = |column: &str| MAPPINGS.iter().any(|mapping| mapping.column == column);
    let columns = exported_columns().into_iter().filter(|column| !is_mapped(column));
    let declared = |name: &str| Table::DERIVED.iter().flat_map(|table| table.columns()).find(|one| one.name == name);
    columns.filter_map(|name| Some(field(name, json_type(&(declared(name)?.data_type)())))).collect()
}

/// Returns the type of a column's values as a line of JSON has them.
fn json_type(column: &DataType) -> DataType {
    match column {
        DataType::Boolean => DataType::Boolean,
        DataType::Int32 => DataType::Int32,
        DataType::Int64 | DataType::UInt32 => DataType::Int64,
        // An inode number may have all 64 bits.
        DataType::UInt64 => DataType::Decimal128(20, 0),
        DataType::List(element) => list(json_type(element.data_type())),
        _ => DataType::Utf8,
    }
}

fn field(name: &str, data_type: DataType) -> Field {
    Field::new(name, data_type, true)
}

fn texts(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, DataType::Utf8)).collect()
}

fn integers(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, DataType::Int32)).collect()
}

fn longs(names: &[&str]) -> Vec<Field> {
    names.iter().map(|name| field(name, DataType::Int64)).collect()
}

fn list(element: DataType) -> DataType {
    DataType::List(Arc::new(field("element", element)))
}

fn text_list() -> DataType {
    list(DataType::Utf8)
}

fn structure<const N: usize>(fields: [Vec<Field>; N]) -> DataType {
    DataType::Struct(Fields::from(fields.concat()))
}
