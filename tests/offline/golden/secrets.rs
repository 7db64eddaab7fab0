//! No golden case holds a container's environment or arguments, nor an argument of anything but an
//! OCI runtime.

use std::path::Path;

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_derivation::identity::argv;
use obit_schema::Table;
use obit_schema::text::Cell;
use obit_schema::text::json;
use obit_schema::value::{Value, cell};

use super::case::Golden;

/// Text that fixtures/cases/record.sh gives to every container, as environment and as argument.
const SECRET: &str = "hunter2";

/// Keys of an OCI configuration whose values must stay secret.
const SECRET_KEYS: [&str; 3] = ["\"env\"", "\"args\"", "\"Env\""];

fn for_each_batch(case: &Golden, mut each: impl FnMut(Table, &RecordBatch)) {
    let case = Case::open(Path::new(&case.arg())).expect("a case");
    for table in Table::ALL {
        case.batches(table).for_each(|batch| each(table, &batch.expect("a batch")));
    }
}

#[test]
fn secrets_of_the_containers_are_nowhere() {
    for case in Golden::all() {
        let note = std::fs::read_to_string(case.directory.join("NOTE.md")).expect("a note");
        assert!(note.contains(SECRET), "{}: its containers were given no secret that could be found", case.name);
        let manifest = case.manifest().to_string();
        assert!(!manifest.contains(SECRET), "{}: {manifest}", case.name);
        let mut cells = 0;
        for_each_batch(&case, |table, batch| {
            for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
                for row in 0..batch.num_rows() {
                    let text = json::to_string(&Cell::new(column.as_ref(), row)).expect("text");
                    assert!(!text.contains(SECRET), "{} {table} {}: {text}", case.name, field.name());
                    cells += 1;
                }
            }
        });
        assert!(cells > 1_000, "{}: only {cells} values were looked at", case.name);
    }
}

#[test]
fn documents_have_no_environment_and_no_arguments() {
    for case in Golden::all() {
        let mut documents = 0;
        for_each_batch(&case, |table, batch| {
            let Some(column) = batch.column_by_name("document") else { return };
            for row in 0..batch.num_rows() {
                let Value::Str(document) = cell(column.as_ref(), row) else { continue };
                for key in SECRET_KEYS {
                    assert!(!document.contains(key), "{} {table}: {key} in {document}", case.name);
                }
                documents += 1;
            }
        });
        assert!(documents > 0, "{}: no document was looked at", case.name);
    }
}

#[test]
fn only_oci_runtimes_have_arguments() {
    for case in Golden::all() {
        let mut vectors = 0;
        for_each_batch(&case, |table, batch| {
            for name in ["actor_argv", "created_by_argv", "removed_by_argv"] {
                let Some(column) = batch.column_by_name(name) else { continue };
                for row in 0..batch.num_rows() {
                    let Value::List(list) = cell(column.as_ref(), row) else { continue };
                    let text = |value| match value {
                        Value::Str(text) => text,
                        _ => panic!("{name} is a list of text"),
                    };
                    let vector: Vec<_> = list.iter().map(text).collect();
                    assert!(vector.len() <= 1 || argv::parse(&vector).is_some(), "{} {table}: {vector:?}", case.name);
                    vectors += 1;
                }
            }
        });
        assert!(vectors > 0, "{}: no argument vector was looked at", case.name);
    }
}
