//! containerd's own API, in every namespace.

mod api;
mod container;
mod event;

use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use obit_derivation::record::Outcome;
use tokio::task::spawn_blocking;

use self::api::{
    Envelope, GetContainerRequest, GetContainerResponse, GetImageRequest, GetImageResponse, GetTaskRequest,
    GetTaskResponse, ListNamespacesRequest, ListNamespacesResponse, ListTasksRequest, ListTasksResponse, Process,
    SubscribeRequest,
};
use self::container::ContainerFacts;
use crate::host::clock::ClockPair;
use crate::sources::answer::{PATH_BYTES, within};
use crate::sources::daemons::cache::TimedCache;
use crate::sources::daemons::debounce::Debounce;
use crate::sources::daemons::event_gate::EventGate;
use crate::sources::daemons::failure::Failure;
use crate::sources::daemons::grpc::{GrpcCall, GrpcClient};
use crate::sources::daemons::labels::LabelPolicy;
use crate::sources::daemons::limits::{CALL_LIMIT, DOCUMENT_BYTES, EXTRA_LIMIT, LIST_BYTES, MAX_LISTED};
use crate::sources::daemons::processes::{self, state_of_bundle};
use crate::sources::daemons::query::ContainerQuery;
use crate::sources::daemons::report::DaemonAnswer;
use crate::sources::daemons::sockets::Endpoint;

/// Namespaces asked at most.
const MAX_NAMESPACES: usize = 64;
/// Time for which the list of namespaces is good.
const NAMESPACES_FRESH: Duration = Duration::from_secs(2);
/// Time for which an image's digest is good: a pull moves its name to another digest.
const IMAGES_FRESH: Duration = Duration::from_secs(5);
/// Images remembered.
const MAX_IMAGES: usize = 256;

/// A client of one containerd.
#[derive(Debug)]
pub struct ContainerdClient {
    endpoint: Endpoint,
    host_root: PathBuf,
    grpc: GrpcClient,
    labels: LabelPolicy,
    /// Where the daemon keeps its tasks, once known: it tells its containers from those of another
    /// daemon with the same namespace and id.
    state_directory: Mutex<Option<String>>,
    namespaces: TimedCache<(), Vec<String>>,
    /// Digests by namespace and name.
    images: TimedCache<(String, String), Option<String>>,
}

impl ContainerdClient {
    /// A client of the daemon at this socket.
    pub fn new(host_root: &Path, endpoint: Endpoint, labels: LabelPolicy) -> Self {
        Self {
            grpc: GrpcClient::new(endpoint.clone()),
            endpoint,
            host_root: host_root.to_owned(),
            labels,
            state_directory: Mutex::new(None),
            namespaces: TimedCache::new(NAMESPACES_FRESH, 1),
            images: TimedCache::new(IMAGES_FRESH, MAX_IMAGES),
        }
    }

    /// Checks that the daemon answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        self.read_namespaces().await?;
        if self.state_directory().is_none()
            && let Some(state) = self.find_state_directory().await
        {
            self.keep_state_directory(state);
        }
        Ok(())
    }

    /// Finds the daemon's state directory by the process that listens.
    async fn find_state_directory(&self) -> Option<String> {
        let stream = self.endpoint.connect().await.ok()?;
        let pid = u32::try_from(stream.peer_cred().ok()?.pid()?).ok()?;
        let host_root = self.host_root.clone();
        spawn_blocking(move || processes::state_directory(&host_root, pid)).await.ok()?
    }

    fn state_directory(&self) -> Option<String> {
        self.state_directory.lock().map_or(None, |known| known.clone())
    }

    fn keep_state_directory(&self, state: String) {
        if let Ok(mut known) = self.state_directory.lock() {
            *known = Some(state);
        }
    }

    /// Fills in the bundle that a container's task has at this daemon, if it is not there.
    fn locate(&self, namespace: &str, answer: &mut DaemonAnswer) {
        if let (None, Some(state), Some(id)) =
            (&answer.facts.bundle, self.state_directory(), answer.facts.container_id.as_deref())
        {
            answer.facts.bundle = within(Some(&processes::bundle(&state, namespace, id)), PATH_BYTES);
        }
    }

    /// Returns the text of a query, as a record shows it.
    pub fn request(&self, query: &ContainerQuery) -> String {
        format!("Containers/Get {}/{}", query.namespace.as_deref().unwrap_or("*"), query.container_id)
    }

    /// Asks about one container, in its namespace or, if that is not known, in all of them.
    pub async fn ask(&self, query: &ContainerQuery) -> Result<Vec<DaemonAnswer>, Failure> {
        let namespaces = match &query.namespace {
            Some(namespace) => vec![namespace.clone()],
            None => self.namespaces().await?,
        };
        let mut found = Vec::new();
        let mut failure = Failure::new(Outcome::NotFound, "in no namespace");
        for namespace in namespaces {
            match self.container(&namespace, &query.container_id, None).await {
                Ok(inspection) => {
                    let mut answer = inspection.to_answer(query.begun_at);
                    self.locate(&namespace, &mut answer);
                    if answer.facts.bundle.is_none() && !inspection.has_task() {
                        // It may be another daemon's container that was started.
                        failure = Failure::new(Outcome::NotFound, "a container without a task");
                        continue;
                    }
                    found.push(answer);
                }
                Err(error) if error.outcome == Outcome::NotFound => {}
                // Another namespace's answer is worth more than none.
                Err(error) => failure = error,
            }
        }
        if found.is_empty() { Err(failure) } else { Ok(found) }
    }

    /// Reports every container that runs.
    pub async fn list(&self, gate: &EventGate) -> Result<(), Failure> {
        let mut left = MAX_LISTED;
        for namespace in self.namespaces().await? {
            let call = call(api::LIST_TASKS, Some(&namespace), LIST_BYTES);
            let answer: ListTasksResponse = self.grpc.call(call, ListTasksRequest {}).await?;
            for task in answer.tasks.into_iter().filter(|task| task.status != api::STOPPED).take(left) {
                left -= 1;
                let id = if task.container_id.is_empty() { task.id.clone() } else { task.container_id.clone() };
                match self.container(&namespace, &id, Some(task)).await {
                    Ok(inspection) => {
                        let mut answer = inspection.to_answer(None);
                        self.locate(&namespace, &mut answer);
                        gate.pass(&format!("Tasks/List {namespace}"), answer).await;
                    }
                    Err(error) if error.outcome == Outcome::NotFound => {} // gone meanwhile
                    Err(error) => return Err(error),
                }
            }
        }
        Ok(())
    }

    /// Reports events about containers and tasks until the stream ends.
    pub async fn events(&self, gate: &EventGate) -> Failure {
        let filters = vec![r#"topic~="^/tasks/""#.to_owned(), r#"topic~="^/containers/""#.to_owned()];
        let call = call(api::SUBSCRIBE, None, DOCUMENT_BYTES);
        let mut events = match self.grpc.stream::<_, Envelope>(call, SubscribeRequest { filters }).await {
            Ok(events) => events,
            Err(failure) => return failure,
        };
        let mut debounce = Debounce::default();
        loop {
            match debounce.next(events.next()).await {
                Ok(envelope) => {
                    gate.wait_turn().await;
                    if let Some(mut answer) = event::to_answer(&envelope) {
                        let bundle = answer.facts.bundle.as_deref().zip(answer.facts.container_id.as_deref());
                        let state = bundle.and_then(|(bundle, id)| state_of_bundle(bundle, &envelope.namespace, id));
                        if let Some(state) = state {
                            self.keep_state_directory(state.to_owned());
                        }
                        self.locate(&envelope.namespace, &mut answer);
                        let at = debounce.arrival(ClockPair::read(), event::time(&envelope));
                        gate.pass_at(at, "Events/Subscribe", answer).await;
                    }
                }
                Err(failure) => return failure,
            }
        }
    }

    async fn container(&self, namespace: &str, id: &str, task: Option<Process>) -> Result<ContainerFacts, Failure> {
        let request = GetContainerRequest { id: id.to_owned() };
        let get = call(api::GET_CONTAINER, Some(namespace), DOCUMENT_BYTES);
        let answer: GetContainerResponse = self.grpc.call(get, request).await?;
        let container = answer.container.ok_or_else(|| Failure::invalid("an answer without a container"))?;
        let task = match task {
            Some(task) => Some(task),
            None => {
                let request = GetTaskRequest { container_id: id.to_owned() };
                let get = GrpcCall { limit: EXTRA_LIMIT, ..call(api::GET_TASK, Some(namespace), DOCUMENT_BYTES) };
                let answer: Result<GetTaskResponse, _> = self.grpc.call(get, request).await;
                answer.ok().and_then(|answer| answer.process)
            }
        };
        let digest = self.image_digest(namespace, &container.image).await;
        Ok(ContainerFacts::new(namespace, container, task, digest, &self.labels))
    }

    /// Returns the digest of the manifest, or the index of manifests, that a name stands for.
    async fn image_digest(&self, namespace: &str, name: &str) -> Option<String> {
        if name.is_empty() {
            return None;
        }
        let key = (namespace.to_owned(), name.to_owned());
        if let Some(known) = self.images.get(&key) {
            return known;
        }
        let get = GrpcCall { limit: EXTRA_LIMIT, ..call(api::GET_IMAGE, Some(namespace), DOCUMENT_BYTES) };
        let answer: GetImageResponse = self.grpc.call(get, GetImageRequest { name: name.to_owned() }).await.ok()?;
        let digest = answer.image.and_then(|image| image.target).map(|target| target.digest);
        self.images.put(key, digest.clone());
        digest
    }

    async fn namespaces(&self) -> Result<Vec<String>, Failure> {
        match self.namespaces.get(&()) {
            Some(known) => Ok(known),
            None => self.read_namespaces().await,
        }
    }

    async fn read_namespaces(&self) -> Result<Vec<String>, Failure> {
        let call = call(api::LIST_NAMESPACES, None, DOCUMENT_BYTES);
        let answer: ListNamespacesResponse = self.grpc.call(call, ListNamespacesRequest {}).await?;
        let namespaces: Vec<_> = answer.namespaces.into_iter().map(|one| one.name).take(MAX_NAMESPACES).collect();
        self.namespaces.put((), namespaces.clone());
        Ok(namespaces)
    }
}

fn call<'a>(path: &'static str, namespace: Option<&'a str>, limit_bytes: usize) -> GrpcCall<'a> {
    GrpcCall { path, namespace, limit: CALL_LIMIT, limit_bytes }
}
