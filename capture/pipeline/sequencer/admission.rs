//! Admitting a record: its place in the total order, what follows from it, and the way of both to the recorder.

use std::sync::mpsc::TrySendError;

use anyhow::Result;
use obit_derivation::identity::Engine;
use obit_derivation::record::{Body, Directory};
use obit_derivation::row::RowSink;
use obit_derivation::{Fold, Record, Row, Seq};
use obit_schema::details::DirectoryDetails;

use super::carryover::Keep;
use super::lookup_queue::Asked;
use super::output_batch::Gathered;
use super::segment::SegmentState;
use super::{Outlets, Sequencer};
use crate::host::clock::ClockPair;
use crate::pipeline::lookup::{Question, Remains};
use crate::pipeline::progress::Progress;
use crate::pipeline::recorder::Order;
use crate::sources::answer::{RuntimeRecord, Stamped};
use crate::sources::daemons::DaemonQueries;

impl Sequencer {
    pub(super) fn admit_event(&mut self, at: ClockPair, body: Body<'_>) -> Result<()> {
        let record = self.stamp(at, body);
        self.admit(&record, |gathered| gathered.event(&record), |keep| keep.event(&record))
    }

    pub(super) fn admit_directory(
        &mut self,
        at: ClockPair,
        directory: Directory<'static>,
        details: &DirectoryDetails,
    ) -> Result<()> {
        let record = self.stamp(at, Body::Directory(directory));
        self.admit(&record, |gathered| gathered.directory(&record, details), |keep| keep.directory(&record, details))
    }

    pub(super) fn admit_directories(
        &mut self,
        all: Vec<(ClockPair, Directory<'static>, DirectoryDetails)>,
    ) -> Result<()> {
        all.into_iter().try_for_each(|(at, directory, details)| self.admit_directory(at, directory, &details))
    }

    pub(super) fn admit_answers(&mut self, all: Vec<Stamped<RuntimeRecord>>) -> Result<()> {
        all.into_iter().try_for_each(|answer| self.admit_answer(answer))
    }

    pub(super) fn admit_answer(&mut self, answer: Stamped<RuntimeRecord>) -> Result<()> {
        let Stamped { at, record: RuntimeRecord { answer, details } } = answer;
        let record = self.stamp(at, Body::Runtime(answer));
        self.admit(&record, |gathered| gathered.answer(&record, &details), |keep| keep.answer(&record, &details))
    }

    fn stamp<'a>(&mut self, at: ClockPair, body: Body<'a>) -> Record<'a> {
        Record { seq: self.next_seq(), ts: at.wall, boot_ns: at.boot, body }
    }

    /// The place of the record that is admitted next.
    pub(super) fn next_seq(&mut self) -> Seq {
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        seq
    }

    /// Gathers a record and derives from it; keeps it for the next segment if it may be needed there.
    pub(super) fn admit(
        &mut self,
        record: &Record<'_>,
        gather: impl FnOnce(&mut Gathered) -> Result<()>,
        keep: impl FnOnce(&mut Keep) -> Result<()>,
    ) -> Result<()> {
        let concerned = self.segment.is_some() && self.fold.concerns(&record.body);
        // Before its rows, which may be handed on before all of them are there.
        gather(&mut self.gathered)?;
        self.derive(|fold, rows| fold.apply(record, rows))?;
        if let Some(segment) = &mut self.segment {
            segment.keep_if_needed(record, concerned, &self.fold, keep)?;
        }
        if self.gathered.is_full() { self.outlets.record(&mut self.gathered) } else { Ok(()) }
    }

    /// Derives rows and hands them on.
    pub(super) fn derive(&mut self, derive: impl FnOnce(&mut Fold, &mut dyn RowSink)) -> Result<()> {
        let mut way = Way {
            is_first: self.segment.as_ref().is_none_or(SegmentState::is_first),
            outlets: &self.outlets,
            progress: &self.progress,
            gathered: &mut self.gathered,
            daemons: &mut self.daemons,
            asked: &mut self.asked,
            result: Ok(()),
        };
        derive(&mut self.fold, &mut way);
        way.result?;
        for removal in self.fold.take_previews() {
            self.daemons.ask_after_end(&removal);
            if removal.identity.runtime == Some(Engine::Docker) {
                let container_id = removal.identity.container_id.clone();
                let remains = Remains::EngineFile { engine: Engine::Docker, container_id };
                self.asked.push(Question::Remains(remains), &self.outlets.questions);
            }
            if let Some(followers) = &self.outlets.followers
                && let Err(TrySendError::Full(_)) = followers.try_send(removal)
            {
                // Whoever reads the live lines is too slow for them; the rows are in the case all the same.
                self.progress.unprinted();
            }
        }
        Ok(())
    }

    /// Admits what says that daemons were not asked.
    pub(super) fn admit_dropped_queries(&mut self) -> Result<()> {
        let at = self.clock;
        for query in self.daemons.take_dropped() {
            self.admit_answer(Stamped { at, record: query.into_record() })?;
        }
        Ok(())
    }

    /// Hands what was gathered to the recorder, to be brought to disk.
    pub(super) fn flush(&mut self) -> Result<()> {
        self.outlets.record(&mut self.gathered)?;
        if self.gathered.was_taken() {
            let _ = self.outlets.recorder.send(Order::Sync);
        }
        Ok(())
    }
}

/// The way of derived rows.
struct Way<'a> {
    /// Whether no segment came before.
    is_first: bool,
    outlets: &'a Outlets,
    progress: &'a Progress,
    gathered: &'a mut Gathered,
    daemons: &'a mut DaemonQueries,
    asked: &'a mut Asked,
    /// What went wrong first.
    result: Result<()>,
}

impl RowSink for Way<'_> {
    /// Gathers a row, and has asked what there is to ask about it.
    fn take(&mut self, row: &Row) {
        // One that was carried over was counted, and what a daemon said of it carried over too.
        let is_again = !self.is_first && matches!(row, Row::Existing(_));
        if !is_again {
            self.progress.row(row);
        }
        if !is_again || !row.identity().is_named() {
            self.daemons.ask(row);
        }
        if let Some(question) = engine_file(row) {
            self.asked.push(question, &self.outlets.questions);
        }
        self.gathered.row(row);
        if self.gathered.is_full() && self.result.is_ok() {
            self.result = self.outlets.record(self.gathered);
        }
    }
}

/// What to look up of a container that has just become known: the file that its engine keeps of it.
fn engine_file(row: &Row) -> Option<Question> {
    let identity = row.identity();
    match (row, identity.runtime) {
        (Row::Create(_) | Row::Existing(_), Some(engine @ (Engine::Docker | Engine::Podman))) => {
            Some(Question::EngineFile { engine, container_id: identity.container_id.clone() })
        }
        _ => None,
    }
}
