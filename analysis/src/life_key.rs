//! Keys by which the rows of one life of a container find together.

use obit_derivation::record::Seq;
use obit_derivation::{CgroupKey, Row};

/// The facts of a row that its life's other rows share.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct LifeKey {
    /// Id of the container.
    pub(crate) container_id: String,
    /// The record of the creation, if it was seen. A segment that carried it over has another.
    pub(crate) created: Option<Seq>,
    /// The directory that stands for the container; it may be another at the end.
    pub(crate) directory: Option<CgroupKey>,
}

impl LifeKey {
    pub(crate) fn of(row: &Row) -> Self {
        let created = match row {
            Row::Create(row) => Some(row.created_seq),
            Row::Exit(row) => row.created_seq,
            Row::Remove(row) => row.created_seq,
            Row::Existing(_) | Row::Disagreement(_) => None,
        };
        let directory = row.place().map(|place| place.key);
        Self { container_id: row.identity().container_id.clone(), created, directory }
    }

    /// Returns the place of the life that a row belongs to: the last one with the same creation,
    /// else the last one of the same container and directory.
    pub(crate) fn find<'a>(
        &self,
        lives: impl DoubleEndedIterator<Item = &'a Self> + ExactSizeIterator + Clone,
    ) -> Option<usize> {
        let is_same = |life: &&Self| life.container_id == self.container_id;
        let has_creation = |life: &Self| is_same(&life) && self.created.is_some() && life.created == self.created;
        let has_directory = |life: &Self| is_same(&life) && life.directory == self.directory;
        lives.clone().rposition(has_creation).or_else(|| lives.clone().rposition(has_directory))
    }
}
