//! The recorder's questions to the process that asks daemons: what waits to be sent, and what has
//! no answer yet.

use std::collections::BTreeMap;
use std::os::unix::net::UnixDatagram;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use obit_derivation::Row;
use obit_derivation::record::Outcome;
use obit_derivation::row::ContainerExit;
use rustix::io::Errno;
use rustix::net::{SendFlags, send};

use super::kind::DaemonKind;
use super::message::{PACKET_BYTES, QueryBatch};
use super::query::QueryTarget;
use crate::sources::answer::RuntimeRecord;

/// Most containers of one batch. A packet has room for twice as many.
const BATCH: usize = 256;
/// Most containers that may be asked about at a time. Passing them is quick; asking is not.
const MAX_OPEN: usize = 4_096;
/// Longest time that a batch may take. A daemon that hangs takes 15 s; what takes longer is the
/// process itself.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);

/// A collector of containers to ask about. It sends them in batches: each by itself would wake the
/// process that asks.
#[derive(Debug, Default)]
pub struct DaemonQueries {
    /// `None` if no daemon is to be asked.
    line: Option<QueryLine>,
    batch: Vec<QueryTarget>,
    unanswered: Vec<UnansweredQuery>,
}

/// The line to the process that asks, and what was sent on it.
#[derive(Clone, Debug)]
pub struct QueryLine {
    socket: Arc<UnixDatagram>,
    open: Arc<Mutex<OpenQueries>>,
}

/// The questions that were sent and have no answer yet.
#[derive(Debug, Default)]
struct OpenQueries {
    /// By the number of their batch, which rises with time.
    batches: BTreeMap<u64, OpenBatch>,
    /// Number of containers in them.
    containers: usize,
    next_number: u64,
    /// True while nobody is there to ask.
    is_closed: bool,
}

#[derive(Debug)]
struct OpenBatch {
    sent_at: Instant,
    queries: Vec<UnansweredQuery>,
}

impl QueryLine {
    /// Returns a line over one end of a pair of sockets that keep packets whole.
    pub fn new(socket: Arc<UnixDatagram>) -> Self {
        Self { socket, open: Arc::default() }
    }

    fn open(&self) -> MutexGuard<'_, OpenQueries> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that every question of these batches has its records.
    pub fn finish(&self, batches: &[u64]) {
        let mut open = self.open();
        for number in batches {
            open.take(*number);
        }
    }

    /// Ends the use of the line, until it is opened again. Returns the questions that got no
    /// answer.
    pub fn close(&self) -> Vec<UnansweredQuery> {
        let mut open = self.open();
        (open.is_closed, open.containers) = (true, 0);
        std::mem::take(&mut open.batches).into_values().flat_map(|batch| batch.queries).collect()
    }

    /// Lets questions be asked again.
    pub fn reopen(&self) {
        self.open().is_closed = false;
    }

    /// Sends a batch. Never waits. Returns the questions that nobody will answer.
    fn send(&self, targets: Vec<QueryTarget>) -> Vec<UnansweredQuery> {
        let queries: Vec<_> =
            targets.iter().filter_map(|target| UnansweredQuery::of(target, Outcome::Dropped)).collect();
        let mut open = self.open();
        if open.is_closed || open.containers + queries.len() > MAX_OPEN {
            return queries;
        }
        let number = open.next_number;
        open.next_number += 1;
        let packet = serde_json::to_vec(&QueryBatch { number, targets }).unwrap_or_default();
        if packet.is_empty() || packet.len() > PACKET_BYTES {
            return queries;
        }
        match send(&self.socket, &packet, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(_) => {
                open.containers += queries.len();
                open.batches.insert(number, OpenBatch { sent_at: Instant::now(), queries });
                Vec::new()
            }
            // The process is busy, or gone, which its reader says.
            Err(Errno::AGAIN | _) => queries,
        }
    }

    /// Takes the questions whose time is over.
    fn take_late(&self, now: Instant) -> Vec<UnansweredQuery> {
        let mut open = self.open();
        let mut late = Vec::new();
        while let Some((&number, batch)) = open.batches.first_key_value()
            && now.saturating_duration_since(batch.sent_at) >= ANSWER_LIMIT
        {
            late.extend(open.take(number));
        }
        late.iter_mut().for_each(|query| query.outcome = Outcome::Timeout);
        late
    }
}

impl OpenQueries {
    fn take(&mut self, number: u64) -> Vec<UnansweredQuery> {
        let queries = self.batches.remove(&number).map(|batch| batch.queries).unwrap_or_default();
        self.containers = self.containers.saturating_sub(queries.len());
        queries
    }
}

impl DaemonQueries {
    /// Returns a collector for this line.
    pub fn new(line: QueryLine) -> Self {
        Self { line: Some(line), ..Self::default() }
    }

    /// Adds the container of a row to the batch, if a daemon may know it. Never waits.
    pub fn ask(&mut self, row: &Row) {
        if self.line.is_some() {
            self.push(QueryTarget::of_row(row));
        }
    }

    /// Adds a container that has exited to the batch: the daemons are asked once more some moments
    /// later. Never waits.
    pub fn ask_after_exit(&mut self, exit: &ContainerExit) {
        if self.line.is_some() {
            self.push(QueryTarget::of_exit(exit));
        }
    }

    fn push(&mut self, target: Option<QueryTarget>) {
        self.batch.extend(target);
        if self.batch.len() >= BATCH {
            self.send();
        }
    }

    /// Sends the batch. Never waits: if too many are asked about, no daemon is asked about these
    /// containers.
    pub fn send(&mut self) {
        let Some(line) = self.line.as_ref().filter(|_| !self.batch.is_empty()) else { return };
        self.unanswered.extend(line.send(std::mem::take(&mut self.batch)));
    }

    /// Takes the questions that have got no answer since the last call, and will get none.
    pub fn take_unanswered(&mut self) -> Vec<UnansweredQuery> {
        if let Some(line) = &self.line {
            self.unanswered.extend(line.take_late(Instant::now()));
        }
        std::mem::take(&mut self.unanswered)
    }
}

/// A question about a container that got no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnansweredQuery {
    kind: DaemonKind,
    container_id: Box<str>,
    outcome: Outcome,
}

impl UnansweredQuery {
    /// Makes the query, of the kind of daemon that most likely knows the container.
    fn of(target: &QueryTarget, outcome: Outcome) -> Option<Self> {
        let kind = *target.kinds().first()?;
        Some(Self { kind, container_id: target.query.container_id.as_str().into(), outcome })
    }

    /// Returns the record of the query.
    pub fn into_record(self) -> RuntimeRecord {
        let request = format!("{} {}", self.kind.as_str(), self.container_id);
        RuntimeRecord::unanswered(self.kind.source(), self.outcome, request, self.container_id.into())
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::identity::Engine;
    use obit_derivation::row::{ContainerCreate, Identity};

    use super::*;
    use crate::sources::daemons::process::packet_pair;

    fn row(number: usize) -> Row {
        let identity =
            Identity { runtime: Some(Engine::Docker), container_id: number.to_string(), ..Identity::default() };
        Row::Create(ContainerCreate { identity, ..ContainerCreate::default() })
    }

    fn line() -> (QueryLine, UnixDatagram) {
        let (ours, theirs) = packet_pair().unwrap();
        theirs.set_nonblocking(true).unwrap();
        (QueryLine::new(Arc::new(ours)), theirs)
    }

    fn received(socket: &UnixDatagram) -> Vec<QueryBatch> {
        let mut packet = vec![0; PACKET_BYTES];
        let mut batches = Vec::new();
        while let Ok(length) = socket.recv(&mut packet) {
            batches.push(serde_json::from_slice(&packet[..length]).unwrap());
        }
        batches
    }

    #[test]
    fn each_container_is_asked_about_once_and_of_those_without_room_each_is_named() {
        let (line, theirs) = line();
        let mut queries = DaemonQueries::new(line);
        let containers = MAX_OPEN + 10;
        (0..containers).for_each(|number| queries.ask(&row(number)));
        queries.send();
        queries.send();
        let batches = received(&theirs);
        assert!(batches.iter().all(|batch| !batch.targets.is_empty() && batch.targets.len() <= BATCH));
        let asked = batches.into_iter().flat_map(|batch| batch.targets);
        let mut told: Vec<String> = asked.map(|target| target.query.container_id).collect();
        assert!(told.len() >= BATCH, "there is room for a batch at least");
        told.extend(queries.take_unanswered().into_iter().map(|query| query.container_id.into()));
        told.sort_by_key(|id| id.parse::<usize>().unwrap());
        assert_eq!(told, (0..containers).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(queries.take_unanswered().is_empty());
    }

    #[test]
    fn a_question_without_an_answer_is_told_once_when_its_time_is_over() {
        let (line, theirs) = line();
        for number in 0..3 {
            assert!(line.send(QueryTarget::of_row(&row(number)).into_iter().collect()).is_empty());
        }
        let numbers: Vec<_> = received(&theirs).into_iter().map(|batch| batch.number).collect();
        line.finish(&numbers[1..2]);
        line.finish(&[u64::MAX]);
        assert_eq!(line.take_late(Instant::now()), []);
        let late = line.take_late(Instant::now() + ANSWER_LIMIT);
        let late: Vec<_> = late.into_iter().map(UnansweredQuery::into_record).collect();
        let told: Vec<_> = late.iter().map(|one| (one.answer.container_id.as_deref(), one.answer.outcome)).collect();
        assert_eq!(told, [(Some("0"), Outcome::Timeout), (Some("2"), Outcome::Timeout)]);
        assert_eq!((line.close(), line.open().containers), (Vec::new(), 0));
    }

    #[test]
    fn without_the_process_each_question_is_told() {
        let (line, theirs) = line();
        let mut queries = DaemonQueries::new(line.clone());
        queries.ask(&row(1));
        queries.send();
        drop(theirs);
        assert_eq!(line.close().len(), 1, "sent, and never answered");
        queries.ask(&row(2));
        queries.send();
        let told: Vec<_> = queries.take_unanswered().into_iter().map(|query| query.into_record().answer).collect();
        assert_eq!(told.len(), 1);
        assert_eq!((told[0].container_id.as_deref(), told[0].outcome), (Some("2"), Outcome::Dropped));
    }

    #[test]
    fn without_daemons_nothing_is_gathered() {
        let mut queries = DaemonQueries::default();
        (0..=BATCH).for_each(|number| queries.ask(&row(number)));
        queries.send();
        assert!(queries.batch.is_empty() && queries.take_unanswered().is_empty());
    }
}
