//! The one thread that gives records their place in the total order, derives, and hands both on.

mod keep;
mod segments;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError};

use anyhow::{Context, Result};
use obit_derivation::identity::{OciRuntime, Runtime, argv};
use obit_derivation::record::{
    Actor, Ancestor, Body, CgroupEvent, CgroupEventKind, ClockReading, ClockReason, Directory, FatalSignal,
    KernelEventKind, Loss, OomKill, Outcome, RuntimeAnswer, RuntimeSource, SnapshotReason, TaskExit,
};
use obit_derivation::row::ContainerRemove;
use obit_derivation::{CgroupId, CgroupKey, Fold, HierarchyId, Record, Row, Seq};
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use obit_schema::encode::{CgroupfsBuilder, EventsBuilder, RowsBuilder, RuntimeBuilder};
use obit_schema::tables::Table;
use obit_schema::text::escape;

use self::segments::SegmentState;
pub use self::segments::Segments;
use super::SessionOptions;
use super::input::{Input, KernelBatch};
use super::lookup::{Patience, Question, Remains};
use super::progress::Progress;
use super::recorder::Order;
use crate::cli::ActorArgv;
use crate::host::clock::ClockPair;
use crate::oci::Answer;
use crate::runtimes::Asker;
use crate::wire::{self, KernelCgroup, KernelEvent, RawBatch, What};

/// Rows gathered before they are handed to the recorder without waiting for the interval.
const FLUSH_ROWS: usize = 16_384;
/// Bytes of events that may wait for the first walk to end. More are counted as lost.
const MAX_WAITING_BYTES: usize = 256 << 20;
/// Runtime calls remembered, so that the ten directories of one container ask for its bundle once.
const RECENT_CALLS: usize = 64;
/// Containers whose state directory is remembered; more live at once on no host.
const MAX_STATES: usize = 65_536;

/// Where the sequencer sends things.
pub struct Outlets {
    /// Batches of rows, to disk.
    pub recorder: SyncSender<Order>,
    /// Questions about new containers.
    pub questions: SyncSender<Question>,
    /// Requests for a walk.
    pub walks: Sender<SnapshotReason>,
    /// Emptied kernel batches, back to the drain thread.
    pub recycled: Sender<RawBatch>,
    /// Ends, as they happen, for whoever follows the capture live.
    pub followers: Option<SyncSender<ContainerRemove>>,
    /// Containers, to the daemons that may know them.
    pub daemons: Asker,
}

/// Stamps, derives, hands on.
pub struct Sequencer {
    next_seq: u64,
    actor_argv: ActorArgv,
    page_size_bytes: u64,
    clock: ClockPair,
    fold: Fold,
    rows: Vec<Row>,
    events: EventsBuilder,
    cgroupfs: CgroupfsBuilder,
    runtime: RuntimeBuilder,
    derived: RowsBuilder,
    /// Kernel batches that wait for the first walk; `None` once it is over.
    waiting: Option<VecDeque<KernelBatch>>,
    waiting_bytes: usize,
    resync_requested: bool,
    recent_calls: VecDeque<(u32, String)>,
    /// Where the runtime keeps the state of a container: its `--root` and the id, by one of its directories.
    states: BTreeMap<CgroupKey, (String, String)>,
    /// What says that a daemon was not asked, because too many questions waited.
    unasked: Vec<Answer>,
    /// The newest time that a delivery told.
    latest: ClockPair,
    /// The segment, of a recording that is cut into such.
    segment: Option<SegmentState>,
    outlets: Outlets,
    progress: Arc<Progress>,
}

impl Sequencer {
    /// One that has admitted nothing.
    pub fn new(
        outlets: Outlets,
        progress: Arc<Progress>,
        page_size_bytes: u64,
        clock: ClockPair,
        options: &SessionOptions,
    ) -> Self {
        let mut fold = Fold::with_grace(super::grace_ns(options));
        fold.keep_early();
        Self {
            next_seq: 0,
            actor_argv: options.actor_argv,
            page_size_bytes,
            clock,
            fold,
            rows: Vec::new(),
            events: EventsBuilder::new(),
            cgroupfs: CgroupfsBuilder::new(),
            runtime: RuntimeBuilder::new(),
            derived: RowsBuilder::new(),
            waiting: Some(VecDeque::new()),
            waiting_bytes: 0,
            resync_requested: false,
            recent_calls: VecDeque::new(),
            states: BTreeMap::new(),
            unasked: Vec::new(),
            latest: clock,
            segment: options.segments.map(|segments| SegmentState::new(segments, clock.boot)),
            outlets,
            progress,
        }
    }

    /// Admits what comes until the last delivery, then ends the log.
    pub fn run(mut self, inputs: &Receiver<Input>) -> Result<()> {
        while let Ok(input) = inputs.recv() {
            let last = matches!(input, Input::Stop(_));
            self.take(input)?;
            if !last {
                self.admit_unasked_daemons()?;
            }
            if last || self.gathered() >= FLUSH_ROWS {
                self.flush()?;
            }
            if last {
                return Ok(());
            }
            if self.is_cut_due() {
                self.cut()?;
            }
        }
        self.flush()
    }

    fn take(&mut self, input: Input) -> Result<()> {
        match input {
            Input::Start(at) => self.admit_event(at, Body::CaptureStart),
            Input::Kernel(batch) => {
                self.latest = batch.read_at;
                match &mut self.waiting {
                    None => self.admit_batch(batch),
                    Some(_) => self.keep_waiting(batch),
                }
            }
            input if self.is_of_stale_walk(&input) => Ok(()),
            Input::SnapshotBegin(reason, at) => {
                if reason == SnapshotReason::Resync {
                    self.resync_requested = false;
                }
                self.admit_event(at, Body::SnapshotBegin(reason))
            }
            Input::Directories(directories) => directories
                .into_iter()
                .try_for_each(|(at, directory, details)| self.admit_directory(at, directory, &details)),
            Input::SnapshotFailed(hierarchy, at) => self.admit_event(at, Body::SnapshotFailed(hierarchy)),
            Input::SnapshotEnd(reason, at) => {
                if reason == SnapshotReason::Start {
                    self.end_waiting()?;
                }
                self.admit_event(at, Body::SnapshotEnd(reason))?;
                if reason == SnapshotReason::Start {
                    self.progress.set_ready();
                    if self.segment.is_some() {
                        self.flush()?;
                        let _ = self.outlets.recorder.send(Order::HeadEnd);
                    }
                }
                Ok(())
            }
            Input::Answer(at, answer) => self.admit_answer(at, answer.0, &answer.1),
            Input::Clock(at, reading) => {
                self.clock = at;
                self.admit_event(at, Body::Clock(reading))
            }
            Input::Flush(at) => {
                self.latest = at;
                // On a quiet host no other record would let a row go whose grace is over.
                if self.fold.next_due().is_some_and(|due| due <= at.boot) {
                    let due = ClockReading { reason: Some(ClockReason::Due), ..ClockReading::default() };
                    self.take(Input::Clock(at, due))?;
                }
                self.flush()
            }
            Input::Stop(at) => {
                self.end_waiting()?;
                self.admit_event(at, Body::CaptureStop)?;
                self.fold.finish(&mut self.rows);
                self.hand_on_rows();
                Ok(())
            }
        }
    }

    fn keep_waiting(&mut self, mut batch: KernelBatch) -> Result<()> {
        self.waiting_bytes += batch.events.byte_len();
        if self.waiting_bytes > MAX_WAITING_BYTES {
            // The first walk takes too long for this storm: say how many events are not kept, of any kind.
            self.waiting_bytes -= batch.events.byte_len();
            let count = batch.events.len() as u64;
            batch.events.clear();
            self.admit_loss(batch.read_at, count, None, None)?;
        }
        if let Some(waiting) = &mut self.waiting {
            waiting.push_back(batch);
        }
        Ok(())
    }

    fn end_waiting(&mut self) -> Result<()> {
        self.waiting.take().into_iter().flatten().try_for_each(|batch| self.admit_batch(batch))
    }

    /// Admits what a drain brought: first what was lost, for a container that lived and died in this batch may have lost
    /// an event too.
    fn admit_batch(&mut self, batch: KernelBatch) -> Result<()> {
        for loss in &batch.losses {
            self.admit_loss(batch.read_at, loss.count, loss.kind, loss.cpu)?;
        }
        let page_size_bytes = self.page_size_bytes;
        let mut undecodable = 0;
        for raw in batch.events.iter() {
            match wire::decode(raw, page_size_bytes) {
                Ok(event) => self.admit_kernel_event(&event)?,
                Err(_) => undecodable += 1,
            }
        }
        if undecodable > 0 {
            self.admit_loss(batch.read_at, undecodable, None, None)?;
        }
        // The drain thread may be gone already.
        let _ = self.outlets.recycled.send(batch.events);
        Ok(())
    }

    fn admit_loss(&mut self, at: ClockPair, count: u64, kind: Option<KernelEventKind>, cpu: Option<u32>) -> Result<()> {
        self.progress.lost(count);
        let since = Seq(self.next_seq.saturating_sub(1));
        self.admit_event(at, Body::Lost(Loss { count, kind, cpu, since }))?;
        // A walk shows cgroups. What was lost of processes it cannot show.
        let of_cgroups = matches!(kind, None | Some(KernelEventKind::Cgroup(_)));
        if of_cgroups && !self.resync_requested && self.outlets.walks.send(SnapshotReason::Resync).is_ok() {
            self.resync_requested = true;
        }
        Ok(())
    }

    fn admit_kernel_event(&mut self, event: &KernelEvent<'_>) -> Result<()> {
        let who = &event.actor;
        let comm = escape(who.comm);
        let parent_comm = escape(who.parent_comm);
        let elements: Vec<_> = who.argv_elements().map(escape).collect();
        let all: Vec<&str> = elements.iter().map(AsRef::as_ref).collect();
        let argv = match self.actor_argv {
            ActorArgv::Runtimes => argv::recordable(&all),
            ActorArgv::Full => all.clone(),
        };
        let boot_ns = obit_derivation::BootNs(event.boot_ns);
        let at = ClockPair { wall: self.clock.wall_at(boot_ns), boot: boot_ns, ..self.clock };
        let cpu = event.cpu;
        let actor = Actor {
            pid: who.pid,
            tid: who.tid,
            ppid: who.ppid,
            uid: who.uid,
            comm: &comm,
            parent_comm: &parent_comm,
            cgroup: who.cgroup_id.map(CgroupId),
            argv: &argv,
            // Of a program that is no OCI runtime only the name is kept, and that is whole or absent.
            argv_truncated: who.argv_truncated && argv.len() == all.len() && all.len() > 1,
        };
        self.progress.event(event.what.kind());
        match &event.what {
            What::Cgroup(cgroup) => self.admit_cgroup_event(at, cpu, cgroup, actor),
            What::Exit { target, status, oom_victim } => {
                let (status, oom_victim) = (*status, *oom_victim);
                let name = escape(target.comm);
                let target = target.named(&name);
                let parent_comm = &parent_comm;
                self.admit_event(at, Body::Exit(TaskExit { cpu, target, status, oom_victim, parent_comm }))
            }
            What::Signal { target, signal, code, origin, to_group, result, loginuid, ancestors } => {
                let name = escape(target.comm);
                let names: Vec<_> = ancestors.iter().map(|ancestor| escape(ancestor.comm)).collect();
                let sender_ancestors = ancestors.iter().zip(&names).map(|(ancestor, comm)| Ancestor {
                    pid: ancestor.pid,
                    uid: ancestor.uid,
                    started: ancestor.started,
                    comm,
                });
                let body = FatalSignal {
                    cpu,
                    target: target.named(&name),
                    signal: *signal,
                    code: *code,
                    origin: *origin,
                    to_group: *to_group,
                    result: *result,
                    sender: actor,
                    sender_loginuid: *loginuid,
                    sender_ancestors: sender_ancestors.collect(),
                };
                self.admit_event(at, Body::Signal(body))
            }
            What::Oom { target, memory_bytes, limit } => {
                let (memory_bytes, limit) = (*memory_bytes, *limit);
                let name = escape(target.comm);
                let target = target.named(&name);
                self.admit_event(at, Body::Oom(OomKill { cpu, target, memory_bytes, limit, asker: actor }))
            }
        }
    }

    fn admit_cgroup_event(
        &mut self,
        at: ClockPair,
        cpu: u32,
        event: &KernelCgroup<'_>,
        actor: Actor<'_>,
    ) -> Result<()> {
        let path = escape(event.path);
        let key = CgroupKey { hierarchy: HierarchyId(event.hierarchy_id), cgroup: CgroupId(event.cgroup_id) };
        let (pid, argv) = (actor.pid, actor.argv);
        let body = CgroupEvent {
            kind: event.kind,
            cpu,
            key,
            parent: event.parent_cgroup_id.map(CgroupId),
            level: event.level,
            path: &path,
            path_truncated: event.path_truncated,
            actor,
            vitals: event.vitals,
        };
        self.admit_event(at, Body::Cgroup(body))?;
        match event.kind {
            CgroupEventKind::Mkdir => self.ask_about_call(key, pid, argv),
            // Before a task is in it there is nothing to see.
            CgroupEventKind::Populated if self.fold.is_container_root(key) => {
                self.ask(Question::Directory { key, path: path.into_owned() })?;
                self.ask_for_state(key, Patience::UntilWritten)
            }
            CgroupEventKind::Empty => self.ask_for_state(key, Patience::None),
            CgroupEventKind::Rmdir => match self.states.remove(&key) {
                Some((root, container_id)) => self.ask(Question::Remains(Remains::State { root, container_id })),
                None => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// A runtime makes a container: its bundle can be read now, and its state once it is written.
    fn ask_about_call(&mut self, key: CgroupKey, pid: u32, argv: &[&str]) -> Result<()> {
        let Some(call) = argv::parse(argv) else { return Ok(()) };
        let recent = (pid, call.container_id.to_owned());
        if self.recent_calls.contains(&recent) {
            return Ok(()); // one of the other directories of the same container
        }
        if let Some(root) = call.root.or(default_state_root(call.oci_runtime))
            && self.states.len() < MAX_STATES
        {
            self.states.insert(key, (root.to_owned(), recent.1.clone()));
        }
        let question =
            call.bundle.map(|bundle| Question::Bundle { bundle: bundle.to_owned(), container_id: recent.1.clone() });
        self.recent_calls.push_back(recent);
        if self.recent_calls.len() > RECENT_CALLS {
            self.recent_calls.pop_front();
        }
        question.map_or(Ok(()), |question| self.ask(question))
    }

    fn ask_for_state(&mut self, key: CgroupKey, patience: Patience) -> Result<()> {
        let Some((root, container_id)) = self.states.get(&key).cloned() else { return Ok(()) };
        self.ask(Question::State { root, container_id, patience })
    }

    fn ask(&mut self, question: Question) -> Result<()> {
        match self.outlets.questions.try_send(question) {
            Ok(()) | Err(TrySendError::Disconnected(_)) => Ok(()),
            Err(TrySendError::Full(question)) => self.admit_unasked(question),
        }
    }

    /// Records a question that could not be asked.
    fn admit_unasked(&mut self, question: Question) -> Result<()> {
        let at = self.clock;
        match question {
            Question::Directory { key, path } => {
                let directory = Directory {
                    reason: SnapshotReason::Mkdir,
                    key,
                    parent: None,
                    parent_uid: None,
                    path: path.into(),
                    populated: None,
                    pids: Vec::new(),
                };
                let details = DirectoryDetails { outcome: Outcome::Dropped, ctime: None, files: Vec::new() };
                self.admit_directory(at, directory, &details)
            }
            Question::Bundle { bundle, container_id } => {
                let details =
                    RuntimeDetails { request: format!("{bundle}/config.json"), latency_ns: 0, document: None };
                let mut answer = RuntimeAnswer::unanswered(RuntimeSource::OciBundle, Outcome::Dropped);
                answer.bundle = Some(bundle.into());
                answer.container_id = Some(container_id.into());
                self.admit_answer(at, answer, &details)
            }
            Question::State { root, container_id, .. } => {
                let details =
                    RuntimeDetails { request: format!("{root}/{container_id}"), latency_ns: 0, document: None };
                let mut answer = RuntimeAnswer::unanswered(RuntimeSource::OciState, Outcome::Dropped);
                answer.container_id = Some(container_id.into());
                self.admit_answer(at, answer, &details)
            }
            // The engine itself is asked too, and that is recorded.
            Question::EngineFile { .. } => Ok(()),
            // With no room it would not be looked at later either.
            Question::Remains(_) => Ok(()),
        }
    }

    fn admit_unasked_daemons(&mut self) -> Result<()> {
        let at = self.clock;
        let unasked = std::mem::take(&mut self.unasked);
        unasked.into_iter().try_for_each(|answer| self.admit_answer(at, answer.0, &answer.1))
    }

    fn admit_event(&mut self, at: ClockPair, body: Body<'_>) -> Result<()> {
        let record = self.stamp(at, body);
        self.admit(
            &record,
            |this| this.events.append(&record).context("cannot encode an event"),
            |keep| keep.event(&record),
        )
    }

    fn admit_directory(
        &mut self,
        at: ClockPair,
        directory: Directory<'static>,
        details: &DirectoryDetails,
    ) -> Result<()> {
        let record = self.stamp(at, Body::Directory(directory));
        self.admit(
            &record,
            |this| this.cgroupfs.append(&record, details).context("cannot encode a cgroupfs directory"),
            |keep| keep.directory(&record, details),
        )
    }

    fn admit_answer(&mut self, at: ClockPair, answer: RuntimeAnswer<'static>, details: &RuntimeDetails) -> Result<()> {
        let record = self.stamp(at, Body::Runtime(answer));
        self.admit(
            &record,
            |this| this.runtime.append(&record, details).context("cannot encode a runtime's answer"),
            |keep| keep.answer(&record, details),
        )
    }

    fn stamp<'a>(&mut self, at: ClockPair, body: Body<'a>) -> Record<'a> {
        let seq = Seq(self.next_seq);
        self.next_seq += 1;
        Record { seq, ts: at.wall, boot_ns: at.boot, body }
    }

    fn hand_on_rows(&mut self) {
        let is_first = self.segment.as_ref().is_none_or(SegmentState::is_first);
        for row in self.rows.drain(..) {
            // One that was carried over was counted, and what a daemon said of it carried over too.
            let is_again = !is_first && matches!(row, Row::Existing(_));
            if !is_again {
                self.progress.row(&row);
            }
            if !is_again || !is_named(&row) {
                self.unasked.extend(self.outlets.daemons.ask(&row));
            }
            if let Some(question) = engine_file(&row) {
                let _ = self.outlets.questions.try_send(question);
            }
            self.derived.append(&row);
        }
        for removal in self.fold.take_early() {
            self.unasked.extend(self.outlets.daemons.ask_after(&removal));
            if removal.identity.runtime == Some(Runtime::Docker) {
                let container_id = removal.identity.container_id.clone();
                let remains = Remains::EngineFile { engine: Runtime::Docker, container_id };
                let _ = self.outlets.questions.try_send(Question::Remains(remains));
            }
            if let Some(followers) = &self.outlets.followers
                && let Err(TrySendError::Full(_)) = followers.try_send(removal)
            {
                // Whoever reads the live lines is too slow for them; the rows are in the case all the same.
                self.progress.unprinted();
            }
        }
    }

    fn gathered(&self) -> usize {
        self.events.len() + self.cgroupfs.len() + self.runtime.len()
    }

    fn flush(&mut self) -> Result<()> {
        let mut batches = Vec::new();
        if !self.events.is_empty() {
            batches.push((Table::Events, self.events.finish()?));
        }
        if !self.cgroupfs.is_empty() {
            batches.push((Table::Cgroupfs, self.cgroupfs.finish()?));
        }
        if !self.runtime.is_empty() {
            batches.push((Table::Runtime, self.runtime.finish()?));
        }
        if !self.derived.is_empty() {
            batches.extend(self.derived.finish()?);
        }
        if batches.is_empty() {
            return Ok(());
        }
        // The recorder outlives the sequencer unless it failed, and then it has said so itself.
        let _ = self.outlets.recorder.send(Order::Append(batches));
        Ok(())
    }
}

/// Whether an engine has said of a container more than its directory does.
fn is_named(row: &Row) -> bool {
    let identity = row.identity();
    identity.container_name.is_some() || identity.image_name.is_some()
}

/// Where a runtime that root calls keeps its state unless `--root` says otherwise (runc's, crun's and youki's manuals).
fn default_state_root(runtime: OciRuntime) -> Option<&'static str> {
    match runtime {
        OciRuntime::Runc => Some("/run/runc"),
        OciRuntime::Crun => Some("/run/crun"),
        OciRuntime::Youki => Some("/run/youki"),
        _ => None,
    }
}

/// What to look up of a container that has just become known: the file that its engine keeps of it.
fn engine_file(row: &Row) -> Option<Question> {
    let identity = row.identity();
    match (row, identity.runtime) {
        (Row::Create(_) | Row::Existing(_), Some(engine @ (Runtime::Docker | Runtime::Podman))) => {
            Some(Question::EngineFile { engine, container_id: identity.container_id.clone() })
        }
        _ => None,
    }
}
