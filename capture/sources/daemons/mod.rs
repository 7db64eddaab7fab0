//! The runtime daemons: who a container is, and what happened to it, in their words.
//!
//! Daemons are asked when the derivation announces a container, and tell of events by themselves.
//! All of it is a claim that comes late or never: nothing in the capture waits for it. Everything a
//! daemon decides is bounded ([`limits`]): how long it takes, how much it says, how often. That it
//! is not there, hangs or talks nonsense is a record.
//!
//! [`service`] runs on a thread of its own, [`daemon`] is one daemon, [`docker`], [`containerd`]
//! and [`cri`] speak the interfaces over [`http`] and [`grpc`].

mod cache;
mod client;
mod daemon;
mod debounce;
mod event_gate;
mod failure;
mod grpc;
mod http;
mod kind;
mod labels;
mod limits;
mod processes;
mod products;
mod query;
mod report;
mod service;
mod sockets;

use std::path::PathBuf;
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result};
use obit_derivation::Row;
use obit_derivation::record::Outcome;
use obit_derivation::row::ContainerExit;
use tokio::runtime::Builder;
use tokio::sync::mpsc::Sender;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::oneshot;

use self::kind::DaemonKind;
use self::query::QueryTarget;
use self::sockets::SocketPaths;
use crate::sources::answer::{RuntimeRecord, Stamped};

pub use self::client::ImageStore;
pub use self::kind::RuntimeChoice;
pub use self::labels::LabelPolicy;
pub use self::processes::{DaemonProcess, daemon_processes, on_host};
pub use self::products::{DaemonProduct, PRODUCTS, ProductFacts};
pub use self::service::SendResult;
pub use self::sockets::sockets_of;

/// Most containers of one batch.
const BATCH: usize = 256;
/// Most batches that may wait to be passed to the daemons. Passing them is quick; asking is not.
const BATCHES: usize = 16;
/// Longest that the end of a capture waits for this thread.
const JOIN_LIMIT: Duration = Duration::from_secs(1);

/// The options of the clients.
#[derive(Clone, Debug)]
pub struct DaemonOptions {
    /// The root directory of the host's file system.
    pub host_root: PathBuf,
    /// Daemons to ask, beside or instead of those found.
    pub choices: Vec<RuntimeChoice>,
    /// Labels to keep.
    pub labels: LabelPolicy,
}

/// The clients at work.
#[derive(Debug)]
pub struct DaemonClients {
    queries: Option<Sender<Vec<QueryTarget>>>,
    stop: Option<oneshot::Sender<()>>,
    done: Receiver<()>,
}

/// A collector of containers to ask about. It sends them in batches: each by itself would wake the
/// thread that asks.
#[derive(Debug, Default)]
pub struct DaemonQueries {
    /// `None` if no daemon is to be asked.
    queries: Option<Sender<Vec<QueryTarget>>>,
    batch: Vec<QueryTarget>,
    dropped: Vec<DroppedQuery>,
}

impl DaemonClients {
    /// Starts the thread. Records go to `deliver`, which must not block.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        options: DaemonOptions,
        deliver: impl FnMut(Vec<Stamped<RuntimeRecord>>) -> SendResult + Send + 'static,
    ) -> Result<Self> {
        let places = SocketPaths { host_root: options.host_root, choices: options.choices };
        let (finished, done) = channel();
        if places.is_off() {
            return Ok(Self { queries: None, stop: None, done });
        }
        let runtime = Builder::new_current_thread().enable_all().build().context("cannot start tokio")?;
        let (announced, queries) = tokio::sync::mpsc::channel(BATCHES);
        let (stop, stopped) = oneshot::channel();
        let run = move || {
            runtime.block_on(service::serve(places, options.labels, queries, stopped, deliver));
            // What still hangs in a file system is left behind.
            runtime.shutdown_background();
            let _ = finished.send(());
        };
        thread::Builder::new().name("obit-runtimes".into()).spawn(run).context("cannot start a thread")?;
        Ok(Self { queries: Some(announced), stop: Some(stop), done })
    }

    /// Returns a collector of containers to ask about.
    pub fn queries(&self) -> DaemonQueries {
        DaemonQueries { queries: self.queries.clone(), ..DaemonQueries::default() }
    }

    /// Ends the thread. What is on its way is delivered, and queries without an answer are recorded
    /// as that. Takes a second at most, whatever the daemons do.
    pub fn stop(mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
            let _ = self.done.recv_timeout(JOIN_LIMIT);
        }
    }
}

impl DaemonQueries {
    /// Adds the container of a row to the batch, if a daemon may know it. Never waits.
    pub fn ask(&mut self, row: &Row) {
        if self.queries.is_some() {
            self.push(QueryTarget::of_row(row));
        }
    }

    /// Adds a container that has exited to the batch: the daemons are asked once more some moments
    /// later. Never waits.
    pub fn ask_after_exit(&mut self, exit: &ContainerExit) {
        if self.queries.is_some() {
            self.push(QueryTarget::of_exit(exit));
        }
    }

    fn push(&mut self, announced: Option<QueryTarget>) {
        self.batch.extend(announced);
        if self.batch.len() >= BATCH {
            self.send();
        }
    }

    /// Sends the batch. Never waits: if too many batches wait, no daemon is asked about these
    /// containers.
    pub fn send(&mut self) {
        let Some(queries) = self.queries.as_ref().filter(|_| !self.batch.is_empty()) else { return };
        match queries.try_send(std::mem::take(&mut self.batch)) {
            // Without its thread nobody asks; the loss of the thread is reported elsewhere.
            Ok(()) | Err(TrySendError::Closed(_)) => {}
            Err(TrySendError::Full(batch)) => self.dropped.extend(batch.into_iter().filter_map(DroppedQuery::of)),
        }
    }

    /// Takes the containers that no daemon was asked about, since the last call.
    pub fn take_dropped(&mut self) -> Vec<DroppedQuery> {
        std::mem::take(&mut self.dropped)
    }
}

/// A container that daemons were not asked about, because too many questions waited. All that are
/// alive when a capture begins may be such at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DroppedQuery {
    kind: DaemonKind,
    container_id: Box<str>,
}

impl DroppedQuery {
    /// Makes the query that was dropped, of the kind of daemon that most likely knows the
    /// container.
    fn of(announced: QueryTarget) -> Option<Self> {
        let kind = *announced.kinds().first()?;
        Some(Self { kind, container_id: announced.query.container_id.into() })
    }

    /// Returns the record of the dropped query.
    pub fn into_record(self) -> RuntimeRecord {
        let request = format!("{} {}", self.kind.as_str(), self.container_id);
        RuntimeRecord::unanswered(self.kind.source(), Outcome::Dropped, request, self.container_id.into())
    }
}

#[cfg(test)]
mod tests {
    use obit_derivation::identity::Engine;
    use obit_derivation::row::{ContainerCreate, Identity};
    use tokio::sync::mpsc::channel;

    use super::*;

    fn row(number: usize) -> Row {
        let identity =
            Identity { runtime: Some(Engine::Docker), container_id: number.to_string(), ..Identity::default() };
        Row::Create(ContainerCreate { identity, ..ContainerCreate::default() })
    }

    #[test]
    fn each_container_is_handed_on_once_and_of_those_without_room_each_is_named() {
        let (queries, mut batches) = channel(2);
        let mut queries = DaemonQueries { queries: Some(queries), ..DaemonQueries::default() };
        let containers = 3 * BATCH + 1;
        (0..containers).for_each(|number| queries.ask(&row(number)));
        queries.send();
        queries.send();
        let mut told = Vec::new();
        while let Ok(batch) = batches.try_recv() {
            assert!(!batch.is_empty() && batch.len() <= BATCH, "a batch of {}", batch.len());
            told.extend(batch.into_iter().map(|announced| announced.query.container_id));
        }
        assert_eq!(told.len(), 2 * BATCH, "there is room for two batches");
        told.extend(queries.take_dropped().into_iter().map(|dropped| dropped.container_id.into()));
        assert_eq!(told, (0..containers).map(|number| number.to_string()).collect::<Vec<_>>());
        assert!(queries.take_dropped().is_empty());
    }

    #[test]
    fn without_daemons_nothing_is_gathered() {
        let mut queries = DaemonQueries::default();
        (0..=BATCH).for_each(|number| queries.ask(&row(number)));
        queries.send();
        assert!(queries.batch.is_empty() && queries.take_dropped().is_empty());
    }
}
