//! From what a daemon said to a record.

use std::time::Duration;

use obit_derivation::record::RuntimeAnswer;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use super::failure::Failure;
use super::kind::Kind;
use crate::host::clock::ClockPair;
use crate::sources::answer::{RuntimeRecord, Stamped, document};

/// What a daemon said about one container.
#[derive(Clone, Debug)]
pub struct Said {
    /// The fields that the derivation looks at.
    pub answer: RuntimeAnswer<'static>,
    /// What was kept of the answer itself.
    pub document: Option<String>,
}

impl Said {
    /// An answer with the part of it that is kept.
    pub fn new(answer: RuntimeAnswer<'static>, kept: &impl Serialize) -> Self {
        Self { answer, document: document(kept) }
    }
}

/// Hands records on. Waits if there are too many, and so slows down whoever sends too much.
#[derive(Clone, Debug)]
pub struct Reporter(pub Sender<Stamped<RuntimeRecord>>);

impl Reporter {
    /// Hands a record on, of now.
    pub async fn report(&self, record: RuntimeRecord) {
        self.report_at(ClockPair::read(), record).await;
    }

    /// Hands on a record of this moment.
    pub async fn report_at(&self, at: ClockPair, record: RuntimeRecord) {
        // At the end nobody listens any more.
        let _ = self.0.send(Stamped { at, record }).await;
    }
}

/// A record of what was said.
pub fn answered(request: String, latency: Duration, said: Said) -> RuntimeRecord {
    RuntimeRecord::new(said.answer, request, latency, said.document)
}

/// A record of a question about a container that led to nothing.
pub fn failed(kind: Kind, request: String, latency: Duration, failure: &Failure, about: Option<&str>) -> RuntimeRecord {
    let mut answer = RuntimeAnswer::unanswered(kind.source(), failure.outcome);
    answer.container_id = about.map(|id| id.to_owned().into());
    RuntimeRecord::new(answer, request, latency, Some(why(failure)))
}

/// A failure as a document.
pub fn why(failure: &Failure) -> String {
    serde_json::json!({ "why": failure.why }).to_string()
}
