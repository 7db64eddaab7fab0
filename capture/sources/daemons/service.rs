//! The work of the process that asks daemons: finds daemons, passes questions to them and their
//! answers on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use obit_derivation::record::Outcome;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender, channel, unbounded_channel};
use tokio::task::{AbortHandle, JoinSet, spawn_blocking, yield_now};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::daemon::Daemon;
use super::failure::Failure;
use super::labels::LabelPolicy;
use super::limits::{AFTER_END, LOOK_INTERVAL, OUTBOX, PROCESSES_INTERVAL, STOP_LIMIT};
use super::message::QueryBatch;
use super::processes::{DaemonProcess, daemon_processes};
use super::query::{ContainerQuery, QueryTarget, QueryTicket};
use super::report::{RecordSender, failure_record};
use super::sockets::{Endpoint, SocketOwner, SocketPaths};
use crate::sources::answer::{RuntimeRecord, Stamped};

/// Messages to the recorder: first the records, then which batches are done.
#[derive(Debug, Default)]
pub struct Delivery {
    /// Records of what daemons said.
    pub records: Vec<Stamped<RuntimeRecord>>,
    /// Numbers of the batches of which every question has its records.
    pub done: Vec<u64>,
}

/// Most queries about ends that may wait for their time.
const MAX_LATER: usize = 4_096;

/// Records that are handed on together at most.
const TOGETHER: usize = 256;
/// Time that a batch without a record may be done before the recorder learns of it: to say so at
/// once would wake the recorder for each.
const DONE_WAIT: Duration = Duration::from_millis(500);

/// Serves until `stop` is over, then records which queries had no answer. `deliver` returns false
/// if nobody takes messages any more.
pub async fn serve<D: Future<Output = bool> + Send + 'static>(
    places: SocketPaths,
    labels: LabelPolicy,
    queries: Receiver<QueryBatch>,
    stop: impl Future<Output = ()>,
    deliver: impl FnMut(Delivery) -> D + Send + 'static,
) {
    let (outbox, records) = channel(OUTBOX);
    let (done, batches) = unbounded_channel();
    let delivery = tokio::spawn(pass_on(records, batches, deliver));
    let records = RecordSender(outbox);
    let (daemons, later, tasks) = (BTreeMap::new(), VecDeque::new(), JoinSet::new());
    let processes = ProcessList::default();
    let mut service = DaemonService { places, processes, labels, records, done, daemons, later, tasks };
    tokio::select! {
        () = service.run(queries) => {}
        () = stop => {}
    }
    // A daemon that hangs must not hold up the end of the capture; what it was asked is recorded as
    // not answered.
    let _ = timeout(STOP_LIMIT, async {
        service.finish().await;
        let _ = delivery.await;
    })
    .await;
}

/// Hands records to the recorder, however busy it is. Those of one burst of events go together.
async fn pass_on<D: Future<Output = bool>>(
    mut records: Receiver<Stamped<RuntimeRecord>>,
    mut batches: UnboundedReceiver<u64>,
    mut deliver: impl FnMut(Delivery) -> D,
) {
    let mut outgoing = Delivery::default();
    loop {
        // A batch is done after its records were sent to here, so they are read after it.
        tokio::select! {
            record = records.recv() => match record {
                Some(record) => outgoing.records.push(record),
                None => break,
            },
            Some(number) = batches.recv() => {
                outgoing.done.push(number);
                match timeout(DONE_WAIT, records.recv()).await {
                    Ok(Some(record)) => outgoing.records.push(record),
                    Ok(None) => break,
                    Err(_) => {}
                }
            }
        }
        // Whatever else there is to read now is read first.
        yield_now().await;
        while let Ok(number) = batches.try_recv() {
            outgoing.done.push(number);
        }
        while let Ok(record) = records.try_recv() {
            if outgoing.records.len() >= TOGETHER {
                let records = std::mem::take(&mut outgoing.records);
                if !deliver(Delivery { records, done: Vec::new() }).await {
                    return;
                }
            }
            outgoing.records.push(record);
        }
        if !deliver(std::mem::take(&mut outgoing)).await {
            return;
        }
    }
    while let Ok(number) = batches.try_recv() {
        outgoing.done.push(number);
    }
    deliver(outgoing).await;
}

/// Waits until a moment, or for ever.
async fn until(moment: Option<Instant>) {
    match moment {
        Some(moment) => sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// The daemons among the host's processes, as they were found last.
#[derive(Debug, Default)]
struct ProcessList {
    found: Vec<DaemonProcess>,
    looked_at: Option<Instant>,
    /// True if a container showed that there is a daemon that is not known.
    lacks_one: bool,
}

impl ProcessList {
    /// Returns true if it is time to look again. Every process of the host is looked at, so that is
    /// not done each time that sockets are.
    fn is_due(&self) -> bool {
        let interval = if self.lacks_one { PROCESSES_INTERVAL.1 } else { PROCESSES_INTERVAL.0 };
        self.looked_at.is_none_or(|looked_at| looked_at.elapsed() >= interval)
    }
}

struct DaemonService {
    places: SocketPaths,
    processes: ProcessList,
    labels: LabelPolicy,
    records: RecordSender,
    /// Takes the numbers of the batches that are done.
    done: UnboundedSender<u64>,
    daemons: BTreeMap<Endpoint, (Arc<Daemon>, AbortHandle)>,
    /// Queries about ends, the next one first.
    later: VecDeque<DueQuery>,
    tasks: JoinSet<()>,
}

/// A query about a container that has ended, and when to ask it.
struct DueQuery {
    due: Instant,
    daemon: Arc<Daemon>,
    query: ContainerQuery,
    ticket: QueryTicket,
}

impl DaemonService {
    async fn run(&mut self, mut queries: Receiver<QueryBatch>) {
        let mut look = interval(LOOK_INTERVAL);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let due = self.next_due();
            tokio::select! {
                // The first tick comes at once: daemons are known before the first question.
                biased;
                _ = look.tick() => self.look().await,
                batch = queries.recv() => match batch {
                    Some(batch) => self.ask_all(batch).await,
                    None => std::future::pending().await,
                },
                () = until(due) => self.ask_due().await,
            }
        }
    }

    /// Adds the daemons whose sockets appeared, and forgets those whose socket went.
    async fn look(&mut self) {
        let places = self.places.clone();
        // Directories of users may be anything; this thread must not hang on one.
        let is_due = self.processes.is_due();
        let known = std::mem::take(&mut self.processes.found);
        let look = move || {
            let processes = if is_due { daemon_processes(&places.host_root) } else { known };
            (places.look(&processes), processes)
        };
        let Ok((found, processes)) = spawn_blocking(look).await else { return };
        self.processes.found = processes;
        if is_due {
            self.processes.looked_at = Some(Instant::now());
            self.processes.lacks_one = false;
        }
        self.daemons.retain(|endpoint, (daemon, task)| {
            let stays = endpoint.owner == SocketOwner::Given || found.contains(endpoint) || !daemon.is_idle();
            if !stays {
                task.abort();
            }
            stays
        });
        for endpoint in found {
            if !self.daemons.contains_key(&endpoint) {
                let daemon = Arc::new(Daemon::new(
                    &self.places.host_root,
                    endpoint.clone(),
                    self.labels.clone(),
                    self.records.clone(),
                ));
                let task = self.tasks.spawn(Arc::clone(&daemon).run());
                self.daemons.insert(endpoint, (daemon, task));
            }
        }
        while self.tasks.try_join_next().is_some() {}
    }

    async fn ask_all(&mut self, QueryBatch { number, targets }: QueryBatch) {
        let ticket = QueryTicket::new(number, self.done.clone());
        for target in &targets {
            self.ask(target, &ticket).await;
        }
    }

    async fn ask(&mut self, target: &QueryTarget, ticket: &QueryTicket) {
        let query = &target.query;
        if target.is_over {
            return self.ask_later(target, ticket);
        }
        for &kind in target.kinds() {
            let mut is_known = false;
            for (endpoint, (daemon, _)) in self.daemons.iter().filter(|(endpoint, _)| endpoint.kind == kind) {
                is_known = true;
                if daemon.is_worth_asking()
                    && target.may_be_known_to(endpoint)
                    && let Err(record) = daemon.ask(query, ticket.clone())
                {
                    self.records.send(*record).await;
                }
            }
            // The engine has started a container, so it exists; its socket is not where it is
            // looked for.
            if !is_known && target.is_of_known_engine() && kind == target.kinds()[0] && self.places.wants(kind) {
                self.processes.lacks_one = true;
                let failure = Failure::new(Outcome::Refused, "no socket was found");
                let request = format!("{} {}", kind.as_str(), query.container_id);
                let record = failure_record(kind, request, Duration::ZERO, &failure, Some(&query.container_id));
                self.records.send(record).await;
            }
        }
    }

    /// Plans queries to the daemons that are there about an end. A query that the end of the
    /// capture leaves unasked has no record: the daemons were asked about the container before.
    fn ask_later(&mut self, target: &QueryTarget, ticket: &QueryTicket) {
        let kinds = target.kinds();
        let may_know = |(endpoint, (daemon, _)): &(&Endpoint, &(Arc<Daemon>, AbortHandle))| {
            kinds.contains(&endpoint.kind) && daemon.is_connected() && target.may_be_known_to(endpoint)
        };
        let due = Instant::now() + AFTER_END;
        for (_, (daemon, _)) in self.daemons.iter().filter(may_know) {
            // With so many waiting, asking at once would only fill the queues that turn them away.
            if self.later.len() < MAX_LATER {
                let (daemon, query, ticket) = (Arc::clone(daemon), target.query.clone(), ticket.clone());
                self.later.push_back(DueQuery { due, daemon, query, ticket });
            }
        }
    }

    /// Returns when to ask next about an end. Most containers need no query by then: the daemon has
    /// reported their removal.
    fn next_due(&mut self) -> Option<Instant> {
        while self.later.front().is_some_and(|later| later.daemon.has_removed(&later.query)) {
            self.later.pop_front();
        }
        self.later.front().map(|later| later.due)
    }

    async fn ask_due(&mut self) {
        let now = Instant::now();
        while self.next_due().is_some_and(|due| due <= now)
            && let Some(DueQuery { daemon, query, ticket, .. }) = self.later.pop_front()
        {
            if let Err(record) = daemon.ask(&query, ticket) {
                self.records.send(*record).await;
            }
        }
    }

    async fn finish(mut self) {
        // End the tasks first, so that no query is both answered and not.
        self.tasks.abort_all();
        while self.tasks.join_next().await.is_some() {}
        for (daemon, _) in self.daemons.values() {
            for record in daemon.unanswered() {
                self.records.send(record).await;
            }
        }
        // This was the last sender: the delivery ends.
    }
}
