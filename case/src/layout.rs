//! The layout of a case: which file holds which part of which table. Every path of a part is made
//! and understood here, so a change of the layout is a change of this file.

use obit_schema::tables::Table;

use crate::version::FormatVersion;

/// The folders of a case for its parts: those of records, and those of rows derived from them.
pub const FOLDERS: [&str; 2] = ["raw", "derived"];

/// Returns the name of a part: `events-000003.parquet`.
pub fn file_name(table: Table, number: u32) -> String {
    format!("{}-{number:06}.parquet", table.name())
}

/// Returns the number in a part's name, if it is a part of that table.
pub(crate) fn part_number(table: Table, name: &str) -> Option<u32> {
    numbered(table, name, ".parquet")
}

/// Returns the number in a file's name, if it is a file of that table with that ending.
pub(crate) fn numbered(table: Table, name: &str, suffix: &str) -> Option<u32> {
    let digits = name.strip_prefix(table.name())?.strip_prefix('-')?.strip_suffix(suffix)?;
    let number = digits.parse().ok()?;
    // A number has one spelling, so that no two files share it.
    (digits == format!("{number:06}")).then_some(number)
}

/// The way in which a case lays out the parts of its tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The parts of several tables lie side by side: `raw/events-000003.parquet`. Format 1.
    Shared,
    /// Each table has a folder of its own: `raw/events/events-000003.parquet`. Format 2. So a
    /// program that reads a folder, or all files that a pattern finds in one, reads one table.
    ByTable,
}

impl Layout {
    /// Every layout, the oldest first.
    pub const ALL: [Self; 2] = [Self::Shared, Self::ByTable];

    /// Returns the layout of a case of this format.
    pub const fn of(format: FormatVersion) -> Self {
        if format.major < 2 { Self::Shared } else { Self::ByTable }
    }

    /// Returns the folder of a table's parts, relative to the case.
    pub fn folder(self, table: Table) -> String {
        match self {
            Self::Shared => table.folder().to_owned(),
            Self::ByTable => format!("{}/{}", table.folder(), table.name()),
        }
    }

    /// Returns the path of a part, relative to the case.
    pub fn part_path(self, table: Table, number: u32) -> String {
        format!("{}/{}", self.folder(table), file_name(table, number))
    }

    /// Returns the table and the number of the part with this path, the inverse of
    /// [`Layout::part_path`]; `None` for any other text.
    pub fn part_of(self, path: &str) -> Option<(Table, u32)> {
        let (folder, name) = path.rsplit_once('/')?;
        Table::ALL
            .into_iter()
            .filter(|table| self.folder(*table) == folder)
            .find_map(|table| Some((table, part_number(table, name)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_decides_where_a_part_lies() {
        let of = |major| Layout::of(FormatVersion { major, minor: 4 });
        assert_eq!([0, 1, 2, 3].map(of), [Layout::Shared, Layout::Shared, Layout::ByTable, Layout::ByTable]);
        assert_eq!(Layout::Shared.part_path(Table::Events, 3), "raw/events-000003.parquet");
        assert_eq!(
            Layout::ByTable.part_path(Table::ContainerExit, 1_234_567),
            "derived/container_exit/container_exit-1234567.parquet"
        );
    }

    #[test]
    fn each_path_is_that_of_one_part_in_one_layout() {
        for layout in Layout::ALL {
            for (table, number) in Table::ALL.into_iter().flat_map(|table| [0, 7, u32::MAX].map(|n| (table, n))) {
                let path = layout.part_path(table, number);
                let found = Layout::ALL.map(|other| other.part_of(&path));
                let expected = Layout::ALL.map(|other| (other == layout).then_some((table, number)));
                assert_eq!(found, expected, "{path}");
            }
        }
    }

    #[test]
    fn other_texts_are_no_part() {
        for path in [
            "",
            "events-000000.parquet",
            "raw/events",
            "raw/events/events-0.parquet",
            "raw/events/cgroupfs-000000.parquet",
            "derived/events/events-000000.parquet",
            "raw/events/../events/events-000000.parquet",
            "/raw/events/events-000000.parquet",
            "raw/events/events-000000.parquet/",
            "journal/events-000000.arrows",
        ] {
            assert_eq!(Layout::ALL.map(|layout| layout.part_of(path)), [None, None], "{path}");
        }
    }
}
