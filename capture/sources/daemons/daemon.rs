//! A daemon: its connection, its events, and the queries to it.

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use obit_derivation::record::{Outcome, RuntimeAnswer};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::client::DaemonClient;
use super::event_gate::EventGate;
use super::failure::Failure;
use super::labels::LabelPolicy;
use super::limits::{ASK_AGAIN, AT_ONCE, BACK_OFF, FRESH, NO_CGROUP_WAIT, PING_INTERVAL, QUEUE, STEADY, WAIT_LIMIT};
use super::query::{ContainerQuery, QueryTicket};
use super::report::{DaemonAnswer, RecordSender, answer_record, failure_document, failure_record};
use super::sockets::{Endpoint, SocketOwner};
use crate::host::clock::ClockPair;
use crate::sources::answer::RuntimeRecord;

/// A daemon and its queries.
#[derive(Debug)]
pub struct Daemon {
    /// The daemon's socket.
    pub endpoint: Endpoint,
    client: DaemonClient,
    gate: EventGate,
    condition: Mutex<Reachability>,
    /// Signals an answer: no need to wait longer before connecting.
    answered: Notify,
    /// True if the socket does not offer the interface at all.
    offers_nothing: AtomicBool,
    queue: Mutex<VecDeque<QueuedQuery>>,
    query_added: Notify,
    in_flight: Mutex<BTreeMap<u64, ContainerQuery>>,
    next_number: AtomicU64,
}

/// A question in the queue.
#[derive(Debug)]
struct QueuedQuery {
    query: ContainerQuery,
    since: Instant,
    /// Number of times that it was asked already.
    attempts: usize,
    /// `None` if the question is the process' own.
    ticket: Option<QueryTicket>,
}

/// The state of the connection that was recorded last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reachability {
    Unknown,
    Connected,
    Disconnected(Outcome),
}

impl Daemon {
    /// The daemon at this socket; nothing is asked yet.
    pub fn new(host_root: &Path, endpoint: Endpoint, labels: LabelPolicy, records: RecordSender) -> Self {
        Self {
            client: DaemonClient::new(host_root, endpoint.clone(), labels),
            gate: EventGate::new(endpoint.clone(), records),
            endpoint,
            condition: Mutex::new(Reachability::Unknown),
            answered: Notify::new(),
            offers_nothing: AtomicBool::new(false),
            queue: Mutex::default(),
            query_added: Notify::new(),
            in_flight: Mutex::default(),
            next_number: AtomicU64::new(0),
        }
    }

    /// Serves the daemon until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let watch = Arc::clone(&self);
        let unseen = Arc::clone(&self);
        tokio::join!(watch.watch(), unseen.ask_without_cgroups(), self.answer_questions());
    }

    /// Returns false if the socket does not offer the interface at all.
    pub fn is_worth_asking(&self) -> bool {
        !self.offers_nothing.load(Relaxed)
    }

    /// Returns true if the daemon is not there and no query waits for it.
    pub fn is_idle(&self) -> bool {
        let is_down = self.condition.lock().is_ok_and(|condition| *condition != Reachability::Connected);
        is_down && self.queue.lock().is_ok_and(|waiting| waiting.is_empty())
    }

    /// Returns true if the daemon answered last time.
    pub fn is_connected(&self) -> bool {
        self.condition.lock().is_ok_and(|condition| *condition == Reachability::Connected)
    }

    /// Returns true if the daemon has reported that it removed the container.
    pub fn has_removed(&self, query: &ContainerQuery) -> bool {
        self.gate.has_removed(query)
    }

    /// Queues a query; if the queue is full, returns the record that says so. A query that waits
    /// already is not queued twice.
    pub fn ask(&self, query: &ContainerQuery, ticket: QueryTicket) -> Result<(), Box<RuntimeRecord>> {
        self.gate.allow(&query.container_id);
        self.enqueue(query, 0, Some(ticket))
    }

    fn enqueue(
        &self,
        query: &ContainerQuery,
        attempts: usize,
        ticket: Option<QueryTicket>,
    ) -> Result<(), Box<RuntimeRecord>> {
        let Ok(mut waiting) = self.queue.lock() else { return Ok(()) };
        if waiting.iter().any(|one| one.query == *query) {
            return Ok(());
        }
        if waiting.len() >= QUEUE {
            return Err(Box::new(self.dropped(query)));
        }
        waiting.push_back(QueuedQuery { query: query.clone(), since: Instant::now(), attempts, ticket });
        drop(waiting);
        self.query_added.notify_one();
        Ok(())
    }

    /// Takes the queries that have no answer yet, as records that say so.
    pub fn unanswered(&self) -> Vec<RuntimeRecord> {
        let asked = self.in_flight.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default();
        let waiting = self.queue.lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default();
        let queries = asked.into_values().chain(waiting.into_iter().map(|one| one.query));
        queries.map(|query| self.dropped(&query)).collect()
    }

    fn dropped(&self, query: &ContainerQuery) -> RuntimeRecord {
        let request = self.request(query);
        RuntimeRecord::unanswered(self.endpoint.kind.source(), Outcome::Dropped, request, query.container_id.clone())
    }

    /// Returns the text of a query, with the interface and the socket.
    fn request(&self, query: &ContainerQuery) -> String {
        self.endpoint.request(&self.client.request(query))
    }

    /// Asks about containers that the daemon runs without a cgroup: only it can say which process
    /// is their init.
    async fn ask_without_cgroups(self: Arc<Self>) {
        loop {
            for container_id in self.gate.without_cgroups(NO_CGROUP_WAIT).await {
                let query = ContainerQuery { container_id, namespace: None, begun_at: None };
                if let Err(record) = self.enqueue(&query, 0, None) {
                    self.gate.records.send(*record).await;
                }
            }
        }
    }

    async fn answer_questions(self: Arc<Self>) {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            let next = self.next_question().await;
            while tasks.try_join_next().is_some() {}
            let number = self.next_number.fetch_add(1, Relaxed);
            if let Ok(mut asked) = self.in_flight.lock() {
                asked.insert(number, next.query.clone());
            }
            let daemon = Arc::clone(&self);
            tasks.spawn(async move {
                let again = daemon.answer(&next).await;
                drop(permit);
                if let Some(delay) = again {
                    sleep(delay).await;
                    if let Err(record) = daemon.enqueue(&next.query, next.attempts + 1, next.ticket.clone()) {
                        daemon.gate.records.send(*record).await;
                    }
                }
                if let Ok(mut asked) = daemon.in_flight.lock() {
                    asked.remove(&number);
                }
            });
        }
    }

    async fn next_question(&self) -> QueuedQuery {
        loop {
            let next = self.queue.lock().ok().and_then(|mut waiting| waiting.pop_front());
            match next {
                Some(query) => return query,
                None => self.query_added.notified().await,
            }
        }
    }

    /// Asks, and records the answer. Returns when to ask again, if that is worth it.
    async fn answer(&self, QueuedQuery { query, since, attempts, .. }: &QueuedQuery) -> Option<Duration> {
        let request = self.request(query);
        if since.elapsed() > WAIT_LIMIT {
            let why = format!("not asked: waited over {} s for its turn", WAIT_LIMIT.as_secs());
            let failure = Failure::new(Outcome::Dropped, why);
            self.report_failure(request, since.elapsed(), &failure, query).await;
            return None;
        }
        let (begun, asked_at) = (Instant::now(), ClockPair::read().wall);
        match self.client.ask(query).await {
            Ok(answers) => {
                self.answered.notify_one();
                let mut awaits_start = false;
                for answer in answers {
                    let mut answer = about(query, answer);
                    awaits_start |= is_yet_to_start(&answer.facts);
                    answer.facts.as_of = Some(asked_at);
                    if begun.elapsed() > FRESH {
                        answer.facts.running = None;
                    }
                    self.gate.records.send(answer_record(request.clone(), begun.elapsed(), answer)).await;
                }
                // Its events would tell of the start, if it had any.
                let again = awaits_start && query.begun_at.is_some() && !self.endpoint.kind.has_events();
                ASK_AGAIN.get(*attempts).copied().filter(|_| again)
            }
            Err(failure) => {
                self.report_failure(request, begun.elapsed(), &failure, query).await;
                let is_too_early = failure.outcome == Outcome::NotFound && query.begun_at.is_some();
                let again = self.endpoint.kind.learns_late() && is_too_early && self.is_worth_asking();
                ASK_AGAIN.get(*attempts).copied().filter(|_| again)
            }
        }
    }

    async fn report_failure(&self, request: String, latency: Duration, failure: &Failure, query: &ContainerQuery) {
        let record = failure_record(self.endpoint.kind, request, latency, failure, Some(&query.container_id));
        self.gate.records.send(record).await;
    }

    /// Connects, listens, and connects again, for ever.
    async fn watch(self: Arc<Self>) {
        let mut back_off = BACK_OFF.0;
        loop {
            let begun = Instant::now();
            let failure = self.session().await;
            self.record_reachability(Err(&failure)).await;
            if begun.elapsed() >= STEADY {
                back_off = BACK_OFF.0;
            }
            tokio::select! {
                () = sleep(back_off) => {}
                // Not at once: a daemon that answers and whose events end must not keep this thread
                // busy.
                () = async { self.answered.notified().await; sleep(BACK_OFF.0).await } => {}
            }
            back_off = (back_off * 2).min(BACK_OFF.1);
        }
    }

    /// Serves one connection, from a first answer to the end of the events. Returns why it ended.
    async fn session(&self) -> Failure {
        let first = self.client.ping().await;
        self.offers_nothing.store(matches!(&first, Err(failure) if failure.outcome == Outcome::NotFound), Relaxed);
        if let Err(failure) = first {
            return failure;
        }
        self.record_reachability(Ok(())).await;
        self.gate.forget_removed();
        tokio::select! {
            failure = self.client.events(&self.gate) => failure,
            failure = self.list_and_ping() => failure,
        }
    }

    async fn list_and_ping(&self) -> Failure {
        let begun = Instant::now();
        if let Err(failure) = self.client.list(&self.gate).await {
            let request = self.endpoint.request("running containers");
            let record = failure_record(self.endpoint.kind, request, begun.elapsed(), &failure, None);
            self.gate.records.send(record).await;
        }
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await; // the first comes at once
        loop {
            ticks.tick().await;
            let answer = self.client.ping().await;
            // A daemon that is stopped keeps its events, and sends them when it goes on: the stream
            // stays open.
            self.record_reachability(answer.as_ref().copied()).await;
            if let Err(failure) = answer
                && !self.endpoint.kind.has_events()
                && failure.outcome != Outcome::Timeout
            {
                return failure;
            }
        }
    }

    /// Records that the daemon came or went, if that changed.
    async fn record_reachability(&self, now: Result<(), &Failure>) {
        let next = now.map_or_else(|failure| Reachability::Disconnected(failure.outcome), |()| Reachability::Connected);
        {
            let Ok(mut condition) = self.condition.lock() else { return };
            if *condition == next {
                return;
            }
            let is_first = std::mem::replace(&mut *condition, next) == Reachability::Unknown;
            // Most containerds do not offer CRI: that is not worth a record.
            if is_first
                && next == Reachability::Disconnected(Outcome::NotFound)
                && self.endpoint.owner != SocketOwner::Given
            {
                return;
            }
        }
        let outcome = now.map_or_else(|failure| failure.outcome, |()| Outcome::Ok);
        let mut answer = RuntimeAnswer::unanswered(self.endpoint.kind.source(), outcome);
        answer.event = Some(if now.is_ok() { "connected" } else { "disconnected" }.into());
        let request = self.endpoint.request("events");
        self.gate
            .records
            .send(RuntimeRecord::new(answer, request, Duration::ZERO, now.err().map(failure_document)))
            .await;
    }
}

/// Returns true if an answer is about a container that has not started: it neither runs nor has
/// ended. A sandbox has no start of its own.
fn is_yet_to_start(answer: &RuntimeAnswer<'_>) -> bool {
    answer.outcome == Outcome::Ok
        && answer.sandbox != Some(true)
        && answer.running.is_none()
        && answer.started_at.is_none()
        && answer.finished_at.is_none()
}

/// Returns an answer as one to this query. If the daemon speaks of another container than it was
/// asked about, only that is kept.
fn about(query: &ContainerQuery, answer: DaemonAnswer) -> DaemonAnswer {
    if answer.facts.container_id.as_deref() == Some(query.container_id.as_str()) {
        return answer;
    }
    let mut facts = RuntimeAnswer::unanswered(answer.facts.source, Outcome::Invalid);
    facts.container_id = Some(query.container_id.clone().into());
    facts.answered_id = answer.facts.container_id;
    DaemonAnswer { facts, document: answer.document }
}

#[cfg(test)]
mod tests {
    use obit_derivation::WallNs;
    use obit_derivation::record::Source;

    use super::*;

    #[test]
    fn a_container_is_asked_about_again_until_it_has_started() {
        let created = RuntimeAnswer::unanswered(Source::Cri, Outcome::Ok);
        assert!(is_yet_to_start(&created));
        for started in [
            RuntimeAnswer { running: Some(true), ..created.clone() },
            RuntimeAnswer { started_at: Some(WallNs(1)), ..created.clone() },
            RuntimeAnswer { finished_at: Some(WallNs(1)), ..created.clone() },
            RuntimeAnswer { sandbox: Some(true), ..created.clone() },
            RuntimeAnswer { outcome: Outcome::Invalid, ..created.clone() },
        ] {
            assert!(!is_yet_to_start(&started), "{started:?}");
        }
    }
}
