//! The entries that a record of a table can have, in byte order of their names.

use std::sync::LazyLock;

use super::text_group::text_groups;
use crate::tables::Table;

/// An entry of a leaf: a column, or a text group.
#[derive(Debug)]
pub(super) struct LeafEntry {
    pub(super) name: &'static str,
    pub(super) columns: Vec<&'static str>,
    /// Number of the text group; `None` for a column that is in none.
    pub(super) group: Option<u8>,
}

/// Returns the entries of a table.
pub(super) fn entries(table: Table) -> &'static [LeafEntry] {
    static ENTRIES: LazyLock<[Vec<LeafEntry>; Table::ALL.len()]> = LazyLock::new(|| Table::ALL.map(of_table));
    // `ALL` lists the tables in the order of their declaration.
    &ENTRIES[table as usize]
}

fn of_table(table: Table) -> Vec<LeafEntry> {
    let groups = text_groups(table);
    let is_grouped = |name: &str| groups.iter().any(|group| group.columns.contains(&name));
    let plain = table.columns().iter().map(|column| column.name).filter(|name| !is_grouped(name));
    let plain = plain.map(|name| LeafEntry { name, columns: vec![name], group: None });
    let grouped = (0..).zip(groups).map(|(number, group)| LeafEntry {
        name: group.name,
        columns: group.columns.to_vec(),
        group: Some(number),
    });
    let mut entries: Vec<_> = plain.chain(grouped).collect();
    entries.sort_by_key(|entry| entry.name);
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_has_a_bit_for_each_entry() {
        for table in Table::RAW {
            assert!(entries(table).len() <= 128, "{table} has {} entries", entries(table).len());
        }
    }
}
