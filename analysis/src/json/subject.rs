//! The names of the JSON Schemas.

use obit_schema::Table;

/// JSON that a schema describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SchemaSubject {
    /// The output of `verify --format json`.
    Verify,
    /// The output of `diff --format json`.
    Diff,
    /// The output of `explain --format json`.
    Explain,
    /// The output of `inventory --format json`.
    Inventory,
    /// The output of `triage --format json`.
    Triage,
    /// A line of `derive --format jsonl`.
    Row(Table),
}

impl SchemaSubject {
    /// All of them.
    pub fn all() -> impl Iterator<Item = Self> {
        [Self::Verify, Self::Diff, Self::Explain, Self::Inventory, Self::Triage]
            .into_iter()
            .chain(Table::DERIVED.map(Self::Row))
    }

    /// Returns the name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Diff => "diff",
            Self::Explain => "explain",
            Self::Inventory => "inventory",
            Self::Triage => "triage",
            Self::Row(table) => table.name(),
        }
    }

    /// Returns the subject of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::all().find(|subject| subject.name() == name)
    }

    /// Returns what it is, in a line.
    pub fn about(self) -> String {
        match self {
            Self::Row(table) => format!("a line of obit-replay derive --event {table} --format jsonl"),
            command => format!("output of obit-replay {} --format json", command.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_subject_is_found_by_its_name() {
        for subject in SchemaSubject::all() {
            assert_eq!(SchemaSubject::from_name(subject.name()), Some(subject));
        }
        assert_eq!(SchemaSubject::from_name("events"), None);
    }
}
