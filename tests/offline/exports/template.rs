//! The index template for Elasticsearch, which follows from the mappings and the columns' types.

use std::fs;
use std::path::Path;

use arrow_schema::DataType;
use obit_analysis::export::ExportFormat;
use obit_analysis::export::mapping::exported_columns;
use obit_schema::Table;
use serde_json::{Map, Value, json};

/// Longest text that a keyword is indexed by, in characters: Lucene refuses more than 32,766 bytes,
/// and with it the document.
const MAX_KEYWORD: u32 = 8_191;

fn keyword() -> Value {
    json!({"type": "keyword", "ignore_above": MAX_KEYWORD})
}

/// Returns the type of a column, in the schema's own fields or in those of obit.
fn type_of(column: &str, is_ecs: bool) -> Value {
    let declared = Table::DERIVED.iter().flat_map(|table| table.columns()).find(|one| one.name == column);
    // The origin's columns are texts.
    let Some(declared) = declared else { return keyword() };
    match (declared.data_type)() {
        DataType::List(element) if matches!(element.data_type(), DataType::Timestamp(..)) => {
            json!({"type": "date_nanos"})
        }
        DataType::List(element) if *element.data_type() == DataType::UInt64 => json!({"type": "unsigned_long"}),
        DataType::Utf8 | DataType::List(_) => keyword(),
        DataType::Boolean => json!({"type": "boolean"}),
        DataType::Timestamp(..) => json!({"type": "date_nanos"}),
        DataType::UInt64 if !is_ecs => json!({"type": "unsigned_long"}),
        DataType::UInt64 | DataType::UInt32 | DataType::Int32 | DataType::Int64 => json!({"type": "long"}),
        DataType::Map(..) => json!({"type": "flattened", "ignore_above": MAX_KEYWORD}),
        other => panic!("{column}: no type for {other}"),
    }
}

fn template() -> Value {
    let mut properties: Map<String, Value> = Map::new();
    for name in [
        "ecs.version",
        "event.kind",
        "event.category",
        "event.type",
        "event.action",
        "event.module",
        "event.dataset",
        "event.outcome",
        "tags",
        "orchestrator.type",
        "orchestrator.resource.type",
    ] {
        properties.insert(name.to_owned(), keyword());
    }
    properties.insert("message".to_owned(), json!({"type": "match_only_text"}));
    for column in exported_columns() {
        let mappings = ExportFormat::Ecs.mappings().iter().filter(|mapping| mapping.column == column);
        let mut fields: Vec<String> = mappings.map(|mapping| mapping.field.to_owned()).collect();
        if fields.is_empty() {
            fields.push(ExportFormat::Ecs.unmapped_field(column));
        }
        for field in fields {
            let is_ecs = !field.starts_with("obit.");
            properties.insert(field, type_of(column, is_ecs));
        }
    }
    json!({
        "index_patterns": ["logs-obit-*"],
        "data_stream": {},
        "priority": 200,
        "_meta": {"description": "Rows of obit as the Elastic Common Schema has them; see docs/exports.md"},
        "template": {"mappings": {"dynamic": false, "properties": properties}},
    })
}

/// `BLESS=1` writes the template; review the difference.
#[test]
fn the_index_template_has_each_field_by_its_type() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/elastic/index-template.json");
    let text = format!("{:#}\n", template());
    if std::env::var_os("BLESS").is_some() {
        fs::create_dir_all(path.parent().expect("a folder")).expect("writable");
        fs::write(&path, &text).expect("written");
    }
    let found = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    assert_eq!(found, text, "review, then BLESS=1 cargo test");
}
