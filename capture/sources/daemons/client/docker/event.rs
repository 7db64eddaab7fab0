//! The stream of events.

use std::collections::BTreeMap;

use obit_derivation::WallNs;
use obit_derivation::ending::signal_number;
use obit_derivation::record::{Outcome, RuntimeAnswer};
use serde::{Deserialize, Serialize};

use crate::sources::answer::{NAME_BYTES, digest, object, within};
use crate::sources::daemons::http::component;
use crate::sources::daemons::kind::DaemonKind;
use crate::sources::daemons::labels::{LabelPolicy, describe_pod, pairs};
use crate::sources::daemons::report::DaemonAnswer;

/// The request, as a record shows it.
pub const PATH: &str = "/events";

/// The events that are kept, in Docker's words and in podman's. `exec_create` and its like carry a
/// command line.
const KEPT: &[&str] = &[
    "checkpoint",
    "cleanup",
    "create",
    "destroy",
    "die",
    "died",
    "init",
    "kill",
    "oom",
    "pause",
    "remove",
    "rename",
    "restart",
    "restore",
    "start",
    "stop",
    "unpause",
    "update",
];
/// Attributes that are the engine's own; the others are the container's labels.
const OWN_ATTRIBUTES: &[&str] =
    &["containerExitCode", "execDuration", "exitCode", "image", "name", "oldName", "podId", "signal"];

/// Returns the path of the stream, with events from after that moment on.
///
/// Docker is told which are kept, so that neither side works for the others: a health check is
/// three. Podman is not: it has had a name of its own for each of Docker's, and which of them its
/// filter takes changed (libpod/events/filters.go).
pub fn path(kind: DaemonKind, after_ns: Option<i64>) -> String {
    let mut filters = serde_json::json!({ "type": ["container"] });
    if kind == DaemonKind::Docker {
        filters["event"] = KEPT.into();
    }
    let filters = component(&filters.to_string());
    match after_ns {
        Some(ns) => {
            let (s, ns) = (ns.div_euclid(1_000_000_000), ns.rem_euclid(1_000_000_000));
            format!("{PATH}?since={s}.{ns:09}&filters={filters}")
        }
        None => format!("{PATH}?filters={filters}"),
    }
}

/// The fields of an event that are read.
#[derive(Debug, Deserialize)]
pub struct DockerEvent {
    #[serde(rename = "Type")]
    object: Option<String>,
    #[serde(rename = "Action")]
    action: Option<String>,
    #[serde(rename = "Actor")]
    actor: Option<EventActor>,
    time: Option<i64>,
    /// The daemon's time in nanoseconds since 1970.
    #[serde(rename = "timeNano")]
    pub time_nano: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct EventActor {
    #[serde(rename = "ID")]
    id: Option<String>,
    #[serde(rename = "Attributes")]
    attributes: Option<BTreeMap<String, String>>,
}

/// The part of an event that a case keeps.
#[derive(Serialize)]
struct DockerEventDocument<'a> {
    action: &'a str,
    id: &'a str,
    attributes: BTreeMap<&'a str, &'a str>,
    labels: BTreeMap<String, String>,
    #[serde(rename = "timeNano", skip_serializing_if = "Option::is_none")]
    time_nano: Option<i64>,
}

impl DockerEvent {
    /// Reads a line; `None` if it is no event.
    pub fn read(line: &[u8]) -> Option<Self> {
        object(line)
    }

    /// Returns the answer in the event; `None` if events of its kind are not kept.
    pub fn to_answer(&self, kind: DaemonKind, labels: &LabelPolicy) -> Option<DaemonAnswer> {
        let action = self.action.as_deref().filter(|action| KEPT.contains(action))?;
        if self.object.as_deref() != Some("container") {
            return None;
        }
        let actor = self.actor.as_ref()?;
        let id = within(actor.id.as_deref(), NAME_BYTES)?;
        let empty = BTreeMap::new();
        let attributes = actor.attributes.as_ref().unwrap_or(&empty);
        let of = |name: &str| attributes.get(name).map(String::as_str);
        let is_own = |name: &str| OWN_ATTRIBUTES.contains(&name);
        let is_short = |value: &str| value.len() <= NAME_BYTES;
        let kept = DockerEventDocument {
            action,
            id: &id,
            attributes: attributes
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .filter(|(name, value)| is_own(name) && is_short(value))
                .collect(),
            labels: labels.keep(attributes.clone().into_iter().filter(|(name, _)| !is_own(name))),
            time_nano: self.time_nano,
        };

        let mut answer = RuntimeAnswer::unanswered(kind.source(), Outcome::Ok);
        answer.runtime = kind.engine().map(|engine| engine.as_str().into());
        answer.event = Some(action.to_owned().into());
        answer.container_id = Some(id.clone());
        answer.container_name = within(of("name"), NAME_BYTES);
        answer.image_name = within(of("image").filter(|name| digest(name).is_none()), NAME_BYTES);
        answer.as_of = self.time_nano.map(WallNs);
        answer.labels = pairs(&kept.labels);
        describe_pod(&mut answer, attributes);
        match action {
            "die" | "died" => {
                answer.exit_code =
                    of("exitCode").or_else(|| of("containerExitCode")).and_then(|code| code.parse().ok());
                let seconds = || self.time.and_then(|seconds| seconds.checked_mul(1_000_000_000));
                answer.finished_at = self.time_nano.or_else(seconds).map(WallNs);
            }
            "oom" => answer.oom_killed = Some(true),
            // Docker's; podman does not say which signal it sent.
            "kill" => answer.signal = of("signal").and_then(signal_number),
            _ => {}
        }
        Some(DaemonAnswer::new(answer, &kept))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn to_answer(line: &str) -> Option<DaemonAnswer> {
        DockerEvent::read(line.as_bytes()).unwrap().to_answer(DaemonKind::Docker, &LabelPolicy::Listed)
    }

    #[test]
    fn a_death_has_an_exit_code_and_the_daemons_time() {
        // The shape is that of moby's `EventMessage` example.
        let answer = to_answer(
            r#"{"status":"die","id":"abc","from":"busybox","Type":"container","Action":"die","Actor":{"ID":"abc",
            "Attributes":{"exitCode":"137","image":"busybox","name":"web","token":"hunter2",
            "com.docker.compose.service":"shop"}},"scope":"local","time":5,"timeNano":5000000007}"#,
        )
        .unwrap();
        assert_eq!(answer.facts.event.as_deref(), Some("die"));
        assert_eq!(answer.facts.container_id.as_deref(), Some("abc"));
        assert_eq!(answer.facts.container_name.as_deref(), Some("web"));
        assert_eq!(answer.facts.as_of, Some(WallNs(5_000_000_007)));
        assert_eq!(answer.facts.image_name.as_deref(), Some("busybox"));
        assert_eq!((answer.facts.exit_code, answer.facts.finished_at), (Some(137), Some(WallNs(5_000_000_007))));
        assert_eq!(answer.facts.labels, [("com.docker.compose.service".into(), "shop".into())]);
        let document = answer.document.unwrap();
        assert!(document.contains("5000000007") && !document.contains("hunter2"), "{document}");
    }

    #[test]
    fn an_order_to_kill_names_its_signal() {
        for (text, signal) in [("15", Some(15)), ("SIGUSR2", Some(12)), ("hunter2", None)] {
            let line = format!(
                r#"{{"Type":"container","Action":"kill","Actor":{{"ID":"abc","Attributes":{{"signal":"{text}"}}}}}}"#
            );
            assert_eq!(to_answer(&line).unwrap().facts.signal, signal, "{text}");
        }
    }

    #[test]
    fn commands_run_inside_and_other_objects_are_left_out() {
        for (object, action) in [
            ("container", "exec_create: /bin/sh -c hunter2"),
            ("container", "exec_start: /bin/sh -c hunter2"),
            ("container", "health_status: healthy"),
            ("network", "destroy"),
        ] {
            let line = format!(r#"{{"Type":"{object}","Action":"{action}","Actor":{{"ID":"abc"}}}}"#);
            assert!(to_answer(&line).is_none(), "{line}");
        }
        assert!(DockerEvent::read(b"[]").is_none());
        assert!(DockerEvent::read(b"{\"Action\":5}").is_none());
    }

    #[test]
    fn after_a_break_the_stream_goes_on_where_it_ended() {
        let since = path(DaemonKind::Docker, Some(1_700_000_000_000_000_007));
        assert!(since.starts_with("/events?since=1700000000.000000007&filters="));
        assert!(path(DaemonKind::Docker, None).starts_with("/events?filters="));
    }

    #[test]
    fn docker_is_asked_for_what_is_kept_and_podman_for_all_of_containers() {
        // {"type":["container"]}
        assert_eq!(path(DaemonKind::Podman, None), "/events?filters=%7B%22type%22%3A%5B%22container%22%5D%7D");
        let docker = path(DaemonKind::Docker, None);
        assert!(KEPT.iter().all(|event| docker.contains(&format!("%22{event}%22"))), "{docker}");
        assert!(docker.contains("%22event%22%3A%5B") && docker.contains("%22type%22%3A%5B%22container%22%5D"));
    }
}
