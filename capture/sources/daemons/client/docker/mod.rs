//! Docker's HTTP API, and podman's, which offers Docker's and one of its own.
//!
//! Sources: moby `api/swagger.yaml` (`ContainerInspect`, `ContainerList`, `ImageInspect`,
//! `SystemEvents`); podman `pkg/api/server/register_containers.go` (`ContainerInspectLibpod`).
//! Podman's own inspection is asked, because it knows the image's digest and the pod's infra
//! container.

mod event;
mod image;
mod inspect;
mod list;
mod store;

use std::sync::Mutex;
use std::time::Duration;

use obit_derivation::WallNs;

use self::image::ImageDigests;
pub use self::store::ImageStore;
use crate::host::clock::ClockPair;
use crate::sources::daemons::debounce::Debounce;
use crate::sources::daemons::event_gate::EventGate;
use crate::sources::daemons::failure::Failure;
use crate::sources::daemons::http::{self, component};
use crate::sources::daemons::kind::DaemonKind;
use crate::sources::daemons::labels::LabelPolicy;
use crate::sources::daemons::limits::{CALL_LIMIT, DOCUMENT_BYTES, LIST_BYTES};
use crate::sources::daemons::query::ContainerQuery;
use crate::sources::daemons::report::DaemonAnswer;
use crate::sources::daemons::sockets::Endpoint;

/// Longest wait for an image's digest, which only completes an answer.
const IMAGE_LIMIT: Duration = Duration::from_secs(1);

/// A client of one dockerd or podman service.
#[derive(Debug)]
pub struct DockerClient {
    endpoint: Endpoint,
    labels: LabelPolicy,
    digests: ImageDigests,
    /// Store of the daemon's images, by its last word.
    store: Mutex<ImageStore>,
    /// The daemon's time of the last event seen, in nanoseconds since 1970.
    last_event_ns: Mutex<Option<i64>>,
}

impl DockerClient {
    /// A client of the daemon at this socket.
    pub fn new(endpoint: Endpoint, labels: LabelPolicy) -> Self {
        let (digests, last_event_ns) = (ImageDigests::default(), Mutex::new(None));
        Self { endpoint, labels, digests, store: Mutex::new(ImageStore::Unknown), last_event_ns }
    }

    /// Returns the store of the daemon's images, as far as known.
    fn store(&self) -> ImageStore {
        match self.endpoint.kind {
            DaemonKind::Docker => self.store.lock().map_or(ImageStore::Unknown, |store| *store),
            _ => ImageStore::Docker,
        }
    }

    /// Checks that the daemon answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        http::get(&self.endpoint, "/_ping", CALL_LIMIT, 1 << 10).await.map(|_| ())
    }

    /// Returns the path that a query asks for.
    pub fn request(&self, query: &ContainerQuery) -> String {
        let id = component(&query.container_id);
        match self.endpoint.kind {
            // The version is that of podman 4, which later ones answer too; without one there is no
            // such path.
            DaemonKind::Podman => format!("/v4.0.0/libpod/containers/{id}/json"),
            _ => format!("/containers/{id}/json"),
        }
    }

    /// Asks about one container.
    pub async fn ask(&self, query: &ContainerQuery) -> Result<Vec<DaemonAnswer>, Failure> {
        let body = http::get(&self.endpoint, &self.request(query), CALL_LIMIT, DOCUMENT_BYTES).await?;
        let inspection = inspect::DockerInspection::read(&body, &self.labels)
            .ok_or_else(|| Failure::invalid("not an inspection of a container"))?;
        let mut answer = inspection.to_answer(self.endpoint.kind, self.store(), query.begun_at);
        if answer.facts.image_digest.is_none()
            && let (Some(id), Some(name)) = (answer.facts.image_id.as_deref(), answer.facts.image_name.as_deref())
        {
            answer.facts.image_digest = self.digests.find(&self.endpoint, id, name, IMAGE_LIMIT).await.map(Into::into);
        }
        Ok(vec![answer])
    }

    /// Reports every container that runs.
    pub async fn list(&self, gate: &EventGate) -> Result<(), Failure> {
        let body = http::get(&self.endpoint, list::PATH, CALL_LIMIT, LIST_BYTES).await?;
        if self.endpoint.kind == DaemonKind::Docker {
            // A daemon that comes back may have another one.
            let store = ImageStore::ask(&self.endpoint, CALL_LIMIT).await;
            if let Ok(mut known) = self.store.lock() {
                *known = store;
            }
        }
        for said in list::read(&body, self.endpoint.kind, self.store(), &self.labels)? {
            gate.pass(list::PATH, said).await;
        }
        Ok(())
    }

    /// Reports events about containers until the stream ends.
    pub async fn events(&self, gate: &EventGate) -> Failure {
        let last = self.last_event_ns.lock().map_or(None, |last| *last);
        // After a break, what the daemon still remembers of the time between.
        let path = event::path(self.endpoint.kind, last);
        let mut lines = match http::lines(&self.endpoint, &path, CALL_LIMIT).await {
            Ok(lines) => lines,
            Err(failure) => return failure,
        };
        let mut debounce = Debounce::default();
        loop {
            let line = match debounce.next(lines.next()).await {
                Ok(line) => line,
                Err(failure) => return failure,
            };
            gate.wait_turn().await;
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let Some(event) = event::DockerEvent::read(&line) else {
                return Failure::invalid("a line of the event stream that is no event");
            };
            if last.is_some_and(|last| event.time_nano.is_some_and(|time| time <= last)) {
                continue; // told before the break
            }
            if let (Some(time), Ok(mut last)) = (event.time_nano, self.last_event_ns.lock()) {
                *last = Some(time.max(last.unwrap_or(time)));
            }
            if let Some(answer) = event.to_answer(self.endpoint.kind, &self.labels) {
                let at = debounce.arrival(ClockPair::read(), event.time_nano.map(WallNs));
                gate.pass_at(at, event::PATH, answer).await;
            }
        }
    }
}
