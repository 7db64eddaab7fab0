//! Client of the container runtime interface that does what the kubelet does for a pod on the
//! host's network.
//!
//! Numbers and names are those of kubernetes/cri-api `pkg/apis/runtime/v1/api.proto`.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::body::Incoming;
use hyper::client::conn::http2;
use hyper::http::uri::PathAndQuery;
use hyper::{Request, Response, Uri};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::net::UnixStream;
use tokio::runtime::Runtime;
use tonic::body::Body;
use tonic::client::Grpc;
use tonic_prost::ProstCodec;

/// Longest time that a call may take.
const LIMIT: Duration = Duration::from_secs(60);

/// A connection to a CRI service.
pub struct Cri {
    runtime: Runtime,
    service: Service,
}

impl Cri {
    /// Connects to a socket. Returns `None` if nobody answers there yet.
    pub fn connect(socket: &Path) -> Option<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("tokio");
        let sender = runtime.block_on(async {
            let stream = UnixStream::connect(socket).await.ok()?;
            let io = TokioIo::new(stream);
            let (sender, connection) = http2::Builder::new(TokioExecutor::new()).handshake(io).await.ok()?;
            tokio::spawn(connection);
            Some(sender)
        })?;
        let mut cri = Self { runtime, service: Service(sender) };
        let _: Version = cri.try_call("Version", Empty {}).ok()?;
        Some(cri)
    }

    /// Runs a pod's sandbox on the host's network. Returns its id.
    pub fn run_pod(&mut self, pod: &Pod) -> String {
        let request = RunPodSandbox { config: Some(pod.clone()), runtime_handler: String::new() };
        self.call::<_, Id>("RunPodSandbox", request).id
    }

    /// Makes and starts a container in a sandbox. Returns its id.
    pub fn start_container(&mut self, sandbox: &str, pod: &Pod, container: Container) -> String {
        let request = CreateContainer {
            pod_sandbox_id: sandbox.to_owned(),
            config: Some(container),
            sandbox_config: Some(pod.clone()),
        };
        let id = self.call::<_, Id>("CreateContainer", request).id;
        self.call::<_, Empty>("StartContainer", Id { id: id.clone() });
        id
    }

    /// Stops a container at once and removes it.
    pub fn remove_container(&mut self, id: &str) {
        self.call::<_, Empty>("StopContainer", Id { id: id.to_owned() });
        self.call::<_, Empty>("RemoveContainer", Id { id: id.to_owned() });
    }

    /// Stops and removes a sandbox with its containers.
    pub fn remove_pod(&mut self, id: &str) {
        self.call::<_, Empty>("StopPodSandbox", Id { id: id.to_owned() });
        self.call::<_, Empty>("RemovePodSandbox", Id { id: id.to_owned() });
    }

    fn call<Q: Message + 'static, A: Message + Default + 'static>(&mut self, method: &str, question: Q) -> A {
        self.try_call(method, question).unwrap_or_else(|status| panic!("CRI {method}: {status:?}"))
    }

    fn try_call<Q: Message + 'static, A: Message + Default + 'static>(
        &mut self,
        method: &str,
        question: Q,
    ) -> Result<A, tonic::Status> {
        let path = PathAndQuery::try_from(format!("/runtime.v1.RuntimeService/{method}")).expect("a path");
        let mut grpc = Grpc::with_origin(self.service.clone(), Uri::from_static("http://localhost"));
        self.runtime.block_on(async {
            let answer = async {
                grpc.ready().await.map_err(|error| tonic::Status::unavailable(error.to_string()))?;
                grpc.unary(tonic::Request::new(question), path, ProstCodec::<Q, A>::default()).await
            };
            let answer = tokio::time::timeout(LIMIT, answer).await;
            answer.map_err(|_| tonic::Status::deadline_exceeded("by this test"))?.map(tonic::Response::into_inner)
        })
    }
}

#[derive(Clone)]
struct Service(http2::SendRequest<Body>);

impl tower_service::Service<Request<Body>> for Service {
    type Response = Response<Incoming>;
    type Error = hyper::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        Box::pin(self.0.send_request(request))
    }
}

#[derive(Clone, PartialEq, Message)]
struct Empty {}

#[derive(Clone, PartialEq, Message)]
struct Version {
    #[prost(string, tag = "2")]
    runtime_name: String,
}

/// Any message whose first field is an id.
#[derive(Clone, PartialEq, Message)]
struct Id {
    #[prost(string, tag = "1")]
    id: String,
}

#[derive(Clone, PartialEq, Message)]
struct RunPodSandbox {
    #[prost(message, optional, tag = "1")]
    config: Option<Pod>,
    #[prost(string, tag = "2")]
    runtime_handler: String,
}

#[derive(Clone, PartialEq, Message)]
struct CreateContainer {
    #[prost(string, tag = "1")]
    pod_sandbox_id: String,
    #[prost(message, optional, tag = "2")]
    config: Option<Container>,
    #[prost(message, optional, tag = "3")]
    sandbox_config: Option<Pod>,
}

/// Message `PodSandboxConfig`.
#[derive(Clone, PartialEq, Message)]
pub struct Pod {
    #[prost(message, optional, tag = "1")]
    metadata: Option<PodMetadata>,
    #[prost(string, tag = "3")]
    log_directory: String,
    #[prost(btree_map = "string, string", tag = "6")]
    labels: std::collections::BTreeMap<String, String>,
    #[prost(message, optional, tag = "8")]
    linux: Option<LinuxPod>,
}

#[derive(Clone, PartialEq, Message)]
struct PodMetadata {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    uid: String,
    #[prost(string, tag = "3")]
    namespace: String,
}

#[derive(Clone, PartialEq, Message)]
struct LinuxPod {
    #[prost(string, tag = "1")]
    cgroup_parent: String,
    #[prost(message, optional, tag = "2")]
    security_context: Option<PodSecurity>,
}

#[derive(Clone, PartialEq, Message)]
struct PodSecurity {
    #[prost(message, optional, tag = "1")]
    namespace_options: Option<Namespaces>,
}

/// Namespace modes; each is a `NamespaceMode`.
#[derive(Clone, PartialEq, Message)]
struct Namespaces {
    #[prost(int32, tag = "1")]
    network: i32,
    #[prost(int32, tag = "2")]
    pid: i32,
    #[prost(int32, tag = "3")]
    ipc: i32,
}

impl Pod {
    /// Describes a pod on the host's network, below the cgroup that the kubelet would have made for
    /// it.
    pub fn new(name: &str, namespace: &str, uid: &str, cgroup_parent: &str, log_directory: &Path) -> Self {
        const CONTAINER: i32 = 1;
        const NODE: i32 = 2;
        let labels = [("pod.name", name), ("pod.namespace", namespace), ("pod.uid", uid)];
        Self {
            metadata: Some(PodMetadata { name: name.into(), uid: uid.into(), namespace: namespace.into() }),
            log_directory: log_directory.display().to_string(),
            labels: labels.map(|(label, value)| (format!("io.kubernetes.{label}"), value.to_owned())).into(),
            linux: Some(LinuxPod {
                cgroup_parent: cgroup_parent.into(),
                security_context: Some(PodSecurity {
                    namespace_options: Some(Namespaces { network: NODE, pid: CONTAINER, ipc: NODE }),
                }),
            }),
        }
    }
}

/// Message `ContainerConfig`.
#[derive(Clone, PartialEq, Message)]
pub struct Container {
    #[prost(message, optional, tag = "1")]
    metadata: Option<ContainerMetadata>,
    #[prost(message, optional, tag = "2")]
    image: Option<Image>,
    #[prost(string, repeated, tag = "3")]
    command: Vec<String>,
    #[prost(message, repeated, tag = "6")]
    envs: Vec<Env>,
    #[prost(string, tag = "11")]
    log_path: String,
    #[prost(message, optional, tag = "15")]
    linux: Option<LinuxContainer>,
}

#[derive(Clone, PartialEq, Message)]
struct ContainerMetadata {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(uint32, tag = "2")]
    attempt: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Image {
    #[prost(string, tag = "1")]
    image: String,
}

#[derive(Clone, PartialEq, Message)]
struct Env {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct LinuxContainer {
    #[prost(message, optional, tag = "2")]
    security_context: Option<ContainerSecurity>,
}

#[derive(Clone, PartialEq, Message)]
struct ContainerSecurity {
    #[prost(message, optional, tag = "3")]
    namespace_options: Option<Namespaces>,
}

impl Container {
    /// Describes a container that runs this command with this variable, for the `attempt`th time
    /// after the first.
    pub fn new(name: &str, attempt: u32, image: &str, command: &[&str], environment: (&str, &str)) -> Self {
        const CONTAINER: i32 = 1;
        const NODE: i32 = 2;
        Self {
            metadata: Some(ContainerMetadata { name: name.into(), attempt }),
            image: Some(Image { image: image.into() }),
            command: command.iter().map(|&part| part.to_owned()).collect(),
            envs: vec![Env { key: environment.0.into(), value: environment.1.into() }],
            log_path: format!("{name}-{attempt}.log"),
            linux: Some(LinuxContainer {
                security_context: Some(ContainerSecurity {
                    namespace_options: Some(Namespaces { network: NODE, pid: CONTAINER, ipc: NODE }),
                }),
            }),
        }
    }
}
