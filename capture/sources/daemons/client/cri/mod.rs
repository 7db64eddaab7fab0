//! Kubernetes' container runtime interface v1, of CRI-O and of containerd's plugin.

mod api;
mod status;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use obit_derivation::identity::Engine;
use obit_derivation::record::Outcome;

use self::api::{
    Container, ContainerStatus, ContainerStatusRequest, ContainerStatusResponse, ListContainersRequest,
    ListContainersResponse, ListPodSandboxRequest, ListPodSandboxResponse, PodSandboxStatus, PodSandboxStatusRequest,
    PodSandboxStatusResponse, VersionRequest, VersionResponse,
};
use self::status::{Pod, StatusFacts, VerboseInfo};
use crate::sources::daemons::cache::TimedCache;
use crate::sources::daemons::event_gate::EventGate;
use crate::sources::daemons::failure::Failure;
use crate::sources::daemons::grpc::{GrpcCall, GrpcClient};
use crate::sources::daemons::labels::LabelPolicy;
use crate::sources::daemons::limits::{CALL_LIMIT, DOCUMENT_BYTES, EXTRA_LIMIT, LIST_BYTES, MAX_LISTED};
use crate::sources::daemons::query::ContainerQuery;
use crate::sources::daemons::report::DaemonAnswer;
use crate::sources::daemons::sockets::Endpoint;

/// Pods remembered.
const MAX_PODS: usize = 1_024;

/// A client of one CRI service.
#[derive(Debug)]
pub struct CriClient {
    grpc: GrpcClient,
    labels: LabelPolicy,
    /// The engine behind the interface, by its own word.
    engine: Mutex<Option<Engine>>,
    /// A sandbox's pod never changes.
    pods: TimedCache<String, Pod>,
}

impl CriClient {
    /// A client of the service at this socket.
    pub fn new(endpoint: Endpoint, labels: LabelPolicy) -> Self {
        Self {
            grpc: GrpcClient::new(endpoint),
            labels,
            engine: Mutex::new(None),
            pods: TimedCache::new(Duration::MAX, MAX_PODS),
        }
    }

    /// Checks that the service answers.
    pub async fn ping(&self) -> Result<(), Failure> {
        let answer: VersionResponse = self.grpc.call(call(api::VERSION, DOCUMENT_BYTES), VersionRequest {}).await?;
        if let Ok(mut engine) = self.engine.lock() {
            *engine = match answer.runtime_name.as_str() {
                "containerd" => Some(Engine::Containerd),
                "cri-o" => Some(Engine::Crio),
                _ => None,
            };
        }
        Ok(())
    }

    /// Returns the text of a query, as a record shows it.
    pub fn request(&self, query: &ContainerQuery) -> String {
        format!("ContainerStatus {}", query.container_id)
    }

    /// Never returns: CRI's own stream of events is an alpha feature that is off; containerd's
    /// covers its containers.
    pub async fn events(&self, _gate: &EventGate) -> Failure {
        std::future::pending().await
    }

    /// Asks about one container, or about a sandbox if there is no container of that id.
    pub async fn ask(&self, query: &ContainerQuery) -> Result<Vec<DaemonAnswer>, Failure> {
        let id = &query.container_id;
        let request = ContainerStatusRequest { container_id: id.clone(), verbose: true };
        let answer: Result<ContainerStatusResponse, _> =
            self.grpc.call(call(api::CONTAINER_STATUS, DOCUMENT_BYTES), request).await;
        match answer {
            Ok(answer) => {
                let container = answer.status.ok_or_else(|| Failure::invalid("an answer without a status"))?;
                let info = VerboseInfo::read(&answer.info);
                let pod = match &info.sandbox_id {
                    Some(sandbox_id) => self.pod(sandbox_id).await,
                    None => None,
                };
                let status = StatusFacts::of_container(container, info, pod, &self.labels);
                Ok(vec![status.to_answer(self.engine(), query.begun_at)])
            }
            Err(failure) if failure.outcome == Outcome::NotFound => {
                let (sandbox, info) = self.sandbox(id, CALL_LIMIT).await?;
                Ok(vec![StatusFacts::of_sandbox(sandbox, info, &self.labels).to_answer(self.engine(), query.begun_at)])
            }
            Err(failure) => Err(failure),
        }
    }

    /// Reports every container and sandbox that runs.
    pub async fn list(&self, gate: &EventGate) -> Result<(), Failure> {
        let sandboxes: ListPodSandboxResponse =
            self.grpc.call(call(api::LIST_POD_SANDBOX, LIST_BYTES), ListPodSandboxRequest {}).await?;
        let containers: ListContainersResponse =
            self.grpc.call(call(api::LIST_CONTAINERS, LIST_BYTES), ListContainersRequest {}).await?;
        let mut pods = BTreeMap::new();
        for sandbox in sandboxes.items.into_iter().filter(|sandbox| sandbox.state == 0).take(MAX_LISTED) {
            let status = PodSandboxStatus {
                id: sandbox.id,
                metadata: sandbox.metadata,
                state: sandbox.state,
                created_at: sandbox.created_at,
                labels: sandbox.labels,
            };
            let status = StatusFacts::of_sandbox(status, VerboseInfo::default(), &self.labels);
            pods.extend(status.pod().map(|pod| (status.id().to_owned(), pod)));
            gate.pass("ListPodSandbox", status.to_answer(self.engine(), None)).await;
        }
        for container in containers.containers.into_iter().filter(|one| one.state == api::RUNNING).take(MAX_LISTED) {
            let pod = pods.get(&container.pod_sandbox_id).cloned();
            let status = StatusFacts::of_container(listed(container), VerboseInfo::default(), pod, &self.labels);
            gate.pass("ListContainers", status.to_answer(self.engine(), None)).await;
        }
        Ok(())
    }

    async fn pod(&self, sandbox_id: &str) -> Option<Pod> {
        let key = sandbox_id.to_owned();
        if let Some(known) = self.pods.get(&key) {
            return Some(known);
        }
        let (sandbox, _) = self.sandbox(sandbox_id, EXTRA_LIMIT).await.ok()?;
        if sandbox.id != sandbox_id {
            return None;
        }
        let pod = Pod::of(sandbox.metadata?);
        self.pods.put(key, pod.clone());
        Some(pod)
    }

    async fn sandbox(&self, id: &str, limit: Duration) -> Result<(PodSandboxStatus, VerboseInfo), Failure> {
        let request = PodSandboxStatusRequest { pod_sandbox_id: id.to_owned(), verbose: true };
        let call = GrpcCall { limit, ..call(api::POD_SANDBOX_STATUS, DOCUMENT_BYTES) };
        let answer: PodSandboxStatusResponse = self.grpc.call(call, request).await?;
        let status = answer.status.ok_or_else(|| Failure::invalid("an answer without a status"))?;
        Ok((status, VerboseInfo::read(&answer.info)))
    }

    fn engine(&self) -> Option<Engine> {
        self.engine.lock().map_or(None, |engine| *engine)
    }
}

/// Returns an entry of the list as the status that it is a part of.
fn listed(container: Container) -> ContainerStatus {
    ContainerStatus {
        id: container.id,
        metadata: container.metadata,
        state: container.state,
        created_at: container.created_at,
        image: container.image,
        image_ref: container.image_ref,
        labels: container.labels,
        image_id: container.image_id,
        ..ContainerStatus::default()
    }
}

fn call(path: &'static str, limit_bytes: usize) -> GrpcCall<'static> {
    GrpcCall { path, namespace: None, limit: CALL_LIMIT, limit_bytes }
}
