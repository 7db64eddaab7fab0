//! The gate between a daemon's reports and the records: what may pass, and how fast.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use obit_derivation::record::RuntimeAnswer;
use tokio::sync::Notify;

use super::kind::{DaemonKind, Existence};
use super::limits::{EVENT_BURST, EVENTS_PER_S};
use super::query::ContainerQuery;
use super::report::{DaemonAnswer, RecordSender, answer_record};
use super::sockets::{Endpoint, SocketOwner};
use crate::host::clock::ClockPair;

/// Most containers remembered for one reason.
const MAX_KNOWN: usize = 4_096;

/// Most containers that wait to be found without a cgroup.
const MAX_STARTED: usize = 256;

/// The gate of one daemon.
#[derive(Debug)]
pub struct EventGate {
    endpoint: Endpoint,
    /// Hands records on.
    pub records: RecordSender,
    /// Containers of the user whose daemon it is.
    known: Mutex<RecentIds>,
    /// Containers that the daemon reported as removed.
    removed: Mutex<RecentIds>,
    /// Containers that the daemon was asked about.
    asked: Mutex<RecentIds>,
    /// Containers that the daemon reported as started or running, and when; the oldest first.
    started: Mutex<VecDeque<(Instant, String)>>,
    /// Signals that there is one more of these.
    start_added: Notify,
    rate_limit: Mutex<RateLimit>,
}

#[derive(Debug, Default)]
struct RecentIds {
    ids: BTreeSet<String>,
    oldest_first: VecDeque<String>,
}

impl RecentIds {
    fn insert(&mut self, id: String) {
        if !self.ids.insert(id.clone()) {
            return;
        }
        self.oldest_first.push_back(id);
        if self.oldest_first.len() > MAX_KNOWN
            && let Some(oldest) = self.oldest_first.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}

/// A bucket of tokens that fills with time.
#[derive(Debug)]
struct RateLimit {
    tokens: f64,
    filled_at: Instant,
}

impl EventGate {
    /// Makes the gate for the daemon at this socket.
    pub fn new(endpoint: Endpoint, records: RecordSender) -> Self {
        let rate_limit = RateLimit { tokens: f64::from(EVENT_BURST), filled_at: Instant::now() };
        Self {
            endpoint,
            records,
            known: Mutex::default(),
            removed: Mutex::default(),
            asked: Mutex::default(),
            started: Mutex::default(),
            start_added: Notify::new(),
            rate_limit: Mutex::new(rate_limit),
        }
    }

    /// Lets a user's daemon speak of this container, which the kernel shows to be that user's, and
    /// notes that the daemon is asked about it.
    pub fn allow(&self, container_id: &str) {
        if self.may_lack_cgroups()
            && let Ok(mut asked) = self.asked.lock()
        {
            asked.insert(container_id.to_owned());
        }
        if let (SocketOwner::User(_), Ok(mut known)) = (self.endpoint.owner, self.known.lock()) {
            known.insert(container_id.to_owned());
        }
    }

    /// Returns true if the daemon has reported that it removed the container, and so knows no more
    /// of it.
    pub fn has_removed(&self, query: &ContainerQuery) -> bool {
        let key = self.key(query.namespace.as_deref(), &query.container_id);
        self.removed.lock().is_ok_and(|removed| removed.ids.contains(&key))
    }

    /// Forgets removals: the stream of events has a gap here, in which a container may have come
    /// back.
    pub fn forget_removed(&self) {
        if let Ok(mut removed) = self.removed.lock() {
            *removed = RecentIds::default();
        }
    }

    /// Returns true if containers without a cgroup count. What a user's daemon says of such a
    /// container nothing shows to be true.
    fn may_lack_cgroups(&self) -> bool {
        self.endpoint.kind.may_lack_cgroups() && !matches!(self.endpoint.owner, SocketOwner::User(_))
    }

    /// Notes that the daemon reports a container as started, or in a list as running.
    fn note_start(&self, answer: &RuntimeAnswer<'_>) {
        let is_start = matches!(answer.event.as_deref(), None | Some("start"));
        let Some(id) = answer.container_id.as_deref().filter(|_| is_start && self.may_lack_cgroups()) else { return };
        let Ok(mut started) = self.started.lock() else { return };
        if started.len() < MAX_STARTED {
            started.push_back((Instant::now(), id.to_owned()));
            self.start_added.notify_one();
        }
    }

    /// Waits for containers that were started `wait` ago and that nobody has asked about: they have
    /// no cgroup that the kernel shows. Returns their ids.
    pub async fn without_cgroups(&self, wait: Duration) -> Vec<String> {
        let first = || self.started.lock().ok().and_then(|started| started.front().map(|(since, _)| *since));
        let since = loop {
            match first() {
                Some(since) => break since,
                None => self.start_added.notified().await,
            }
        };
        tokio::time::sleep(wait.saturating_sub(since.elapsed())).await;
        let (Ok(mut started), Ok(asked)) = (self.started.lock(), self.asked.lock()) else { return Vec::new() };
        let mut found = Vec::new();
        while started.front().is_some_and(|(since, _)| since.elapsed() >= wait)
            && let Some((_, id)) = started.pop_front()
        {
            if !asked.ids.contains(&id) {
                found.push(id);
            }
        }
        found
    }

    fn note_removal(&self, answer: &RuntimeAnswer<'_>) {
        let (Some(event), Some(id)) = (answer.event.as_deref(), answer.container_id.as_deref()) else { return };
        let Some(existence) = DaemonKind::existence_after(event) else { return };
        let Ok(mut removed) = self.removed.lock() else { return };
        let key = self.key(answer.namespace.as_deref(), id);
        match existence {
            Existence::Removed => removed.insert(key),
            Existence::Created => _ = removed.ids.remove(&key),
        }
    }

    /// Returns the key of a container. At containerd an id means a container only in a namespace.
    fn key(&self, namespace: Option<&str>, container_id: &str) -> String {
        if self.endpoint.kind.has_namespaces() {
            format!("{}/{container_id}", namespace.unwrap_or_default())
        } else {
            container_id.to_owned()
        }
    }

    /// Passes on what the daemon says in a list.
    pub async fn pass(&self, what: &str, answer: DaemonAnswer) {
        self.pass_at(ClockPair::read(), what, answer).await;
    }

    /// Passes on what the daemon said at this moment.
    pub async fn pass_at(&self, at: ClockPair, what: &str, mut answer: DaemonAnswer) {
        self.note_removal(&answer.facts);
        self.note_start(&answer.facts);
        if self.is_hearsay(&answer.facts) {
            answer.facts = without_claims(answer.facts);
        }
        self.records.send_at(at, answer_record(self.endpoint.request(what), Duration::ZERO, answer)).await;
    }

    /// Waits until the next event may be taken. Called for each event that the daemon sends by
    /// itself.
    pub async fn wait_turn(&self) {
        let wait = match self.rate_limit.lock() {
            Ok(mut rate_limit) => rate_limit.take(Instant::now()),
            Err(_) => Duration::ZERO,
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Returns true if a user's daemon speaks of a container that nothing shows to be that user's.
    fn is_hearsay(&self, answer: &RuntimeAnswer<'_>) -> bool {
        match self.endpoint.owner {
            SocketOwner::Root | SocketOwner::Given => false,
            SocketOwner::User(_) => {
                let is_known = |id: &str| self.known.lock().is_ok_and(|known| known.ids.contains(id));
                !answer.container_id.as_deref().is_some_and(is_known)
            }
        }
    }
}

impl RateLimit {
    /// Takes one token. Returns how long to wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        let filled = now.duration_since(self.filled_at).as_secs_f64() * f64::from(EVENTS_PER_S);
        self.tokens = (self.tokens + filled).min(f64::from(EVENT_BURST)) - 1.0;
        self.filled_at = now;
        if self.tokens >= 0.0 {
            return Duration::ZERO;
        }
        Duration::from_secs_f64(-self.tokens / f64::from(EVENTS_PER_S))
    }
}

/// Returns the answer without its claims; all of it is in the document.
fn without_claims(answer: RuntimeAnswer<'static>) -> RuntimeAnswer<'static> {
    let mut bare = RuntimeAnswer::unanswered(answer.source, answer.outcome);
    bare.event = answer.event;
    bare
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::{Outcome, Source};
    use tokio::sync::mpsc::channel;

    use super::*;
    use crate::sources::answer::Stamped;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
    }

    fn endpoint(owner: SocketOwner) -> Endpoint {
        Endpoint { kind: DaemonKind::Docker, path: "/run/docker.sock".into(), owner }
    }

    fn about(id: &'static str) -> DaemonAnswer {
        let mut answer = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
        answer.container_id = Some(id.into());
        answer.container_name = Some("name".into());
        DaemonAnswer { facts: answer, document: Some("document".into()) }
    }

    #[test]
    fn a_users_daemon_names_his_containers_and_no_others() {
        run(async {
            let (sender, mut records) = channel(8);
            let gate = EventGate::new(endpoint(SocketOwner::User(1000)), RecordSender(sender));
            gate.allow("mine");
            for id in ["mine", "other"] {
                gate.pass("/events", about(id)).await;
            }
            let Stamped { record: mine, .. } = records.recv().await.unwrap();
            assert_eq!(mine.answer.container_name.as_deref(), Some("name"));
            let Stamped { record: other, .. } = records.recv().await.unwrap();
            assert_eq!((other.answer.container_id, other.answer.container_name), (None, None));
            assert_eq!(other.details.document.as_deref(), Some("document"));
        });
    }

    #[test]
    fn a_container_that_runs_and_that_nobody_asks_about_has_no_cgroup() {
        run(async {
            let (sender, _records) = channel(16);
            let gate = EventGate::new(endpoint(SocketOwner::Root), RecordSender(sender));
            let tell = async |id: &'static str, event: Option<&'static str>| {
                let mut answer = about(id);
                answer.facts.event = event.map(Into::into);
                gate.pass("/events", answer).await;
            };
            tell("listed", None).await;
            tell("asked", Some("start")).await;
            tell("started", Some("start")).await;
            tell("ended", Some("die")).await;
            gate.allow("asked");
            assert_eq!(gate.without_cgroups(Duration::from_millis(20)).await, ["listed", "started"]);
            // Nobody else is waited for, so the next one comes alone.
            tell("next", Some("start")).await;
            assert_eq!(gate.without_cgroups(Duration::from_millis(20)).await, ["next"]);

            let (sender, _records) = channel(16);
            let users = EventGate::new(endpoint(SocketOwner::User(1000)), RecordSender(sender));
            users.pass("/containers/json", about("forged")).await;
            assert!(users.started.lock().unwrap().is_empty(), "nothing shows that it is that user's");
        });
    }

    #[test]
    fn who_has_removed_a_container_is_not_asked_for_it_until_it_is_there_again() {
        run(async {
            let (sender, _records) = channel(8);
            let endpoint = Endpoint { kind: DaemonKind::Containerd, ..endpoint(SocketOwner::Root) };
            let gate = EventGate::new(endpoint, RecordSender(sender));
            let tell = async |event: &'static str| {
                let mut answer = about("web");
                (answer.facts.event, answer.facts.namespace) = (Some(event.into()), Some("shop".into()));
                gate.pass("Events/Subscribe", answer).await;
            };
            let is_gone = |namespace: Option<&str>| {
                let namespace = namespace.map(Into::into);
                gate.has_removed(&ContainerQuery { container_id: "web".into(), namespace, begun_at: None })
            };
            tell("/tasks/delete").await;
            assert!(!is_gone(Some("shop")), "the container is more than its task");
            tell("/containers/delete").await;
            assert!(is_gone(Some("shop")));
            assert!(!is_gone(Some("default")) && !is_gone(None), "another of that name may be there");
            tell("/containers/create").await;
            assert!(!is_gone(Some("shop")));
            tell("/containers/delete").await;
            gate.forget_removed();
            assert!(!is_gone(Some("shop")));
        });
    }

    #[test]
    fn a_flood_of_events_is_taken_at_the_pace_of_the_bound() {
        let mut now = Instant::now();
        let mut rate_limit = RateLimit { tokens: f64::from(EVENT_BURST), filled_at: now };
        for number in 0..EVENT_BURST {
            assert_eq!(rate_limit.take(now), Duration::ZERO, "event {number} of a burst waits");
        }
        let begun = now;
        for _ in 0..EVENTS_PER_S * 3 {
            now += rate_limit.take(now);
        }
        let took = (now - begun).as_secs_f64();
        assert!((2.9..3.1).contains(&took), "three seconds' worth took {took} s");
    }
}
