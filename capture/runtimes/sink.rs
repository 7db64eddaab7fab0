//! Where what a daemon says goes, and what may pass.

use std::collections::{BTreeSet, VecDeque};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use obit_derivation::record::RuntimeAnswer;

use super::limits::{EVENT_BURST, EVENTS_PER_S};
use super::report::{Reporter, Said, answered};
use super::sockets::{Endpoint, Owner};

/// A user's containers that are remembered.
const MAX_KNOWN: usize = 4_096;

/// Of one daemon.
#[derive(Debug)]
pub struct Sink {
    endpoint: Endpoint,
    /// Hands records on.
    pub reporter: Reporter,
    known: Mutex<Known>,
    pace: Mutex<Pace>,
}

#[derive(Debug, Default)]
struct Known {
    ids: BTreeSet<String>,
    oldest_first: VecDeque<String>,
}

/// A bucket that fills with time.
#[derive(Debug)]
struct Pace {
    tokens: f64,
    filled_at: Instant,
}

impl Sink {
    /// One for the daemon at this socket.
    pub fn new(endpoint: Endpoint, reporter: Reporter) -> Self {
        let pace = Pace { tokens: f64::from(EVENT_BURST), filled_at: Instant::now() };
        Self { endpoint, reporter, known: Mutex::default(), pace: Mutex::new(pace) }
    }

    /// The container is, by the kernel's word, one that this daemon's owner may speak of.
    pub fn may_speak_of(&self, container_id: &str) {
        if let (Owner::User(_), Ok(mut known)) = (self.endpoint.owner, self.known.lock())
            && known.ids.insert(container_id.to_owned())
        {
            known.oldest_first.push_back(container_id.to_owned());
            if known.oldest_first.len() > MAX_KNOWN
                && let Some(oldest) = known.oldest_first.pop_front()
            {
                known.ids.remove(&oldest);
            }
        }
    }

    /// Hands on what the daemon said by itself or in a list.
    pub async fn said(&self, what: &str, mut said: Said) {
        if self.is_hearsay(&said.answer) {
            said.answer = without_claims(said.answer);
        }
        self.reporter.report(answered(self.endpoint.request(what), Duration::ZERO, said)).await;
    }

    /// Waits until the next event may be taken.
    pub async fn pace(&self) {
        let wait = match self.pace.lock() {
            Ok(mut pace) => pace.take(Instant::now()),
            Err(_) => Duration::ZERO,
        };
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }

    /// A user's daemon speaks of a container that nothing shows to be his.
    fn is_hearsay(&self, answer: &RuntimeAnswer<'_>) -> bool {
        match self.endpoint.owner {
            Owner::Root | Owner::Given => false,
            Owner::User(_) => {
                let is_known = |id: &str| self.known.lock().is_ok_and(|known| known.ids.contains(id));
                !answer.container_id.as_deref().is_some_and(is_known)
            }
        }
    }
}

impl Pace {
    /// Takes one; how long to wait for it.
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

/// The answer as the mere fact that something was said. All of it is in the document.
fn without_claims(answer: RuntimeAnswer<'static>) -> RuntimeAnswer<'static> {
    let mut bare = RuntimeAnswer::unanswered(answer.source, answer.outcome);
    bare.event = answer.event;
    bare
}

#[cfg(test)]
mod tests {
    use obit_derivation::record::{Outcome, RuntimeSource};
    use tokio::sync::mpsc::channel;

    use super::*;
    use crate::runtimes::kind::Kind;

    fn run<T>(future: impl Future<Output = T>) -> T {
        tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
    }

    fn endpoint(owner: Owner) -> Endpoint {
        Endpoint { kind: Kind::Docker, path: "/run/docker.sock".into(), owner }
    }

    fn about(id: &'static str) -> Said {
        let mut answer = RuntimeAnswer::unanswered(RuntimeSource::Docker, Outcome::Ok);
        answer.container_id = Some(id.into());
        answer.container_name = Some("name".into());
        Said { answer, document: Some("document".into()) }
    }

    #[test]
    fn a_users_daemon_names_his_containers_and_no_others() {
        run(async {
            let (sender, mut records) = channel(8);
            let sink = Sink::new(endpoint(Owner::User(1000)), Reporter(sender));
            sink.may_speak_of("mine");
            for id in ["mine", "other"] {
                sink.said("/events", about(id)).await;
            }
            let (_, mine) = records.recv().await.unwrap();
            assert_eq!(mine.0.container_name.as_deref(), Some("name"));
            let (_, other) = records.recv().await.unwrap();
            assert_eq!((other.0.container_id, other.0.container_name), (None, None));
            assert_eq!(other.1.document.as_deref(), Some("document"));
        });
    }

    #[test]
    fn a_flood_of_events_is_taken_at_the_pace_of_the_bound() {
        let mut now = Instant::now();
        let mut pace = Pace { tokens: f64::from(EVENT_BURST), filled_at: now };
        for number in 0..EVENT_BURST {
            assert_eq!(pace.take(now), Duration::ZERO, "event {number} of a burst waits");
        }
        let begun = now;
        for _ in 0..EVENTS_PER_S * 3 {
            now += pace.take(now);
        }
        let took = (now - begun).as_secs_f64();
        assert!((2.9..3.1).contains(&took), "three seconds' worth took {took} s");
    }
}
