//! From what a daemon said to a record.

use std::time::Duration;

use obit_derivation::record::{Outcome, RuntimeAnswer};
use obit_schema::details::RuntimeDetails;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use super::failure::Failure;
use super::kind::Kind;
use crate::host::clock::ClockPair;
use crate::sources::oci_files::{self, Answer};

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
        Self { answer, document: oci_files::document(kept) }
    }
}

/// A record on its way, with the moment of the answer.
pub type Delivery = (ClockPair, Box<Answer>);

/// Hands records on. Waits if there are too many, and so slows down whoever sends too much.
#[derive(Clone, Debug)]
pub struct Reporter(pub Sender<Delivery>);

impl Reporter {
    /// Hands a record on, of now.
    pub async fn report(&self, answer: Answer) {
        self.report_of(ClockPair::read(), answer).await;
    }

    /// Hands a record on, of that moment.
    pub async fn report_of(&self, moment: ClockPair, answer: Answer) {
        // At the end nobody listens any more.
        let _ = self.0.send((moment, Box::new(answer))).await;
    }
}

/// A record of what was said.
pub fn answered(request: String, latency: Duration, said: Said) -> Answer {
    (said.answer, RuntimeDetails { request, latency_ns: nanoseconds(latency), document: said.document })
}

/// A record of a question about a container that led to nothing.
pub fn failed(kind: Kind, request: String, latency: Duration, failure: &Failure, about: Option<&str>) -> Answer {
    let mut answer = RuntimeAnswer::unanswered(kind.source(), failure.outcome);
    answer.container_id = about.map(|id| id.to_owned().into());
    let details = RuntimeDetails { request, latency_ns: nanoseconds(latency), document: Some(why(failure)) };
    (answer, details)
}

/// A record of a question that was not asked, or not to its end.
pub fn dropped(kind: Kind, request: String, about: &str) -> Answer {
    let mut answer = RuntimeAnswer::unanswered(kind.source(), Outcome::Dropped);
    answer.container_id = Some(about.to_owned().into());
    (answer, RuntimeDetails { request, latency_ns: 0, document: None })
}

/// A failure as a document.
pub fn why(failure: &Failure) -> String {
    serde_json::json!({ "why": failure.why }).to_string()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
