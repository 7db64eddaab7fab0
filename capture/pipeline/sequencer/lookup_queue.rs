//! Look-ups that events and rows lead to: a container's directory, its bundle, its runtime's state
//! and its engine's file, as long as they are there.

use std::sync::mpsc::{SyncSender, TrySendError};

use obit_derivation::identity::{Engine, argv};
use obit_derivation::record::{CgroupEvent, CgroupEventKind, Outcome};
use obit_derivation::row::ContainerExit;
use obit_derivation::{CgroupKey, Row};

use super::runtime_calls::{RuntimeCalls, StateDirectory};
use crate::pipeline::lookup::{BATCH, Leftover, LookupCommand, LookupRequest, LookupResult, OnAbsent};
use crate::sources::oci_files;

/// The look-ups of one delivery, sent together at its end: each by itself would wake the thread
/// that does them.
#[derive(Debug)]
pub struct LookupQueue {
    batch: Vec<LookupRequest>,
    /// Requests that found the worker's queue full, as far as that is recorded.
    dropped: Vec<LookupRequest>,
    calls: RuntimeCalls,
    worker: SyncSender<LookupCommand>,
}

impl LookupQueue {
    /// Returns an empty queue to the thread that does the look-ups.
    pub fn new(worker: SyncSender<LookupCommand>) -> Self {
        Self { batch: Vec::new(), dropped: Vec::new(), calls: RuntimeCalls::default(), worker }
    }

    /// Queues what an event of a cgroup makes worth looking up.
    pub fn on_event(&mut self, event: &CgroupEvent<'_>, is_container_root: impl FnOnce() -> bool) {
        let key = event.key;
        match event.kind {
            CgroupEventKind::Mkdir => self.on_mkdir(key, event.actor.pid, event.actor.argv),
            // Before a task is in it there is nothing to see.
            CgroupEventKind::Populated if is_container_root() => {
                self.push(LookupRequest::Directory { key, path: event.path.to_owned() });
                self.push_state(key, OnAbsent::Retry);
            }
            CgroupEventKind::Empty => self.push_state(key, OnAbsent::Report),
            CgroupEventKind::Rmdir => self.on_rmdir(key),
            _ => {}
        }
    }

    /// Queues a look at the file that the engine of a container keeps of it.
    pub fn on_row(&mut self, row: &Row) {
        let identity = row.identity();
        if let (Row::Create(_) | Row::Existing(_), Some(engine @ (Engine::Docker | Engine::Podman))) =
            (row, identity.runtime)
        {
            self.push(LookupRequest::EngineFile { engine, container_id: identity.container_id.clone() });
        }
    }

    /// Queues a look at what the engine keeps of a container that has exited: a later one at how
    /// Docker says that it ended, and one at once at the name that it has at podman, which has
    /// nobody who tells of renames unless its service runs.
    pub fn on_exit(&mut self, exit: &ContainerExit) {
        let container_id = || exit.identity.container_id.clone();
        match exit.identity.runtime {
            Some(engine @ Engine::Docker) => {
                let container_id = container_id();
                self.push(LookupRequest::Leftover(Leftover::EngineFile { engine, container_id }));
            }
            Some(engine @ Engine::Podman) => {
                self.push(LookupRequest::EngineFile { engine, container_id: container_id() });
            }
            _ => {}
        }
    }

    /// Sends the batch. Never waits: requests that find no room are dropped.
    pub fn send(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.worker.try_send(LookupCommand::LookUp(std::mem::take(&mut self.batch))) {
            Ok(()) | Err(TrySendError::Disconnected(_) | TrySendError::Full(LookupCommand::Stop(_))) => {}
            // About a file the engine itself is asked too, and that is recorded; what is left of a
            // container would find no room to wait for its time either.
            Err(TrySendError::Full(LookupCommand::LookUp(batch))) => self.dropped.extend(
                batch
                    .into_iter()
                    .filter(|one| !matches!(one, LookupRequest::EngineFile { .. } | LookupRequest::Leftover(_))),
            ),
        }
    }

    /// Takes the requests that were dropped, as results that say so.
    pub fn take_dropped(&mut self) -> Vec<LookupResult> {
        std::mem::take(&mut self.dropped).into_iter().map(|one| one.into_unanswered(Outcome::Dropped)).collect()
    }

    /// Queues the bundle of a container that a runtime makes, and notes where its state will be.
    fn on_mkdir(&mut self, key: CgroupKey, pid: u32, argv: &[&str]) {
        let Some(call) = argv::parse(argv) else { return };
        if !self.calls.insert(pid, call.container_id) {
            return;
        }
        // Of a command line with a stretch missing nobody knows whether it named another one.
        let by_default = call.oci_runtime.filter(|_| !call.is_partial).and_then(oci_files::default_state_root);
        if let Some(root) = call.root.or(by_default) {
            self.calls.insert_state(key, root, call.container_id);
        }
        if let Some(bundle) = call.bundle {
            let (bundle, container_id) = (bundle.to_owned(), call.container_id.to_owned());
            self.push(LookupRequest::Bundle { bundle, container_id });
        }
    }

    /// Queues a look at what is left of a container's state, which should be gone with its
    /// directory. A look at the directory itself that was queued by the same delivery is cancelled.
    fn on_rmdir(&mut self, gone: CgroupKey) {
        self.batch.retain(|request| !matches!(request, LookupRequest::Directory { key, .. } if *key == gone));
        if let Some(StateDirectory { root, container_id }) = self.calls.remove_state(gone) {
            let (root, container_id) = (root.to_string(), container_id.into());
            self.push(LookupRequest::Leftover(Leftover::State { root, container_id }));
        }
    }

    /// Queues a look at a container's state, in place of one that this delivery has queued already.
    fn push_state(&mut self, key: CgroupKey, on_absent: OnAbsent) {
        let Some(state) = self.calls.state(key) else { return };
        self.batch.retain(|request| {
            !matches!(request, LookupRequest::State { root, container_id, .. }
                if **root == *state.root && **container_id == *state.container_id)
        });
        let (root, container_id) = (state.root.to_string(), state.container_id.to_string());
        self.push(LookupRequest::State { root, container_id, on_absent });
    }

    fn push(&mut self, request: LookupRequest) {
        self.batch.push(request);
        if self.batch.len() >= BATCH {
            self.send();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, sync_channel};

    use obit_derivation::record::{Actor, Usage};
    use obit_derivation::{CgroupId, HierarchyId};

    use super::*;

    fn key(number: u64) -> CgroupKey {
        CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(number) }
    }

    fn directory(number: u64) -> LookupRequest {
        LookupRequest::Directory { key: key(number), path: "/a".to_owned() }
    }

    fn state(on_absent: OnAbsent) -> LookupRequest {
        LookupRequest::State { root: "/run/runc".to_owned(), container_id: "a".to_owned(), on_absent }
    }

    /// Returns the batches that were sent.
    fn batches(requests: &Receiver<LookupCommand>) -> Vec<Vec<LookupRequest>> {
        let batch = |command| match command {
            LookupCommand::LookUp(batch) => batch,
            LookupCommand::Stop(_) => panic!("nobody stopped it"),
        };
        requests.try_iter().map(batch).collect()
    }

    fn event(kind: CgroupEventKind, number: u64) -> CgroupEvent<'static> {
        CgroupEvent {
            kind,
            cpu: 0,
            key: key(number),
            parent: None,
            level: 1,
            path: "/a",
            path_truncated: false,
            actor: Actor::default(),
            usage: Usage::default(),
        }
    }

    #[test]
    fn what_one_delivery_asks_goes_together_and_without_what_it_saw_go() {
        let (worker, requests) = sync_channel(4);
        let mut queue = LookupQueue::new(worker);
        queue.calls.insert_state(key(1), "/run/runc", "a");
        queue.calls.insert_state(key(3), "/run/runc", "b");
        queue.on_event(&event(CgroupEventKind::Populated, 1), || true);
        queue.on_event(&event(CgroupEventKind::Populated, 2), || true);
        queue.on_event(&event(CgroupEventKind::Populated, 4), || false);
        queue.on_event(&event(CgroupEventKind::Empty, 3), || true);
        queue.on_event(&event(CgroupEventKind::Empty, 1), || true);
        queue.on_event(&event(CgroupEventKind::Rmdir, 1), || true);
        assert!(requests.try_recv().is_err(), "the delivery is not over");
        queue.send();
        queue.send();
        let b = LookupRequest::State {
            root: "/run/runc".to_owned(),
            container_id: "b".to_owned(),
            on_absent: OnAbsent::Report,
        };
        let leftover = Leftover::State { root: "/run/runc".to_owned(), container_id: "a".into() };
        let expected = vec![directory(2), b, state(OnAbsent::Report), LookupRequest::Leftover(leftover)];
        assert_eq!(batches(&requests), [expected]);
    }

    #[test]
    fn questions_without_room_are_recorded_as_far_as_nobody_else_is_asked() {
        let (worker, requests) = sync_channel(1);
        let mut queue = LookupQueue::new(worker.clone());
        for number in 0..BATCH as u64 {
            queue.push(directory(number));
        }
        assert_eq!(batches(&requests)[0].len(), BATCH, "a full batch does not wait");
        worker.send(LookupCommand::LookUp(Vec::new())).expect("room");
        let leftover = Leftover::State { root: "/run/runc".to_owned(), container_id: "a".into() };
        queue.push(LookupRequest::Leftover(leftover));
        queue.push(directory(7));
        queue.send();
        assert_eq!(queue.dropped, [directory(7)]);
        assert_eq!(queue.take_dropped().len(), 1);
        assert!(queue.take_dropped().is_empty());
    }
}
