//! From what a daemon said to a record.

use std::time::Duration;

use obit_derivation::record::RuntimeAnswer;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use super::failure::Failure;
use super::kind::DaemonKind;
use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped, document};

/// What a daemon said about one container.
#[derive(Clone, Debug)]
pub struct DaemonAnswer {
    /// The fields that the derivation looks at.
    pub facts: RuntimeAnswer<'static>,
    /// What was kept of the answer itself.
    pub document: Option<String>,
}

impl DaemonAnswer {
    /// An answer with the part of it that is kept.
    pub fn new(answer: RuntimeAnswer<'static>, kept: &impl Serialize) -> Self {
        Self { facts: answer, document: document(kept) }
    }
}

/// Hands records on. Waits if there are too many, and so slows down whoever sends too much.
#[derive(Clone, Debug)]
pub struct RecordSender(pub Sender<Stamped<RuntimeRecord>>);

impl RecordSender {
    /// Hands a record on, of now.
    pub async fn send(&self, record: RuntimeRecord) {
        self.send_at(ClockPair::read(), record).await;
    }

    /// Hands on a record of this moment.
    pub async fn send_at(&self, at: ClockPair, record: RuntimeRecord) {
        // At the end nobody listens any more.
        let _ = self.0.send(Stamped { at, record }).await;
    }
}

/// A record of what was said.
pub fn answer_record(request: String, latency: Duration, answer: DaemonAnswer) -> RuntimeRecord {
    RuntimeRecord::new(answer.facts, request, latency, answer.document)
}

/// A record of a question about a container that led to nothing.
pub fn failure_record(
    kind: DaemonKind,
    request: String,
    latency: Duration,
    failure: &Failure,
    about: Option<&str>,
) -> RuntimeRecord {
    let mut answer = RuntimeAnswer::unanswered(kind.source(), failure.outcome);
    answer.container_id = about.map(|id| id.to_owned().into());
    RuntimeRecord::new(answer, request, latency, Some(failure_document(failure)))
}

/// A failure as a document.
pub fn failure_document(failure: &Failure) -> String {
    serde_json::json!({ "why": failure.why }).to_string()
}
