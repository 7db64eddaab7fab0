//! Changes that are still to be made to the case.

use std::collections::VecDeque;

use arrow_array::{Array, RecordBatch};
use obit_schema::tables::Table;

use crate::host::clock::ClockPair;

/// A change to the case.
#[derive(Debug)]
pub enum WriteJob {
    /// Adds rows.
    Rows(Table, RecordBatch),
    /// Begins a segment with this record.
    Cut(u64, ClockPair),
    /// Ends the head of the case or segment.
    EndHead,
    /// Seals what is open.
    Seal,
}

impl WriteJob {
    /// Returns its size in memory.
    fn bytes(&self) -> usize {
        match self {
            // Columns of nulls are shared with other batches.
            Self::Rows(_, batch) => batch
                .columns()
                .iter()
                .filter(|column| column.null_count() < column.len())
                .map(|column| column.get_array_memory_size())
                .sum(),
            Self::Cut(..) | Self::EndHead | Self::Seal => 0,
        }
    }
}

/// Jobs that are not done yet, in order.
#[derive(Debug, Default)]
pub struct Backlog {
    jobs: VecDeque<WriteJob>,
    bytes: usize,
}

impl Backlog {
    /// Appends a job.
    pub fn push(&mut self, job: WriteJob) {
        self.bytes += job.bytes();
        self.jobs.push_back(job);
    }

    /// Takes the next job.
    pub fn pop(&mut self) -> Option<WriteJob> {
        let job = self.jobs.pop_front()?;
        self.bytes = self.bytes.saturating_sub(job.bytes());
        Some(job)
    }

    /// Puts back a job that could not be done.
    pub fn unpop(&mut self, job: WriteJob) {
        self.bytes += job.bytes();
        self.jobs.push_front(job);
    }

    /// Returns the first cut that waits.
    pub fn next_cut(&self) -> Option<(u64, ClockPair)> {
        self.jobs
            .iter()
            .find_map(|job| if let WriteJob::Cut(first_seq, at) = job { Some((*first_seq, *at)) } else { None })
    }

    /// Discards the jobs up to the first cut, and that one.
    pub fn skip_cut(&mut self) {
        while let Some(job) = self.pop()
            && !matches!(job, WriteJob::Cut(..))
        {}
    }

    /// Returns the size of all jobs in memory.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Discards all jobs.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}
