//! Messages between the recorder and the process that asks daemons, as JSON, each whole in one
//! packet.
//!
//! The recorder takes what comes from that process as hostile: it parses what daemons say. Packets
//! are bounded, and so is every text in them; one that breaks a bound ends the use of the process.

use std::borrow::Cow;

use obit_derivation::record::{HierarchyId, Outcome, RuntimeAnswer, Source};
use obit_derivation::{BootNs, WallNs};
use obit_schema::details::RuntimeDetails;
use serde::{Deserialize, Serialize};

use super::labels::MAX_LABELS;
use super::query::QueryTarget;
use super::value_form;
use crate::host::clock::ClockPair;
use crate::host::confine::Confinement;
use crate::sources::answer::{DOCUMENT_BYTES, PATH_BYTES, RuntimeRecord, Stamped};

/// Largest packet, in bytes: below `net.core.wmem_default`, which a packet must not exceed.
pub const PACKET_BYTES: usize = 192 << 10;
/// Longest text of a request, in bytes: a path, escaped, with an interface and an id.
const REQUEST_BYTES: usize = 20 << 10;
/// Longest time that a record may be on its way.
const MAX_DELAY_NS: u64 = 60_000_000_000;

/// A packet of the recorder that lets a process that has ended be started again. Whatever was asked
/// before it has its record already.
pub const RESTART: &[u8] = b"restart";

/// Questions that are asked together.
#[derive(Debug, Serialize, Deserialize)]
pub struct QueryBatch {
    /// A number that no other batch has.
    pub number: u64,
    /// The containers that are asked about.
    pub targets: Vec<QueryTarget>,
}

/// A message of the process that asks daemons, or of its supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub enum ServiceMessage {
    /// The process is confined and about to look for daemons.
    Ready(AskerFacts),
    /// The process has ended, with this status; its supervisor says so.
    Ended(String),
    /// What daemons said, and what became of questions.
    Report(Report),
}

/// What the process says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AskerFacts {
    /// The process id.
    pub pid: u32,
    /// What it has given up.
    pub confinement: Confinement,
}

/// What daemons said, and what became of questions.
#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Report {
    /// What daemons said.
    pub records: Vec<ReportedRecord>,
    /// Batches of which every question has been answered or given up, with a record that says so.
    pub done: Vec<u64>,
}

/// A record on its way to the recorder.
#[derive(Debug, Serialize, Deserialize)]
pub struct ReportedRecord {
    /// Its moment, by the boot clock.
    boot_ns: u64,
    #[serde(with = "AnswerFields")]
    answer: RuntimeAnswer<'static>,
    request: String,
    latency_ns: u64,
    document: Option<String>,
}

impl ReportedRecord {
    /// Makes the form of a record that is sent.
    pub fn new(Stamped { at, record }: Stamped<RuntimeRecord>) -> Self {
        let RuntimeRecord { answer, details: RuntimeDetails { request, latency_ns, document } } = record;
        Self { boot_ns: at.boot.0, answer, request, latency_ns, document }
    }

    /// Leaves out what makes a record larger than a packet.
    pub fn shorten(&mut self) {
        self.document = Some(r#"{"dropped":"larger than a packet"}"#.to_owned());
        self.answer.labels.clear();
    }

    /// Returns the record, received now; `None` if it is none that the process may send.
    pub fn admit(self, now: ClockPair) -> Option<Stamped<RuntimeRecord>> {
        let is_bounded = |text: &Option<Cow<'static, str>>| text.as_ref().is_none_or(|text| text.len() <= PATH_BYTES);
        let answer = &self.answer;
        let texts = [
            &answer.bundle,
            &answer.container_id,
            &answer.answered_id,
            &answer.runtime,
            &answer.namespace,
            &answer.container_name,
            &answer.image_name,
            &answer.image_id,
            &answer.image_digest,
            &answer.pod_name,
            &answer.pod_namespace,
            &answer.pod_uid,
            &answer.event,
            &answer.cgroup_path,
        ];
        let is_of_daemon = answer.source.is_daemon() && answer.cgroup_paths.is_empty();
        let has_bounded_labels = answer.labels.len() <= MAX_LABELS
            && answer.labels.iter().all(|(name, value)| name.len().max(value.len()) <= PATH_BYTES);
        let has_bounded_details = self.request.len() <= REQUEST_BYTES
            && self.document.as_ref().is_none_or(|document| document.len() <= DOCUMENT_BYTES);
        if !(is_of_daemon && texts.into_iter().all(is_bounded) && has_bounded_labels && has_bounded_details) {
            return None;
        }
        // A process that lies about the time could move an answer to before a life began.
        let ago_ns = now.boot.0.saturating_sub(self.boot_ns).min(MAX_DELAY_NS);
        let at = ClockPair {
            wall: WallNs(now.wall.0.saturating_sub_unsigned(ago_ns)),
            boot: BootNs(now.boot.0 - ago_ns),
            ..now
        };
        let details = RuntimeDetails { request: self.request, latency_ns: self.latency_ns, document: self.document };
        Some(Stamped { at, record: RuntimeRecord { answer: self.answer, details } })
    }
}

/// The fields of an answer. Most are absent in most answers, and are left out: in a storm they cost
/// the recorder more than anything else that it does for a container.
#[derive(Serialize, Deserialize)]
#[serde(remote = "RuntimeAnswer<'static>")]
struct AnswerFields {
    #[serde(with = "value_form::source")]
    source: Source,
    #[serde(with = "value_form::outcome")]
    outcome: Outcome,
    #[serde(skip_serializing_if = "Option::is_none")]
    bundle: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_id: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answered_id: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    runtime: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    container_name: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_name: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_id: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image_digest: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_name: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_namespace: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pod_uid: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sandbox: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    init_pid: Option<u32>,
    #[serde(default, with = "value_form::optional_time", skip_serializing_if = "Option::is_none")]
    created_at: Option<WallNs>,
    #[serde(default, with = "value_form::optional_time", skip_serializing_if = "Option::is_none")]
    started_at: Option<WallNs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    restart_count: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event: Option<Cow<'static, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    oom_killed: Option<bool>,
    #[serde(default, with = "value_form::optional_time", skip_serializing_if = "Option::is_none")]
    finished_at: Option<WallNs>,
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_signal: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signal: Option<u32>,
    #[serde(default, with = "value_form::optional_time", skip_serializing_if = "Option::is_none")]
    as_of: Option<WallNs>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    labels: Vec<(Cow<'static, str>, Cow<'static, str>)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cgroup_path: Option<Cow<'static, str>>,
    /// No daemon tells of these.
    #[serde(skip)]
    cgroup_paths: Vec<(HierarchyId, Cow<'static, str>)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: ClockPair =
        ClockPair { wall: WallNs(9_000_000_000_000), boot: BootNs(900_000_000_000), uncertainty_ns: 5 };

    fn answer() -> RuntimeAnswer<'static> {
        RuntimeAnswer {
            container_id: Some("ab".into()),
            created_at: Some(WallNs(-5)),
            exit_code: Some(-1),
            oom_killed: Some(false),
            labels: vec![("a".into(), "\u{1b}[31m".into())],
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        }
    }

    fn reported(answer: RuntimeAnswer<'static>, boot_ns: u64) -> ReportedRecord {
        let record = RuntimeRecord::new(answer, "docker /run/docker.sock /x".into(), std::time::Duration::ZERO, None);
        ReportedRecord::new(Stamped { at: ClockPair { boot: BootNs(boot_ns), ..NOW }, record })
    }

    #[test]
    fn an_answer_arrives_as_it_was_sent() {
        let text = serde_json::to_vec(&reported(answer(), NOW.boot.0 - 7)).unwrap();
        let read: ReportedRecord = serde_json::from_slice(&text).unwrap();
        let arrived = read.admit(NOW).unwrap();
        assert_eq!(arrived.record.answer, answer());
        assert_eq!(arrived.at, ClockPair { wall: WallNs(NOW.wall.0 - 7), boot: BootNs(NOW.boot.0 - 7), ..NOW });
        assert_eq!(arrived.record.details.request, "docker /run/docker.sock /x");
    }

    #[test]
    fn what_no_daemon_says_is_refused() {
        let of_file = RuntimeAnswer { source: Source::OciState, ..answer() };
        let of_kernel = RuntimeAnswer { source: Source::Kernel, ..answer() };
        let long = RuntimeAnswer { event: Some("x".repeat(PATH_BYTES + 1).into()), ..answer() };
        let labels = vec![("a".into(), "b".into()); MAX_LABELS + 1];
        for wrong in [of_file, of_kernel, long, RuntimeAnswer { labels, ..answer() }] {
            assert!(reported(wrong, NOW.boot.0).admit(NOW).is_none());
        }
        let document = Some("x".repeat(DOCUMENT_BYTES + 1));
        assert!(ReportedRecord { document, ..reported(answer(), 0) }.admit(NOW).is_none());
        for wrong in ["", "[]", r#"{"Report":{"records":[{}],"done":[]}}"#, &"[".repeat(100_000)] {
            assert!(serde_json::from_str::<ServiceMessage>(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_record_is_from_the_future_or_long_ago() {
        let at = |boot_ns| reported(answer(), boot_ns).admit(NOW).unwrap().at.boot.0;
        assert_eq!(at(u64::MAX), NOW.boot.0);
        assert_eq!(at(0), NOW.boot.0 - MAX_DELAY_NS);
    }
}
