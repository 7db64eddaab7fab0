//! The host and the case that a row comes from: columns that are put before those of a derived
//! table where rows of several cases meet.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use obit_case::Case;
use obit_case::manifest::Manifest;
use obit_derivation::Profile;
use obit_schema::Table;

use crate::error::Error;
use crate::profile;

/// The host and the case that a row comes from. A fact that case.json does not have is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct RowOrigin {
    /// Name of the host.
    pub host: Option<String>,
    /// `/etc/machine-id` of the host.
    pub machine_id: Option<String>,
    /// Id of the host's boot.
    pub boot_id: Option<String>,
    /// Id of the case.
    pub case_id: Option<String>,
}

impl RowOrigin {
    /// The origin of which nothing is known.
    pub const UNKNOWN: &'static Self = &Self { host: None, machine_id: None, boot_id: None, case_id: None };

    /// Names of the columns, in their order.
    pub const COLUMNS: [&'static str; 4] = ["host", "machine_id", "boot_id", "case_id"];

    /// Reads the origin of a case's rows from case.json.
    pub fn of(case: &Case) -> Self {
        case.manifest().map(Self::of_manifest).unwrap_or_default()
    }

    /// Reads the origin of a case's rows from its manifest.
    pub fn of_manifest(manifest: &Manifest) -> Self {
        let fact = |name: &str| manifest.host.get(name).and_then(|value| value.as_str()).map(str::to_owned);
        Self {
            host: fact("hostname"),
            machine_id: fact("machine_id"),
            boot_id: fact("boot_id"),
            case_id: Some(manifest.case_id.clone()),
        }
    }

    /// Returns the value of a column of [`RowOrigin::COLUMNS`].
    pub fn value(&self, column: &str) -> Option<&str> {
        match column {
            "host" => self.host.as_deref(),
            "machine_id" => self.machine_id.as_deref(),
            "boot_id" => self.boot_id.as_deref(),
            "case_id" => self.case_id.as_deref(),
            _ => None,
        }
    }
}

/// The columns of an output: some of a derived table, some of the rows' origin.
#[derive(Clone, Debug)]
pub struct OutputColumns {
    table: Table,
    schema: SchemaRef,
}

impl OutputColumns {
    /// Chooses columns by their names; without names those that a profile fills, with those of the
    /// origin before them if this is asked for.
    ///
    /// # Errors
    /// [`Error::NoColumn`].
    pub fn choose(table: Table, profile: Profile, names: &[String], with_origin: bool) -> Result<Self, Error> {
        let filled = profile::schema(profile, table)?;
        let of_origin = RowOrigin::COLUMNS.map(|name| Arc::new(Field::new(name, DataType::Utf8, true)));
        let known: Vec<_> = of_origin.iter().chain(filled.fields()).cloned().collect();
        let chosen = if names.is_empty() {
            let before = if with_origin { 0 } else { of_origin.len() };
            known[before..].to_vec()
        } else {
            let find = |name: &String| {
                let is_it = |field: &&Arc<Field>| field.name() == name.trim();
                known.iter().find(is_it).cloned().ok_or_else(|| Error::NoColumn {
                    table: table.name(),
                    column: name.clone(),
                    known: known.iter().map(|field| field.name().clone()).collect(),
                })
            };
            let mut fields: Vec<Arc<Field>> = Vec::new();
            for name in names {
                let field = find(name)?;
                // Nothing reads a file with two columns of one name.
                if !fields.contains(&field) {
                    fields.push(field);
                }
            }
            fields
        };
        Ok(Self { table, schema: Arc::new(Schema::new(chosen)) })
    }

    /// Returns the names of the columns.
    pub fn names(&self) -> Vec<&'static str> {
        let known = || RowOrigin::COLUMNS.into_iter().chain(self.table.columns().iter().map(|column| column.name));
        let fields = self.schema.fields().iter();
        fields.filter_map(|field| known().find(|name| name == field.name())).collect()
    }

    /// Returns the columns as Arrow has them.
    pub fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    /// Returns these columns of a batch of the table, whose rows have these origins.
    ///
    /// # Errors
    /// [`Error::Columns`], if there are not as many origins as rows.
    pub fn select<'a>(
        &self,
        batch: &RecordBatch,
        origins: impl Iterator<Item = &'a RowOrigin> + Clone,
    ) -> Result<RecordBatch, Error> {
        let columns = self.schema.fields().iter().map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => {
                let values = origins.clone().take(batch.num_rows()).map(|origin| origin.value(field.name()));
                Arc::new(values.collect::<StringArray>()) as ArrayRef
            }
        });
        RecordBatch::try_new(self.schema(), columns.collect()).map_err(profile::columns_error(self.table))
    }
}
