//! The whole answer about one container: its story, the rows and the records behind it.

use std::collections::{BTreeMap, BTreeSet};

use obit_case::{Case, Problem};

use super::kept::KeptRow;
use super::life::LifeRows;
use super::story::ContainerStory;
use super::trace::{self, TracedRecord};
use crate::error::Error;

/// Most records of one life that are shown.
pub(super) const MAX_SHOWN_RECORDS: usize = 500;

/// The story of a container, with the rows and the records that it follows from.
#[derive(Debug)]
pub struct Explanation {
    /// The story of the lives in [`Explanation::lives`].
    pub story: ContainerStory,
    /// The first lives, as many as were asked for.
    pub lives: Vec<LifeRows>,
    /// Number of lives that the filter leaves.
    pub all_lives: usize,
    /// Number of lives that the filter leaves out.
    pub lives_left_out: usize,
    /// Rows that were kept of dropped segments.
    pub kept: Vec<KeptRow>,
    /// The records behind the rows, by their `seq`; 500 of each life at most.
    pub records: BTreeMap<u64, TracedRecord>,
    /// The problems of the case.
    pub problems: Vec<Problem>,
}

/// A container that was found, whose lives are to be told.
#[derive(Debug)]
pub struct ContainerLives {
    /// The whole id.
    pub container_id: String,
    /// The lives that the filter leaves, in the order in which they began.
    pub lives: Vec<LifeRows>,
    /// Number of lives that the filter leaves out.
    pub lives_left_out: usize,
    /// Rows that were kept of dropped segments.
    pub kept: Vec<KeptRow>,
}

impl Explanation {
    /// Reads the records behind the first `limit` lives of a container, and tells their story.
    ///
    /// # Errors
    /// The records cannot be read.
    pub fn tell(case: &Case, container: ContainerLives, limit: usize, problems: Vec<Problem>) -> Result<Self, Error> {
        let ContainerLives { container_id, mut lives, lives_left_out, kept } = container;
        let all_lives = lives.len();
        lives.truncate(limit);
        let seqs: BTreeSet<u64> = lives.iter().flat_map(|life| life.evidence().take(MAX_SHOWN_RECORDS)).collect();
        let records = trace::read(case, &container_id, &seqs)?;
        let story = ContainerStory::tell(&container_id, &lives, &records);
        Ok(Self { story, lives, all_lives, lives_left_out, kept, records, problems })
    }
}
