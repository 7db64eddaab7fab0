//! JSON Schemas (draft 2020-12) of the JSON that commands print.

use arrow_schema::{DataType, Field};
use obit_schema::Table;
use schemars::{Schema, schema_for};
use serde_json::{Map, Value, json};

use super::diff::DiffReport;
use super::explain::ExplainReport;
use super::inventory::InventoryReport;
use super::subject::SchemaSubject;
use super::triage::TriageDocument;
use super::verify::VerifyReport;

/// The dialect of the schemas.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A text of RFC 3339 with nine digits, as rows have times.
const TIME_PATTERN: &str = r"^-?\d{4,}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{9}Z$";

/// Returns the schema of a subject.
pub fn schema(subject: SchemaSubject) -> Value {
    match subject {
        SchemaSubject::Verify => report(schema_for!(VerifyReport)),
        SchemaSubject::Diff => report(schema_for!(DiffReport)),
        SchemaSubject::Explain => report(schema_for!(ExplainReport)),
        SchemaSubject::Inventory => report(schema_for!(InventoryReport)),
        SchemaSubject::Triage => report(schema_for!(TriageDocument)),
        SchemaSubject::Row(table) => row(table),
    }
}

fn report(schema: Schema) -> Value {
    schema.to_value()
}

/// Returns the schema of a table's rows, by the columns that the table declares.
fn row(table: Table) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for column in table.columns() {
        let mut property = of_type(&(column.data_type)(), column.nullable);
        let about = column.doc.split_whitespace().collect::<Vec<_>>().join(" ");
        if let Some(property) = property.as_object_mut() {
            property.insert("description".to_owned(), Value::String(about));
        }
        properties.insert(column.name.to_owned(), property);
        required.push(Value::String(column.name.to_owned()));
    }
    json!({
        "$schema": DIALECT,
        "title": table.name(),
        "description": format!("A row of {table}, as derive --format jsonl prints it."),
        "type": "object",
        "properties": properties,
        "required": required,
    })
}

/// Returns the schema of a value of this type.
fn of_type(data_type: &DataType, is_nullable: bool) -> Value {
    let of_field = |field: &Field| of_type(field.data_type(), field.is_nullable());
    let schema = match data_type {
        DataType::Boolean => json!({ "type": "boolean" }),
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 | DataType::UInt64 => {
            json!({ "type": "integer", "minimum": 0 })
        }
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => json!({ "type": "integer" }),
        DataType::Timestamp(..) => json!({ "type": "string", "pattern": TIME_PATTERN }),
        DataType::List(element) => json!({ "type": "array", "items": of_field(element) }),
        DataType::Map(entries, _) => {
            let value = match entries.data_type() {
                DataType::Struct(fields) => fields.get(1).map(|field| of_field(field)),
                _ => None,
            };
            json!({ "type": "object", "additionalProperties": value.unwrap_or(Value::Bool(true)) })
        }
        DataType::Struct(fields) => {
            let properties: Map<String, Value> =
                fields.iter().map(|field| (field.name().clone(), of_field(field))).collect();
            json!({ "type": "object", "properties": properties })
        }
        _ => json!({ "type": "string" }),
    };
    match (is_nullable, schema) {
        (true, Value::Object(mut schema)) => {
            if let Some(one) = schema.remove("type") {
                schema.insert("type".to_owned(), json!([one, "null"]));
            }
            Value::Object(schema)
        }
        (_, schema) => schema,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_schema_names_its_dialect() {
        for subject in SchemaSubject::all() {
            assert_eq!(schema(subject)["$schema"], DIALECT, "{}", subject.name());
        }
    }

    #[test]
    fn a_row_has_every_column_and_those_that_may_be_null_say_so() {
        let schema = schema(SchemaSubject::Row(Table::ContainerExit));
        assert_eq!(schema["required"].as_array().map(Vec::len), Some(Table::ContainerExit.columns().len()));
        assert_eq!(schema["properties"]["exit_code"]["type"], json!(["integer", "null"]));
        assert_eq!(schema["properties"]["container_id"]["type"], "string");
        assert_eq!(schema["properties"]["ts"]["pattern"], TIME_PATTERN);
    }
}
