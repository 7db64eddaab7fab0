//! Records of raw/cgroupfs.

use std::borrow::Cow;

use obit_derivation::record::{Body, CgroupId, CgroupKey, Directory, HierarchyId, Outcome, Record, SnapshotReason};

use super::batch_view::{BatchView, RawTable, carried};
use crate::column::{ColumnReader, Timestamp, U64};
use crate::details::DirectoryDetails;
use crate::error::Error;
use crate::tables::cgroupfs::{Cgroupfs, Readers};

/// A batch of raw/cgroupfs.
pub type CgroupfsView = BatchView<Cgroupfs>;

impl RawTable for Cgroupfs {
    type Index = ();

    fn index(_: &Readers) {}
    fn place(columns: &Readers) -> (&ColumnReader<U64>, &ColumnReader<Timestamp>, &ColumnReader<U64>) {
        (&columns.seq, &columns.ts, &columns.boot_ns)
    }
}

impl CgroupfsView {
    /// Returns the record of a row. A reason unknown to this version gives [`Body::Unknown`].
    ///
    /// # Errors
    /// The row is past the end.
    pub fn get(&self, row: usize) -> Result<Record<'_>, Error> {
        let columns = &self.columns;
        let body = match SnapshotReason::from_name(columns.reason.require(row)?) {
            Some(reason) => Body::Directory(Directory {
                reason,
                key: CgroupKey {
                    hierarchy: HierarchyId(columns.hierarchy_id.require(row)?),
                    cgroup: CgroupId(columns.cgroup_id.require(row)?),
                },
                parent: columns.parent_cgroup_id.get(row).map(CgroupId),
                parent_uid: columns.parent_uid.get(row),
                path: Cow::Borrowed(columns.path.require(row)?),
                populated: columns.populated.get(row),
                pids: columns.pids.list(row),
            }),
            None => Body::Unknown,
        };
        self.record(row, carried(columns.carried_from_seq.get(row), body))
    }

    /// Returns the details that a row holds beside the record; `None` if its outcome is unknown to
    /// this version.
    pub fn details(&self, row: usize) -> Option<DirectoryDetails> {
        Some(DirectoryDetails {
            outcome: self.columns.outcome.get(row).and_then(Outcome::from_name)?,
            ctime: self.columns.ctime.get(row),
            files: owned(self.columns.files.pairs(row)),
        })
    }
}

fn owned(pairs: Vec<(&str, &str)>) -> Vec<(String, String)> {
    pairs.into_iter().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}
