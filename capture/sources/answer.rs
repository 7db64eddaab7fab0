//! Answers of runtimes, from their daemons or their files, as a record holds them, and the bounds
//! on the texts in them.

use std::borrow::Cow;
use std::time::Duration;

use obit_derivation::WallNs;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use obit_schema::details::RuntimeDetails;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::host::clock::ClockPair;

/// Longest text taken as a name, in bytes. Kubernetes and the registries allow 255 and less.
pub const NAME_BYTES: usize = 1_024;
/// Longest path taken, in bytes: PATH_MAX.
pub const PATH_BYTES: usize = 4_096;
/// Largest document of an answer, in bytes. Real ones have 2 to 15 KiB.
pub const DOCUMENT_BYTES: usize = 64 << 10;

/// A row of raw/runtime, without its place and time.
#[derive(Clone, Debug)]
pub struct RuntimeRecord {
    /// The fields that the derivation looks at.
    pub answer: RuntimeAnswer<'static>,
    /// The request, and what else the case keeps of the answer.
    pub details: RuntimeDetails,
}

impl RuntimeRecord {
    /// Makes the record of an answer to `request`, which took `latency` to come.
    pub fn new(answer: RuntimeAnswer<'static>, request: String, latency: Duration, document: Option<String>) -> Self {
        let latency_ns = u64::try_from(latency.as_nanos()).unwrap_or(u64::MAX);
        Self { answer, details: RuntimeDetails { request, latency_ns, document } }
    }

    /// Makes the record of a request about a container that has no answer.
    pub fn unanswered(source: Source, outcome: Outcome, request: String, container_id: String) -> Self {
        let mut answer = RuntimeAnswer::unanswered(source, outcome);
        answer.container_id = Some(container_id.into());
        Self::new(answer, request, Duration::ZERO, None)
    }
}

/// A record with its moment.
#[derive(Clone, Debug)]
pub struct Stamped<T> {
    /// The moment.
    pub at: ClockPair,
    /// The record.
    pub record: T,
}

impl<T> Stamped<T> {
    /// Reads the clocks for a record.
    pub fn now(record: T) -> Self {
        Self { at: ClockPair::read(), record }
    }
}

/// Reads a JSON object. The parser by itself would also take an array of the fields in their order.
pub fn object<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    bytes.trim_ascii_start().starts_with(b"{").then(|| serde_json::from_slice(bytes).ok())?
}

/// Returns a text that is not empty and within its bound. A name is never cut: a cut one is another
/// name.
pub fn within(text: Option<&str>, limit_bytes: usize) -> Option<Cow<'static, str>> {
    let text = text?;
    (!text.is_empty() && text.len() <= limit_bytes).then(|| Cow::Owned(text.to_owned()))
}

/// Reads a point in time as Go's and crun's JSON writes it (RFC 3339).
pub fn time_of(text: &str) -> Option<WallNs> {
    chrono::DateTime::parse_from_rfc3339(text).ok()?.timestamp_nanos_opt().map(WallNs)
}

/// Returns a digest with its algorithm; a bare one is SHA-256. `None` if the text is no digest.
pub fn digest(text: &str) -> Option<String> {
    let hex = text.strip_prefix("sha256:").unwrap_or(text);
    let is_digest = hex.len() == 64 && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    is_digest.then(|| format!("sha256:{hex}"))
}

/// Writes the document of an answer, or a remark in its place if it is larger than a case should
/// carry.
pub fn document(value: &impl Serialize) -> Option<String> {
    let text = serde_json::to_string(value).ok()?;
    if text.len() <= DOCUMENT_BYTES {
        return Some(text);
    }
    Some(format!(r#"{{"dropped":"larger than {DOCUMENT_BYTES} bytes","bytes":{}}}"#, text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bare_digest_gets_its_algorithm_and_a_name_is_none() {
        let hex = "0123456789abcdef".repeat(4);
        assert_eq!(digest(&hex), Some(format!("sha256:{hex}")));
        assert_eq!(digest(&format!("sha256:{hex}")), Some(format!("sha256:{hex}")));
        for wrong in ["", "busybox", "sha256:", &hex[1..], &hex.to_uppercase(), "sha512:00"] {
            assert_eq!(digest(wrong), None, "{wrong}");
        }
    }
}
