//! The metadata by which every file of a case states its origin.

use std::collections::HashMap;

use crate::manifest::Manifest;
use obit_schema::tables::Table;

/// Key of the version of the tables, a decimal number.
pub const SCHEMA_VERSION_KEY: &str = "obit.schema_version";
/// Key of the case's id.
pub const CASE_ID_KEY: &str = "obit.case_id";
/// Key of the build that wrote the file: `version commit`.
pub const BUILD_KEY: &str = "obit.build";
/// Key of the table's name.
pub const TABLE_KEY: &str = "obit.table";

/// Origin of a file: its case and the build that wrote it. Parquet parts have it as key-value
/// metadata, journals as metadata of their schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileOrigin {
    /// Version of the tables.
    pub schema_version: u32,
    /// The case's id.
    pub case_id: String,
    /// The build: `version commit`.
    pub build: String,
}

impl FileOrigin {
    /// Returns the origin that a case's files have.
    pub fn of(manifest: &Manifest) -> Self {
        Self {
            schema_version: manifest.schema_version,
            case_id: manifest.case_id.clone(),
            build: format!("{} {}", manifest.build.version, manifest.build.commit).trim_end().to_owned(),
        }
    }

    /// Returns the key-value pairs of a file of that table.
    pub(crate) fn pairs(&self, table: Table) -> HashMap<String, String> {
        [
            (SCHEMA_VERSION_KEY, self.schema_version.to_string()),
            (CASE_ID_KEY, self.case_id.clone()),
            (BUILD_KEY, self.build.clone()),
            (TABLE_KEY, table.name().to_owned()),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    /// Reads the origin from the key-value pairs of a file, which must be of that table.
    ///
    /// # Errors
    /// The reason, for [`crate::Problem::Foreign`].
    pub(crate) fn find<'a>(table: Table, value: impl Fn(&str) -> Option<&'a str>) -> Result<Self, String> {
        let need = |key: &str| value(key).ok_or_else(|| format!("it does not say {key}: another program wrote it"));
        let named = need(TABLE_KEY)?;
        if named != table.name() {
            return Err(format!("it is a part of {named}"));
        }
        let version = need(SCHEMA_VERSION_KEY)?;
        Ok(Self {
            schema_version: version.parse().map_err(|_| format!("its schema version is {version}"))?,
            case_id: need(CASE_ID_KEY)?.to_owned(),
            build: value(BUILD_KEY).unwrap_or_default().to_owned(),
        })
    }
}
