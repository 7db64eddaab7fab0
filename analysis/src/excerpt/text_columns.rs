//! Columns whose values an excerpt can leave out.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{Array as _, ArrayRef, RecordBatch, StringArray, new_null_array};
use arrow_schema::DataType;
use obit_schema::Table;
use obit_schema::leaf::text_groups;

use crate::error::Error;
use crate::profile::columns_error;

/// Text groups of raw tables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextColumns(BTreeMap<Table, BTreeSet<u8>>);

impl TextColumns {
    /// Finds the groups of these columns. A column is `table.column`, or a name alone for that
    /// column in each raw table.
    ///
    /// # Errors
    /// [`Error::NotRedactable`] for a column that is in no group.
    pub fn parse<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        let mut columns = Self::default();
        for asked in names {
            let (table, name) = match asked.split_once('.') {
                Some((table, name)) => (Some(table), name),
                None => (None, asked),
            };
            let tables = Table::RAW.into_iter().filter(|one| table.is_none_or(|table| table == one.name()));
            let before = columns.len();
            for table in tables {
                let groups = (0..).zip(text_groups(table)).filter(|(_, group)| group.columns.contains(&name));
                for (number, _) in groups {
                    // A column that was named twice is found twice.
                    columns.0.entry(table).or_default().insert(number);
                }
            }
            if columns.len() == before && !columns.names().iter().any(|known| is_named(known, table, name)) {
                return Err(Error::NotRedactable { column: asked.to_owned(), known: redactable_columns() });
            }
        }
        Ok(columns)
    }

    fn len(&self) -> usize {
        self.0.values().map(BTreeSet::len).sum()
    }

    /// Returns every column of the groups, as `table.column`, ascending.
    pub fn names(&self) -> Vec<String> {
        let columns = self.0.iter().flat_map(|(table, numbers)| {
            let groups = (0..).zip(text_groups(*table)).filter(|(number, _)| numbers.contains(number));
            groups.flat_map(|(_, group)| group.columns).map(move |column| format!("{table}.{column}"))
        });
        let mut columns: Vec<_> = columns.collect();
        columns.sort();
        columns
    }

    /// Returns true if no column is among them.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns true if a group is among them, by its number in its table.
    pub(super) fn contains(&self, table: Table, group: u8) -> bool {
        self.0.get(&table).is_some_and(|groups| groups.contains(&group))
    }

    /// Empties the columns in a batch: a text is then empty, a list or map null.
    pub(super) fn clear(&self, table: Table, batch: &RecordBatch) -> Result<RecordBatch, Error> {
        let Some(groups) = self.0.get(&table) else { return Ok(batch.clone()) };
        let hidden: Vec<&str> = (0..)
            .zip(text_groups(table))
            .filter(|(number, _)| groups.contains(number))
            .flat_map(|(_, group)| group.columns.iter().copied())
            .collect();
        let columns = batch.schema_ref().fields().iter().zip(batch.columns()).map(|(field, column)| -> ArrayRef {
            match (hidden.contains(&field.name().as_str()), field.data_type()) {
                (false, _) => Arc::clone(column),
                // A kind of record may need to have the text.
                (true, DataType::Utf8) => {
                    let emptied = (0..batch.num_rows()).map(|row| column.is_valid(row).then_some(""));
                    Arc::new(emptied.collect::<StringArray>())
                }
                (true, other) => new_null_array(other, batch.num_rows()),
            }
        });
        RecordBatch::try_new(batch.schema(), columns.collect()).map_err(columns_error(table))
    }
}

/// Returns true if `known`, a `table.column`, is the column that is asked for.
fn is_named(known: &str, table: Option<&str>, name: &str) -> bool {
    known.split_once('.').is_some_and(|(of, column)| column == name && table.is_none_or(|table| table == of))
}

/// Returns every column that can be left out, as `table.column`.
fn redactable_columns() -> Vec<String> {
    let columns = Table::RAW.into_iter().flat_map(|table| {
        text_groups(table).iter().flat_map(|group| group.columns).map(move |column| format!("{table}.{column}"))
    });
    columns.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(asked: &[&str]) -> Vec<String> {
        TextColumns::parse(asked.iter().copied()).expect("columns of text").names()
    }

    #[test]
    fn a_column_stands_for_its_group_in_each_table_that_has_it() {
        assert_eq!(names(&["path"]), ["cgroupfs.path", "events.path"]);
        assert_eq!(names(&["events.path", "events.path"]), ["events.path"]);
        let actor = ["events.actor_ancestors", "events.actor_argv", "events.actor_comm", "events.actor_parent_comm"];
        assert_eq!(names(&["actor_argv"]), actor);
        assert!(TextColumns::parse([]).expect("none").is_empty());
    }

    #[test]
    fn what_has_no_commitment_cannot_be_left_out() {
        for asked in ["kind", "events.labels", "actor_uid", "nothing", "container_exit.labels", ""] {
            let error = TextColumns::parse([asked]).expect_err(asked).to_string();
            assert!(error.contains("events.path"), "{error}");
        }
    }
}
