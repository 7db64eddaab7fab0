//! The clients behind one interface.
//!
//! Beside [`DaemonKind`], this is the only place that names each of them.

mod containerd;
mod cri;
mod docker;

use std::path::Path;

use self::containerd::ContainerdClient;
use self::cri::CriClient;
use self::docker::DockerClient;
use super::event_gate::EventGate;
use super::failure::Failure;
use super::kind::DaemonKind;
use super::labels::LabelPolicy;
use super::query::ContainerQuery;
use super::report::DaemonAnswer;
use super::sockets::Endpoint;

pub use self::docker::ImageStore;

/// A client of one daemon, by the interface that it speaks.
#[derive(Debug)]
pub enum DaemonClient {
    /// Docker's API, and Podman's.
    Docker(DockerClient),
    /// containerd's own API.
    Containerd(ContainerdClient),
    /// CRI.
    Cri(CriClient),
}

/// Evaluates an expression with whichever client it is.
macro_rules! with_client {
    ($any:expr, $client:ident => $value:expr) => {
        match $any {
            DaemonClient::Docker($client) => $value,
            DaemonClient::Containerd($client) => $value,
            DaemonClient::Cri($client) => $value,
        }
    };
}

impl DaemonClient {
    /// Makes the client for a socket; nothing is asked yet.
    pub fn new(host_root: &Path, endpoint: Endpoint, labels: LabelPolicy) -> Self {
        match endpoint.kind {
            DaemonKind::Docker | DaemonKind::Podman => Self::Docker(DockerClient::new(endpoint, labels)),
            DaemonKind::Containerd => Self::Containerd(ContainerdClient::new(host_root, endpoint, labels)),
            DaemonKind::Cri => Self::Cri(CriClient::new(endpoint, labels)),
        }
    }

    /// Checks that the daemon answers.
    ///
    /// # Errors
    /// The daemon gives no answer in time, or not the one that its interface promises.
    pub async fn ping(&self) -> Result<(), Failure> {
        with_client!(self, client => client.ping().await)
    }

    /// Reports every container that runs.
    ///
    /// # Errors
    /// The daemon gives no list in time.
    pub async fn list(&self, gate: &EventGate) -> Result<(), Failure> {
        with_client!(self, client => client.list(gate).await)
    }

    /// Reports events about containers until the stream ends, and returns why it did.
    pub async fn events(&self, gate: &EventGate) -> Failure {
        with_client!(self, client => client.events(gate).await)
    }

    /// Asks about one container. The daemon may know several of that id.
    ///
    /// # Errors
    /// The daemon knows no such container, or gives no answer in time.
    pub async fn ask(&self, query: &ContainerQuery) -> Result<Vec<DaemonAnswer>, Failure> {
        with_client!(self, client => client.ask(query).await)
    }

    /// Returns the text of a query, as a record shows it.
    pub fn request(&self, query: &ContainerQuery) -> String {
        with_client!(self, client => client.request(query))
    }
}
