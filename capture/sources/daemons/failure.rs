//! The reason why a daemon gave no answer.

use std::io::{self, ErrorKind};
use std::time::Duration;

use obit_derivation::record::Outcome;

/// A query that brought no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The outcome in the record.
    pub outcome: Outcome,
    /// The reason in words, for the document. Never text from the daemon: that could hold anything.
    pub why: String,
}

impl Failure {
    /// Makes a failure with this outcome.
    pub fn new(outcome: Outcome, why: impl Into<String>) -> Self {
        Self { outcome, why: why.into() }
    }

    /// Makes the failure of an answer that is not what the interface promises.
    pub fn invalid(why: impl Into<String>) -> Self {
        Self::new(Outcome::Invalid, why)
    }

    /// Makes the failure of an answer that did not come in time.
    pub fn timeout(limit: Duration) -> Self {
        Self::new(Outcome::Timeout, format!("no answer within {} ms", limit.as_millis()))
    }

    /// Makes the failure of a socket that could not be connected to, or that broke.
    pub fn of_io(error: &io::Error) -> Self {
        let outcome = match error.kind() {
            ErrorKind::PermissionDenied => Outcome::Denied,
            // The queue of those who wait to be accepted is full.
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Outcome::Timeout,
            ErrorKind::InvalidData => Outcome::Invalid,
            _ => Outcome::Refused,
        };
        Self::new(outcome, format!("socket: {}", error.kind()))
    }
}

/// Waits for an answer, at most this long.
///
/// # Errors
/// The answer's own, or the time limit's.
pub async fn within_time<T>(limit: Duration, answer: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    tokio::time::timeout(limit, answer).await.unwrap_or_else(|_| Err(Failure::timeout(limit)))
}
