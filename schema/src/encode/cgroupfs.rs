//! raw/cgroupfs from records.

use obit_derivation::record::{Body, Outcome, Record};

use super::batch_builder::BatchBuilder;
use super::body::split_carried;
use crate::details::DirectoryDetails;
use crate::error::Error;
use crate::tables::Table;
use crate::tables::cgroupfs::{Cgroupfs, Row};

/// Builds batches of raw/cgroupfs.
pub type CgroupfsBuilder = BatchBuilder<Cgroupfs>;

impl CgroupfsBuilder {
    /// Appends a directory as cgroupfs showed it.
    ///
    /// # Errors
    /// The record belongs to another table; nothing is appended.
    pub fn append(&mut self, record: &Record<'_>, details: &DirectoryDetails) -> Result<(), Error> {
        let (carried_from, body) = split_carried(&record.body);
        let Body::Directory(directory) = body else {
            return Err(Error::WrongTable { table: Table::Cgroupfs.name(), seq: record.seq.0 });
        };
        // An empty list says that nobody was there, which only a successful reading can say.
        let pids_known = details.outcome == Outcome::Ok || !directory.pids.is_empty();
        self.push(Row {
            seq: Some(record.seq.0),
            ts: Some(record.ts),
            boot_ns: Some(record.boot_ns.0),
            reason: Some(directory.reason.as_str()),
            outcome: Some(details.outcome.as_str()),
            hierarchy_id: Some(directory.key.hierarchy.0),
            cgroup_id: Some(directory.key.cgroup.0),
            parent_cgroup_id: directory.parent.map(|id| id.0),
            parent_uid: directory.parent_uid,
            path: Some(&directory.path),
            ctime: details.ctime,
            populated: directory.populated,
            pids: pids_known.then_some(&directory.pids),
            files: (!details.files.is_empty()).then_some(crate::column::Pairs::Owned(&details.files)),
            carried_from_seq: carried_from.map(|seq| seq.0),
        });
        Ok(())
    }
}
