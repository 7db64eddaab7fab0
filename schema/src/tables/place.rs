//! Columns that say where a container is.

use obit_derivation::row;

use crate::column::{Bool, Text, U32, U64, columns};

columns!(
    /// The directory that stands for the container.
    Place {
        /// The tree of the directory that stands for the container: v2 (0) if the container has a
        /// directory there, else the first v1 tree seen.
        hierarchy_id: U32 required,
        /// Inode number of this directory, all 64 bits.
        cgroup_id: U64 required,
        /// Path of this directory from the hierarchy's root, with a leading `/`, escaped.
        cgroup_path: Text required,
        /// True if this path did not fit into the probe's record and is cut; else null.
        cgroup_path_truncated: Bool optional,
    }
);

impl<'a> From<&'a row::Place> for Row<'a> {
    fn from(row::Place { key, path, is_path_cut }: &'a row::Place) -> Self {
        Self {
            hierarchy_id: Some(key.hierarchy.0),
            cgroup_id: Some(key.cgroup.0),
            cgroup_path: Some(path),
            cgroup_path_truncated: is_path_cut.then_some(true),
        }
    }
}

/// Columns that say where a container is, if it has a directory.
pub mod if_any {
    use obit_derivation::row;

    use crate::column::{Bool, Text, U32, U64, columns};

    columns!(
        /// The directory that stands for the container, if it has one.
        PlaceIfAny {
            /// The tree of the directory that stands for the container: v2 (0) if the container has
            /// a directory there, else the first v1 tree seen. Null, like the next three, if the
            /// container has no directory of its own.
            hierarchy_id: U32 optional,
            /// Inode number of this directory, all 64 bits.
            cgroup_id: U64 optional,
            /// Path of this directory from the hierarchy's root, with a leading `/`, escaped.
            cgroup_path: Text optional,
            /// True if this path did not fit into the probe's record and is cut; else null.
            cgroup_path_truncated: Bool optional,
        }
    );

    impl<'a> From<&'a Option<row::Place>> for Row<'a> {
        fn from(place: &'a Option<row::Place>) -> Self {
            let place = place.as_ref();
            Self {
                hierarchy_id: place.map(|place| place.key.hierarchy.0),
                cgroup_id: place.map(|place| place.key.cgroup.0),
                cgroup_path: place.map(|place| &*place.path),
                cgroup_path_truncated: place.and_then(|place| place.is_path_cut.then_some(true)),
            }
        }
    }
}
