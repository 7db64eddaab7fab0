//! The columns of text that a leaf commits to, so that an excerpt can leave them out.

use crate::tables::Table;

/// Columns of a raw table that are hidden and shown together. The columns of a group never change:
/// a column that is added gets a group of its own, at the end of the list.
#[derive(Debug, PartialEq, Eq)]
pub struct TextGroup {
    /// Name of the group, that of its first column.
    pub name: &'static str,
    /// The columns, in the order in which the commitment has them.
    pub columns: &'static [&'static str],
}

impl TextGroup {
    const fn one(columns: &'static [&'static str; 1]) -> Self {
        Self { name: columns[0], columns }
    }
}

/// The most groups of a table.
const RUNTIME_GROUPS: usize = 16;

/// Text groups of raw/events. The actor's texts are one group: an event has all of them, and each
/// commitment costs the recorder as much time as it takes to encode the event.
const EVENTS: [TextGroup; 3] = [
    TextGroup::one(&["path"]),
    TextGroup { name: "actor_comm", columns: &["actor_comm", "actor_parent_comm", "actor_argv", "actor_ancestors"] },
    TextGroup::one(&["target_comm"]),
];

const CGROUPFS: [TextGroup; 2] = [TextGroup::one(&["path"]), TextGroup::one(&["files"])];

const RUNTIME: [TextGroup; RUNTIME_GROUPS] = [
    TextGroup::one(&["request"]),
    TextGroup::one(&["container_id"]),
    TextGroup::one(&["answered_id"]),
    TextGroup::one(&["bundle"]),
    TextGroup::one(&["namespace"]),
    TextGroup::one(&["container_name"]),
    TextGroup::one(&["image_name"]),
    TextGroup::one(&["image_id"]),
    TextGroup::one(&["image_digest"]),
    TextGroup::one(&["pod_name"]),
    TextGroup::one(&["pod_namespace"]),
    TextGroup::one(&["pod_uid"]),
    TextGroup::one(&["cgroup_path"]),
    TextGroup::one(&["cgroup_paths"]),
    TextGroup::one(&["labels"]),
    TextGroup::one(&["document"]),
];

/// Returns the text groups of a table, in the order of their numbers. Derived tables have none.
pub fn text_groups(table: Table) -> &'static [TextGroup] {
    match table {
        Table::Events => &EVENTS,
        Table::Cgroupfs => &CGROUPFS,
        Table::Runtime => &RUNTIME,
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_schema::DataType;

    /// Columns of text with few possible values, which hiding would not hide.
    const WORDS: [&str; 12] = [
        "kind",
        "reason",
        "lost_kind",
        "signal_origin",
        "signal_result",
        "limit_scope",
        "clock_reason",
        "carried_kind",
        "source",
        "outcome",
        "runtime",
        "event",
    ];

    #[test]
    fn every_column_of_free_text_is_in_exactly_one_group() {
        for table in Table::RAW {
            let grouped: Vec<_> = text_groups(table).iter().flat_map(|group| group.columns).copied().collect();
            for column in table.columns() {
                let has_text = match (column.data_type)() {
                    DataType::Utf8 | DataType::Map(..) => true,
                    DataType::List(element) => *element.data_type() != DataType::UInt32,
                    _ => false,
                };
                let expected = usize::from(has_text && !WORDS.contains(&column.name));
                let found = grouped.iter().filter(|name| **name == column.name).count();
                assert_eq!(found, expected, "{table}.{}", column.name);
            }
            let known = |name: &&str| table.columns().iter().any(|column| column.name == *name);
            assert!(grouped.iter().all(known), "{table} {grouped:?}");
        }
    }

    #[test]
    fn a_group_has_the_name_of_its_first_column() {
        let groups = Table::RAW.into_iter().flat_map(text_groups);
        assert!(groups.into_iter().all(|group| group.columns.first() == Some(&group.name)));
    }
}
