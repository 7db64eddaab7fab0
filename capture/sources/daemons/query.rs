//! The query about a container, and the choice of daemons that may know it.

use std::sync::Arc;

use obit_derivation::identity::Engine;
use obit_derivation::row::ContainerExit;
use obit_derivation::{Row, WallNs};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc::UnboundedSender;

use super::kind::DaemonKind;
use super::sockets::{Endpoint, SocketOwner};
use super::value_form;

/// Most users that a container may belong to.
const MAX_USERS: usize = 8;

/// A query about a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerQuery {
    /// The container.
    pub container_id: String,
    /// containerd's namespace, if known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// The start of the life that is asked about; `None` if it was not seen.
    #[serde(with = "value_form::optional_time")]
    pub begun_at: Option<WallNs>,
}

/// A part of a batch of queries: when the last part is dropped, every query of the batch has been
/// answered or given up.
#[derive(Clone, Debug)]
pub struct QueryTicket {
    _batch: Arc<BatchGuard>,
}

#[derive(Debug)]
struct BatchGuard {
    number: u64,
    done: UnboundedSender<u64>,
}

impl QueryTicket {
    /// Makes the ticket of a batch, whose number goes to `done` at the end.
    pub fn new(number: u64, done: UnboundedSender<u64>) -> Self {
        Self { _batch: Arc::new(BatchGuard { number, done }) }
    }
}

impl Drop for BatchGuard {
    fn drop(&mut self) {
        // At the end of a capture there is no receiver any more.
        let _ = self.done.send(self.number);
    }
}

/// A container that the derivation has announced, with what chooses the daemons.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryTarget {
    /// The query.
    pub query: ContainerQuery,
    #[serde(with = "value_form::optional_engine")]
    runtime: Option<Engine>,
    /// Users whose daemons may know it: by its cgroup, and by who made that.
    users: Vec<u32>,
    /// True if the container has ended.
    pub is_over: bool,
}

impl QueryTarget {
    /// Makes the target for a container that has exited. `None` if no daemon has said anything
    /// about it, or no daemon runs it.
    pub fn of_exit(row: &ContainerExit) -> Option<Self> {
        let identity = &row.identity;
        // In a storm no daemon has named most containers: nothing is copied for them.
        if !identity.is_named() {
            return None;
        }
        let target = Self {
            query: ContainerQuery {
                container_id: identity.container_id.clone(),
                namespace: identity.containerd_namespace.clone(),
                begun_at: row.created_seq.and(row.created_at),
            },
            runtime: identity.runtime,
            users: row.place.as_ref().map(|place| users(&place.path, None)).unwrap_or_default(),
            is_over: true,
        };
        (!target.kinds().is_empty()).then_some(target)
    }

    /// Makes the target for a row. `None` if the row tells of an end, or no daemon runs the
    /// container.
    pub fn of_row(row: &Row) -> Option<Self> {
        let (identity, place, begun_at, created_by_uid) = match row {
            Row::Create(row) => {
                (&row.identity, &row.place, Some(row.ts), row.created_by.as_ref().map(|actor| actor.uid))
            }
            Row::Existing(row) => (&row.identity, &row.place, None, None),
            Row::Exit(_) | Row::Remove(_) | Row::Disagreement(_) => return None,
        };
        let target = Self {
            query: ContainerQuery {
                container_id: identity.container_id.clone(),
                namespace: identity.containerd_namespace.clone(),
                begun_at,
            },
            runtime: identity.runtime,
            users: users(&place.path, created_by_uid),
            is_over: false,
        };
        (!target.kinds().is_empty()).then_some(target)
    }

    /// Returns the kinds of daemons that may know the container.
    pub fn kinds(&self) -> &'static [DaemonKind] {
        DaemonKind::of_container(self.runtime, self.query.namespace.as_deref(), &self.query.container_id)
    }

    /// Returns true if some kind of daemon must know the container, so that having nobody to ask is
    /// worth a record.
    pub fn is_of_known_engine(&self) -> bool {
        self.runtime.is_some()
    }

    /// Returns true if this daemon may be asked: a user's knows that user's containers only.
    pub fn may_be_known_to(&self, endpoint: &Endpoint) -> bool {
        match endpoint.owner {
            SocketOwner::Root | SocketOwner::Given => true,
            SocketOwner::User(uid) => self.users.contains(&uid),
        }
    }
}

/// Returns the users whom a container may belong to: those whose slice its cgroup is in, and who
/// made that.
fn users(cgroup_path: &str, created_by_uid: Option<u32>) -> Vec<u32> {
    let of_slice = |component: &str| component.strip_prefix("user-")?.strip_suffix(".slice")?.parse().ok();
    created_by_uid.into_iter().chain(cgroup_path.split('/').filter_map(of_slice)).take(MAX_USERS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(runtime: Option<Engine>, id: &str, namespace: Option<&str>, path: &str) -> QueryTarget {
        QueryTarget {
            query: ContainerQuery { container_id: id.into(), namespace: namespace.map(Into::into), begun_at: None },
            runtime,
            users: users(path, None),
            is_over: false,
        }
    }

    #[test]
    fn daemons_are_asked_about_their_own_containers() {
        let hex = "ab".repeat(32);
        let kinds = |runtime, id: &str, namespace| target(runtime, id, namespace, "/x").kinds();
        assert_eq!(kinds(Some(Engine::Docker), &hex, None), [DaemonKind::Docker]);
        assert_eq!(kinds(Some(Engine::Containerd), "web", Some("shop")), [DaemonKind::Containerd]);
        assert_eq!(kinds(Some(Engine::Containerd), &hex, Some("k8s.io")), [DaemonKind::Containerd, DaemonKind::Cri]);
        assert_eq!(kinds(Some(Engine::Crio), &hex, None), [DaemonKind::Cri]);
        assert_eq!(kinds(None, &hex, None), DaemonKind::ALL);
        assert_eq!(kinds(None, "web", None), []);
        assert_eq!(kinds(Some(Engine::Runc), &hex, None), []);
    }

    #[test]
    fn of_an_end_only_a_daemon_that_named_the_container_is_asked() {
        use obit_derivation::record::*;
        let mut fold = obit_derivation::Fold::new();
        let mut rows = Vec::new();
        let id = "ab".repeat(32);
        let path = format!("/docker/{id}");
        let mut ended = |is_named: bool| {
            let directory = |kind| {
                Body::Cgroup(CgroupEvent {
                    kind,
                    cpu: 0,
                    key: CgroupKey { hierarchy: HierarchyId::V2, cgroup: CgroupId(7) },
                    parent: Some(CgroupId(1)),
                    level: 2,
                    path: &path,
                    path_truncated: false,
                    actor: Actor::default(),
                    usage: Usage::default(),
                })
            };
            let mut name = RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok);
            (name.container_id, name.container_name) = (Some((&*id).into()), Some("web".into()));
            let name = if is_named { Body::Runtime(name) } else { Body::Clock(ClockReading::default()) };
            let story = [CgroupEventKind::Mkdir, CgroupEventKind::Populated].map(directory).into_iter().chain([name]);
            let story = story.chain([directory(CgroupEventKind::Empty)]);
            for (body, seq) in story.zip(0..) {
                let record = Record { seq: Seq(seq), ts: WallNs(5), boot_ns: BootNs(5), body };
                fold.apply(&record, &mut rows);
            }
            let end = rows.drain(..).find_map(|row| if let Row::Exit(row) = row { Some(row) } else { None });
            QueryTarget::of_exit(&end.expect("an exit"))
        };
        assert_eq!(ended(false), None, "nobody has ever heard of it");
        let target = ended(true).expect("docker knows it");
        assert!(target.is_over);
        assert_eq!((target.kinds(), target.query.begun_at), (&[DaemonKind::Docker][..], Some(WallNs(5))));
    }

    #[test]
    fn a_users_daemon_is_asked_about_his_containers_only() {
        let endpoint =
            |owner| Endpoint { kind: DaemonKind::Podman, path: "/run/user/1000/podman/podman.sock".into(), owner };
        let path = "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-ab.scope/container";
        let mine = target(Some(Engine::Podman), "ab", None, path);
        let other = target(Some(Engine::Podman), "ab", None, "/machine.slice/libpod-ab.scope/user-1000.slicex");
        assert!(mine.may_be_known_to(&endpoint(SocketOwner::User(1000))));
        assert!(!mine.may_be_known_to(&endpoint(SocketOwner::User(100))));
        assert!(!other.may_be_known_to(&endpoint(SocketOwner::User(1000))));
        assert!(other.may_be_known_to(&endpoint(SocketOwner::Root)));
        let made = QueryTarget { users: users("/x", Some(1000)), ..other };
        assert!(made.may_be_known_to(&endpoint(SocketOwner::User(1000))));
    }
}
