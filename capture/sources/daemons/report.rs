//! The records of what daemons say.

use std::time::Duration;

use obit_derivation::record::RuntimeAnswer;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use super::failure::Failure;
use super::kind::DaemonKind;
use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped, document};

/// The answer of a daemon about one container.
#[derive(Clone, Debug)]
pub struct DaemonAnswer {
    /// The fields that the derivation looks at.
    pub facts: RuntimeAnswer<'static>,
    /// The part of the answer itself that is kept, as JSON.
    pub document: Option<String>,
}

impl DaemonAnswer {
    /// Makes an answer with the part of it that is kept.
    pub fn new(answer: RuntimeAnswer<'static>, kept: &impl Serialize) -> Self {
        Self { facts: answer, document: document(kept) }
    }
}

/// A sender of records. It waits if there are too many, and so slows down whoever sends too much.
#[derive(Clone, Debug)]
pub struct RecordSender(pub Sender<Stamped<RuntimeRecord>>);

impl RecordSender {
    /// Sends a record of this moment.
    pub async fn send(&self, record: RuntimeRecord) {
        self.send_at(ClockPair::read(), record).await;
    }

    /// Sends a record of the moment `at`.
    pub async fn send_at(&self, at: ClockPair, record: RuntimeRecord) {
        // At the end of a capture there is no receiver any more.
        let _ = self.0.send(Stamped { at, record }).await;
    }
}

/// Makes the record of an answer.
pub fn answer_record(request: String, latency: Duration, answer: DaemonAnswer) -> RuntimeRecord {
    RuntimeRecord::new(answer.facts, request, latency, answer.document)
}

/// Makes the record of a query about a container that brought no answer.
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

/// Returns a failure as a document.
pub fn failure_document(failure: &Failure) -> String {
    serde_json::json!({ "why": failure.why }).to_string()
}
