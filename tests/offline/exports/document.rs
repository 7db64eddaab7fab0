//! docs/exports.md against the mappings in the code.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use obit_analysis::export::ExportFormat;
use obit_analysis::export::mapping::exported_columns;

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/exports.md")
}

/// The table of a format as the document has it.
fn fields(format: ExportFormat) -> String {
    let mut lines = "| column | field | the field's meaning is defined by |\n|---|---|---|\n".to_owned();
    for mapping in format.mappings() {
        lines.push_str(&format!("| `{}` | `{}` | {} |\n", mapping.column, mapping.field, mapping.defined_by));
    }
    lines.push_str(&format!("| `*` | `{}` | docs/case-format.md |\n", format.unmapped_field("COLUMN")));
    lines
}

/// `BLESS=1` writes the mappings into the document; review the difference.
#[test]
fn fields_are_documented_as_they_are_mapped() {
    let mut document = fs::read_to_string(path()).expect("docs/exports.md");
    let is_blessing = std::env::var_os("BLESS").is_some();
    for format in ExportFormat::ALL {
        assert!(document.contains(&format!("`{}`", format.name())), "{} is not documented", format.name());
        let begin = format!("<!-- fields: {} -->\n", format.name());
        let Some(start) = document.find(&begin) else {
            // Another form of a format has its fields.
            assert!(ExportFormat::ALL.iter().any(|other| *other != format && other.mappings() == format.mappings()));
            continue;
        };
        let start = start + begin.len();
        let end = start + document[start..].find("<!-- end -->").expect("an end");
        if is_blessing {
            document.replace_range(start..end, &fields(format));
        } else {
            assert_eq!(document[start..end], fields(format), "{}: review, then BLESS=1 cargo test", format.name());
        }
    }
    if is_blessing {
        fs::write(path(), document).expect("written");
    }
}

#[test]
fn mappings_name_columns_that_there_are_and_no_field_twice() {
    let columns = exported_columns();
    for format in ExportFormat::ALL {
        let mut fields = BTreeSet::new();
        for mapping in format.mappings() {
            assert!(columns.contains(&mapping.column), "{}: {}", format.name(), mapping.column);
            assert!(fields.insert(mapping.field.to_owned()), "{}: {} twice", format.name(), mapping.field);
        }
        for column in columns.iter().filter(|column| format.mappings().iter().all(|one| one.column != **column)) {
            let field = format.unmapped_field(column);
            assert!(fields.insert(field.clone()), "{}: {field} twice", format.name());
        }
    }
}
