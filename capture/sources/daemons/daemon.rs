//! One daemon: whether it is there, what it tells by itself, and what it is asked.

use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use obit_derivation::record::{Outcome, RuntimeAnswer};
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::containerd;
use super::cri;
use super::docker;
use super::event_gate::Sink;
use super::failure::Failure;
use super::kind::Kind;
use super::labels::LabelPolicy;
use super::limits::{ASK_AGAIN, AT_ONCE, BACK_OFF, FRESH, PING_INTERVAL, QUEUE, STEADY, WAIT_LIMIT};
use super::query::Question;
use super::report::{Reporter, Said, answered, failed, why};
use super::sockets::{Endpoint, Owner};
use crate::sources::answer::RuntimeRecord;

/// A daemon that is asked.
#[derive(Debug)]
pub struct Daemon {
    /// Its socket.
    pub endpoint: Endpoint,
    client: Client,
    sink: Sink,
    condition: Mutex<Condition>,
    /// Somebody has had an answer: no need to wait longer before connecting.
    seen: Notify,
    /// The interface is not offered on this socket at all.
    offers_nothing: AtomicBool,
    waiting: Mutex<VecDeque<Waiting>>,
    arrived: Notify,
    asked: Mutex<BTreeMap<u64, Question>>,
    next_number: AtomicU64,
}

/// A question in the queue.
#[derive(Debug)]
struct Waiting {
    question: Question,
    since: Instant,
    /// How often it has been asked already.
    asked: usize,
}

/// What was recorded last of whether it is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Condition {
    Unknown,
    Connected,
    Disconnected(Outcome),
}

#[derive(Debug)]
enum Client {
    Docker(docker::Client),
    Containerd(containerd::Client),
    Cri(cri::Client),
}

impl Client {
    async fn ping(&self) -> Result<(), Failure> {
        match self {
            Self::Docker(client) => client.ping().await,
            Self::Containerd(client) => client.ping().await,
            Self::Cri(client) => client.ping().await,
        }
    }

    async fn list(&self, sink: &Sink) -> Result<(), Failure> {
        match self {
            Self::Docker(client) => client.list(sink).await,
            Self::Containerd(client) => client.list(sink).await,
            Self::Cri(client) => client.list(sink).await,
        }
    }

    async fn events(&self, sink: &Sink) -> Failure {
        match self {
            Self::Docker(client) => client.events(sink).await,
            Self::Containerd(client) => client.events(sink).await,
            // CRI's own stream is an alpha feature that is off; containerd's events cover its containers.
            Self::Cri(_) => std::future::pending().await,
        }
    }

    async fn ask(&self, question: &Question) -> Result<Vec<Said>, Failure> {
        match self {
            Self::Docker(client) => client.ask(question).await,
            Self::Containerd(client) => client.ask(question).await,
            Self::Cri(client) => client.ask(question).await,
        }
    }

    fn what(&self, question: &Question) -> String {
        match self {
            Self::Docker(client) => client.path(question),
            Self::Containerd(_) => match &question.namespace {
                Some(namespace) => format!("Containers/Get {namespace}/{}", question.container_id),
                None => format!("Containers/Get */{}", question.container_id),
            },
            Self::Cri(_) => format!("ContainerStatus {}", question.container_id),
        }
    }
}

impl Daemon {
    /// The daemon at this socket; nothing is asked yet.
    pub fn new(endpoint: Endpoint, labels: LabelPolicy, reporter: Reporter) -> Self {
        let client = match endpoint.kind {
            Kind::Docker | Kind::Podman => Client::Docker(docker::Client::new(endpoint.clone(), labels)),
            Kind::Containerd => Client::Containerd(containerd::Client::new(endpoint.clone(), labels)),
            Kind::Cri => Client::Cri(cri::Client::new(endpoint.clone(), labels)),
        };
        Self {
            sink: Sink::new(endpoint.clone(), reporter),
            endpoint,
            client,
            condition: Mutex::new(Condition::Unknown),
            seen: Notify::new(),
            offers_nothing: AtomicBool::new(false),
            waiting: Mutex::default(),
            arrived: Notify::new(),
            asked: Mutex::default(),
            next_number: AtomicU64::new(0),
        }
    }

    /// Does the daemon's part until it is dropped.
    pub async fn run(self: Arc<Self>) {
        let watch = Arc::clone(&self);
        tokio::join!(watch.watch(), self.answer_questions());
    }

    /// Whether there is any use in asking.
    pub fn is_worth_asking(&self) -> bool {
        !self.offers_nothing.load(Relaxed)
    }

    /// Whether it is not there and nobody waits for it.
    pub fn is_idle(&self) -> bool {
        let is_down = self.condition.lock().is_ok_and(|condition| *condition != Condition::Connected);
        is_down && self.waiting.lock().is_ok_and(|waiting| waiting.is_empty())
    }

    /// Whether it answers, as far as known.
    pub fn is_connected(&self) -> bool {
        self.condition.lock().is_ok_and(|condition| *condition == Condition::Connected)
    }

    /// Whether it has said by itself that there is nothing left to ask about.
    pub fn has_removed(&self, question: &Question) -> bool {
        self.sink.has_removed(question)
    }

    /// Asks, or says that too many questions wait. A question that waits already is not asked twice.
    pub fn ask(&self, question: &Question) -> Result<(), Box<RuntimeRecord>> {
        self.sink.may_speak_of(&question.container_id);
        self.enqueue(question, 0)
    }

    fn enqueue(&self, question: &Question, asked: usize) -> Result<(), Box<RuntimeRecord>> {
        let Ok(mut waiting) = self.waiting.lock() else { return Ok(()) };
        if waiting.iter().any(|one| one.question == *question) {
            return Ok(());
        }
        if waiting.len() >= QUEUE {
            return Err(Box::new(self.dropped(question)));
        }
        waiting.push_back(Waiting { question: question.clone(), since: Instant::now(), asked });
        drop(waiting);
        self.arrived.notify_one();
        Ok(())
    }

    /// The questions that have no answer yet, as records that say so.
    pub fn unanswered(&self) -> Vec<RuntimeRecord> {
        let asked = self.asked.lock().map(|mut asked| std::mem::take(&mut *asked)).unwrap_or_default();
        let waiting = self.waiting.lock().map(|mut waiting| std::mem::take(&mut *waiting)).unwrap_or_default();
        let questions = asked.into_values().chain(waiting.into_iter().map(|one| one.question));
        questions.map(|question| self.dropped(&question)).collect()
    }

    fn dropped(&self, question: &Question) -> RuntimeRecord {
        let request = self.endpoint.request(&self.client.what(question));
        RuntimeRecord::dropped(self.endpoint.kind.source(), request, question.container_id.clone())
    }

    async fn answer_questions(self: Arc<Self>) {
        let at_once = Arc::new(Semaphore::new(AT_ONCE));
        let mut tasks = JoinSet::new();
        loop {
            let Ok(permit) = Arc::clone(&at_once).acquire_owned().await else { return };
            let next = self.next_question().await;
            while tasks.try_join_next().is_some() {}
            let number = self.next_number.fetch_add(1, Relaxed);
            if let Ok(mut asked) = self.asked.lock() {
                asked.insert(number, next.question.clone());
            }
            let daemon = Arc::clone(&self);
            tasks.spawn(async move {
                let again = daemon.answer(&next).await;
                drop(permit);
                if let Some(delay) = again {
                    sleep(delay).await;
                    if let Err(record) = daemon.enqueue(&next.question, next.asked + 1) {
                        daemon.sink.reporter.report(*record).await;
                    }
                }
                if let Ok(mut asked) = daemon.asked.lock() {
                    asked.remove(&number);
                }
            });
        }
    }

    async fn next_question(&self) -> Waiting {
        loop {
            let next = self.waiting.lock().ok().and_then(|mut waiting| waiting.pop_front());
            match next {
                Some(question) => return question,
                None => self.arrived.notified().await,
            }
        }
    }

    /// Asks, and records what came of it. If it should be asked again, when.
    async fn answer(&self, Waiting { question, since, asked }: &Waiting) -> Option<Duration> {
        let request = self.endpoint.request(&self.client.what(question));
        if since.elapsed() > WAIT_LIMIT {
            let why = format!("not asked: waited over {} s for its turn", WAIT_LIMIT.as_secs());
            let failure = Failure::new(Outcome::Dropped, why);
            self.report_failure(request, since.elapsed(), &failure, question).await;
            return None;
        }
        let begun = Instant::now();
        match self.client.ask(question).await {
            Ok(all) => {
                self.seen.notify_one();
                for said in all {
                    let mut said = about(question, said);
                    if begun.elapsed() > FRESH {
                        said.answer.running = None;
                    }
                    self.sink.reporter.report(answered(request.clone(), begun.elapsed(), said)).await;
                }
                None
            }
            Err(failure) => {
                self.report_failure(request, begun.elapsed(), &failure, question).await;
                // CRI knows a container only once it runs; the others, before the kernel makes its cgroup.
                let is_too_early = failure.outcome == Outcome::NotFound && question.begun_at.is_some();
                let again = matches!(self.client, Client::Cri(_)) && is_too_early && self.is_worth_asking();
                ASK_AGAIN.get(*asked).copied().filter(|_| again)
            }
        }
    }

    async fn report_failure(&self, request: String, latency: Duration, failure: &Failure, question: &Question) {
        let record = failed(self.endpoint.kind, request, latency, failure, Some(&question.container_id));
        self.sink.reporter.report(record).await;
    }

    /// Connects, listens, and connects again.
    async fn watch(self: Arc<Self>) {
        let mut back_off = BACK_OFF.0;
        loop {
            let begun = Instant::now();
            let failure = self.session().await;
            self.note(Err(&failure)).await;
            if begun.elapsed() >= STEADY {
                back_off = BACK_OFF.0;
            }
            tokio::select! {
                () = sleep(back_off) => {}
                // Not at once: a daemon that answers and whose events end must not keep us busy.
                () = async { self.seen.notified().await; sleep(BACK_OFF.0).await } => {}
            }
            back_off = (back_off * 2).min(BACK_OFF.1);
        }
    }

    /// From a first answer to the end of the events.
    async fn session(&self) -> Failure {
        let first = self.client.ping().await;
        self.offers_nothing.store(matches!(&first, Err(failure) if failure.outcome == Outcome::NotFound), Relaxed);
        if let Err(failure) = first {
            return failure;
        }
        self.note(Ok(())).await;
        self.sink.forget_removed();
        tokio::select! {
            failure = self.client.events(&self.sink) => failure,
            failure = self.list_and_ping() => failure,
        }
    }

    async fn list_and_ping(&self) -> Failure {
        let begun = Instant::now();
        if let Err(failure) = self.client.list(&self.sink).await {
            let request = self.endpoint.request("running containers");
            let record = failed(self.endpoint.kind, request, begun.elapsed(), &failure, None);
            self.sink.reporter.report(record).await;
        }
        let mut ticks = interval(PING_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks.tick().await; // the first comes at once
        loop {
            ticks.tick().await;
            let answer = self.client.ping().await;
            // A daemon that is stopped keeps its events, and tells them when it goes on: the stream stays open.
            self.note(answer.as_ref().copied()).await;
            if let (Err(failure), Client::Cri(_)) = (answer, &self.client)
                && failure.outcome != Outcome::Timeout
            {
                return failure;
            }
        }
    }

    /// Records that the daemon came or went, if it did.
    async fn note(&self, now: Result<(), &Failure>) {
        let next = now.map_or_else(|failure| Condition::Disconnected(failure.outcome), |()| Condition::Connected);
        {
            let Ok(mut condition) = self.condition.lock() else { return };
            if *condition == next {
                return;
            }
            let is_first = std::mem::replace(&mut *condition, next) == Condition::Unknown;
            // Most containerds are asked for CRI in vain.
            if is_first && next == Condition::Disconnected(Outcome::NotFound) && self.endpoint.owner != Owner::Given {
                return;
            }
        }
        let outcome = now.map_or_else(|failure| failure.outcome, |()| Outcome::Ok);
        let mut answer = RuntimeAnswer::unanswered(self.endpoint.kind.source(), outcome);
        answer.event = Some(if now.is_ok() { "connected" } else { "disconnected" }.into());
        let request = self.endpoint.request("events");
        self.sink.reporter.report(RuntimeRecord::new(answer, request, Duration::ZERO, now.err().map(why))).await;
    }
}

/// An answer as one to this question. Of a daemon that speaks of another container than it was asked about, only that
/// counts.
fn about(question: &Question, said: Said) -> Said {
    if said.answer.container_id.as_deref() == Some(question.container_id.as_str()) {
        return said;
    }
    let mut answer = RuntimeAnswer::unanswered(said.answer.source, Outcome::Invalid);
    answer.container_id = Some(question.container_id.clone().into());
    answer.answered_id = said.answer.container_id;
    Said { answer, document: said.document }
}
