//! containerd's events.

use obit_derivation::WallNs;
use obit_derivation::record::{Outcome, RuntimeAnswer, Source};
use prost::Message;
use serde::Serialize;

use super::api::{ContainerEvent, Envelope, TaskCreate, TaskDelete, TaskEvent, TaskExit, TaskStart};
use super::container::{describe_namespace, nanoseconds};
use crate::sources::answer::{NAME_BYTES, PATH_BYTES, digest, within};
use crate::sources::daemons::report::DaemonAnswer;

/// The part of an event that a case keeps.
#[derive(Debug, Default, Serialize)]
struct TaskEventDocument<'a> {
    topic: &'a str,
    namespace: &'a str,
    /// The daemon's time, in nanoseconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    container_id: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    image: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    bundle: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pid: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_status: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exited_at: Option<i64>,
}

/// Returns when an event happened, by the daemon's clock.
pub fn time(envelope: &Envelope) -> Option<WallNs> {
    envelope.timestamp.as_ref().and_then(nanoseconds).map(WallNs)
}

/// Returns the answer in an event. `None` if the event is not about a container's life, or cannot
/// be decoded.
pub fn to_answer(envelope: &Envelope) -> Option<DaemonAnswer> {
    let bytes = envelope.event.as_ref()?.value.as_slice();
    let mut kept = TaskEventDocument {
        topic: &envelope.topic,
        namespace: &envelope.namespace,
        time: envelope.timestamp.as_ref().and_then(nanoseconds),
        ..TaskEventDocument::default()
    };
    let mut oom_killed = None;
    match envelope.topic.as_str() {
        "/containers/create" | "/containers/update" => {
            let event = ContainerEvent::decode(bytes).ok()?;
            (kept.container_id, kept.image) = (event.id, event.image);
        }
        "/containers/delete" => kept.container_id = ContainerEvent::decode(bytes).ok()?.id,
        "/tasks/create" => {
            let event = TaskCreate::decode(bytes).ok()?;
            (kept.container_id, kept.bundle, kept.pid) = (event.container_id, event.bundle, Some(event.pid));
        }
        "/tasks/start" => {
            let event = TaskStart::decode(bytes).ok()?;
            (kept.container_id, kept.pid) = (event.container_id, Some(event.pid));
        }
        "/tasks/exit" => {
            let event = TaskExit::decode(bytes).ok()?;
            if event.id != event.container_id {
                return None; // a process that was run inside
            }
            (kept.container_id, kept.pid) = (event.container_id, Some(event.pid));
            kept.exit_status = Some(event.exit_status);
            kept.exited_at = event.exited_at.as_ref().and_then(nanoseconds);
        }
        "/tasks/delete" => {
            let event = TaskDelete::decode(bytes).ok()?;
            if !event.id.is_empty() && event.id != event.container_id {
                return None;
            }
            (kept.container_id, kept.pid) = (event.container_id, Some(event.pid));
            kept.exit_status = Some(event.exit_status);
            kept.exited_at = event.exited_at.as_ref().and_then(nanoseconds);
        }
        "/tasks/oom" => {
            kept.container_id = TaskEvent::decode(bytes).ok()?.container_id;
            oom_killed = Some(true);
        }
        "/tasks/paused" | "/tasks/resumed" | "/tasks/checkpointed" => {
            kept.container_id = TaskEvent::decode(bytes).ok()?.container_id;
        }
        _ => return None,
    }

    let mut answer = RuntimeAnswer::unanswered(Source::Containerd, Outcome::Ok);
    answer.event = Some(envelope.topic.clone().into());
    answer.as_of = time(envelope);
    describe_namespace(&mut answer, &envelope.namespace);
    answer.container_id = Some(within(Some(&kept.container_id), NAME_BYTES)?);
    answer.image_name = within(Some(&*kept.image).filter(|image| digest(image).is_none()), NAME_BYTES);
    answer.init_pid = kept.pid.filter(|&pid| pid > 0);
    answer.bundle = within(Some(&kept.bundle), PATH_BYTES);
    if envelope.topic == "/tasks/start" {
        answer.started_at = time(envelope);
    }
    answer.exit_code = kept.exit_status.and_then(|status| i32::try_from(status).ok());
    answer.finished_at = kept.exited_at.map(WallNs);
    answer.oom_killed = oom_killed;
    Some(DaemonAnswer::new(answer, &kept))
}

#[cfg(test)]
mod tests {
    use prost_types::{Any, Timestamp};

    use super::*;

    fn envelope(topic: &str, event: &impl Message) -> Envelope {
        let event = Some(Any { type_url: String::new(), value: event.encode_to_vec() });
        let timestamp = Some(Timestamp { seconds: 9, nanos: 1 });
        Envelope { timestamp, namespace: "shop".into(), topic: topic.into(), event }
    }

    fn exit(id: &str) -> TaskExit {
        let exited_at = Some(Timestamp { seconds: 8, nanos: 0 });
        TaskExit { container_id: "web.1".into(), id: id.into(), pid: 77, exit_status: 137, exited_at }
    }

    #[test]
    fn the_exit_of_init_is_the_containers_and_that_of_another_process_is_not() {
        let answer = to_answer(&envelope("/tasks/exit", &exit("web.1"))).unwrap().facts;
        assert_eq!(answer.event.as_deref(), Some("/tasks/exit"));
        assert_eq!((answer.namespace.as_deref(), answer.container_id.as_deref()), (Some("shop"), Some("web.1")));
        assert_eq!((answer.exit_code, answer.finished_at), (Some(137), Some(WallNs(8_000_000_000))));
        assert!(to_answer(&envelope("/tasks/exit", &exit("shell"))).is_none());
    }

    #[test]
    fn a_start_has_its_time_and_a_task_its_bundle() {
        let start = TaskStart { container_id: "web.1".into(), pid: 77 };
        let answer = to_answer(&envelope("/tasks/start", &start)).unwrap().facts;
        assert_eq!((answer.started_at, answer.init_pid), (Some(WallNs(9_000_000_001)), Some(77)));
        let create = TaskCreate { container_id: "web.1".into(), bundle: "/state/shop/web.1".into(), pid: 77 };
        let answer = to_answer(&envelope("/tasks/create", &create)).unwrap().facts;
        assert_eq!((answer.started_at, answer.bundle.as_deref()), (None, Some("/state/shop/web.1")));
    }

    #[test]
    fn a_creation_names_the_image() {
        let event = ContainerEvent { id: "web.1".into(), image: "busybox:1".into() };
        let answer = to_answer(&envelope("/containers/create", &event)).unwrap().facts;
        assert_eq!((answer.image_name.as_deref(), answer.as_of), (Some("busybox:1"), Some(WallNs(9_000_000_001))));
    }

    #[test]
    fn what_is_no_event_of_a_container_says_nothing() {
        let event = ContainerEvent { id: "busybox".into(), image: String::new() };
        assert!(to_answer(&envelope("/images/create", &event)).is_none());
        assert!(to_answer(&envelope("/containers/delete", &ContainerEvent::default())).is_none(), "no id");
        let mut broken = envelope("/tasks/exit", &exit("web.1"));
        broken.event = Some(Any { type_url: String::new(), value: vec![0xff; 9] });
        assert!(to_answer(&broken).is_none());
    }
}
