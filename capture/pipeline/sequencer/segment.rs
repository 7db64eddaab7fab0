//! Cutting of the recording into segments that stand by themselves, so that the oldest can be
//! dropped. What a segment is to the derivation is in [`obit_derivation::fold`]; the recorder drops
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use anyhow::Result;
use obit_derivation::record::{Body, ClockReading, ClockReason, KernelEventKind, Loss, SnapshotReason};
use obit_derivation::{BootNs, Fold, Record, Seq};

use super::carryover::{CarriedRecords, Carryover};
use super::raw_builders::RecordDetails;
use crate::pipeline::input::SequencerInput;

/// The policy for cutting a recording, besides at the recorder's request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SegmentPolicy {
    /// The longest that a segment may last.
    pub max_age: Duration,
}

/// The segment that is being recorded.
#[derive(Debug)]
pub struct SegmentState {
    policy: SegmentPolicy,
    number: u32,
    began: BootNs,
    /// The segment's own walk has not begun. Results of earlier walks were requested by the segment
    /// before and prove nothing here.
    awaits_walk: bool,
    carryover: Carryover,
    /// The last records of lost events, by kind: containers that began before them may lack some.
    losses: BTreeMap<Option<KernelEventKind>, Seq>,
    /// The last record of the wall clock being set.
    clock_set: Option<Seq>,
}

impl SegmentState {
    /// Returns the first segment.
    pub fn first(policy: SegmentPolicy, began: BootNs) -> Self {
        Self::numbered(0, policy, began)
    }

    fn numbered(number: u32, policy: SegmentPolicy, began: BootNs) -> Self {
        let (carryover, losses) = (Carryover::default(), BTreeMap::new());
        Self { policy, number, began, awaits_walk: number > 0, carryover, losses, clock_set: None }
    }

    /// Returns whether nothing came before it.
    pub fn is_first(&self) -> bool {
        self.number == 0
    }

    /// Returns its number, counted from 0.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Returns whether it has reached its longest age.
    pub fn is_too_old(&self, now: BootNs) -> bool {
        Duration::from_nanos(now.0.saturating_sub(self.began.0)) >= self.policy.max_age
    }

    /// Returns whether this input belongs to a walk that the segment before requested. The
    /// beginning of its own walk ends that state.
    pub fn skip_stale_walk(&mut self, input: &SequencerInput) -> bool {
        if !self.awaits_walk {
            return false;
        }
        match input {
            SequencerInput::SnapshotBegin(SnapshotReason::Start, _) => {
                self.awaits_walk = false;
                false
            }
            SequencerInput::SnapshotBegin(..)
            | SequencerInput::SnapshotFailed(..)
            | SequencerInput::SnapshotEnd(..)
            | SequencerInput::Directories(_) => true,
            _ => false,
        }
    }

    /// Keeps a record for the next segment if that may need it. `is_of_known` says whether it
    /// concerned what the fold knew before it was applied.
    pub fn carry_if_needed(
        &mut self,
        record: &Record<'_>,
        details: RecordDetails<'_>,
        is_of_known: bool,
        fold: &Fold,
    ) -> Result<()> {
        if self.note_if_general(record) || is_of_known || fold.concerns(&record.body) {
            self.carryover.append(record, details)?;
        }
        if self.carryover.is_retain_due() {
            self.carryover.retain(&self.needed(fold))?;
        }
        Ok(())
    }

    /// Ends the segment. Returns the next one, and the records that it begins with.
    pub fn end(mut self, at: BootNs, fold: &Fold) -> Result<(Self, CarriedRecords)> {
        let needed = self.needed(fold);
        let carried = self.carryover.take(&needed)?;
        Ok((Self::numbered(self.number.saturating_add(1), self.policy, at), carried))
    }

    /// Notes a record that is about all containers alike, in place of an earlier one of its kind.
    /// Returns whether it is such.
    fn note_if_general(&mut self, record: &Record<'_>) -> bool {
        let body = match &record.body {
            Body::Carried(carried) => &carried.body,
            body => body,
        };
        match body {
            Body::Lost(Loss { kind, .. }) => _ = self.losses.insert(*kind, record.seq),
            Body::Clock(ClockReading { reason: Some(ClockReason::Set), .. }) => self.clock_set = Some(record.seq),
            _ => return false,
        }
        true
    }

    /// Returns the records that the next segment needs: those that the fold names, and the general
    /// ones.
    fn needed(&self, fold: &Fold) -> BTreeSet<u64> {
        fold.named_records().chain(self.losses.values().copied()).chain(self.clock_set).map(|seq| seq.0).collect()
    }
}
