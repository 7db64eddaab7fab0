//! Random records and rows, with every optional value sometimes absent.

use std::borrow::Cow;

use obit_derivation::identity::{Engine, OciRuntime};
use obit_derivation::record::{
    Actor, Ancestor, Body, BootNs, Carried, CgroupEvent, CgroupEventKind, CgroupId, CgroupKey, ClockReading,
    ClockReason, Directory, ExitStatus, FatalSignal, HierarchyId, KernelEventKind, Loss, OomKill, OomLimit, Outcome,
    ProcessAttach, ProcessExec, Record, RuntimeAnswer, Seq, SignalOrigin, SignalResult, SnapshotReason, Source, Target,
    TaskExit, Thinning, UnreadPart, Usage, WallNs,
};
use obit_derivation::row::{
    ActorCopy, Cause, ContainerCreate, ContainerExit, ContainerRemove, Death, Disagreement, DisagreementKind,
    ExistingContainer, Identity, Killer, KnownBy, LimitScope, Place, ReportSource, ReportedValue, Row, Step,
};
use obit_schema::details::{DirectoryDetails, RuntimeDetails};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// A record that owns what it holds.
#[derive(Clone, Debug)]
pub struct Owned {
    pub ts: WallNs,
    pub boot_ns: BootNs,
    pub kind: OwnedBody,
}

#[derive(Clone, Debug)]
pub enum OwnedBody {
    Event(Box<OwnedEvent>),
    Mark(Box<Body<'static>>),
    Directory(Box<Directory<'static>>, DirectoryDetails),
    Runtime(Box<RuntimeAnswer<'static>>, RuntimeDetails),
}

#[derive(Clone, Debug)]
pub struct OwnedEvent {
    pub kind: CgroupEventKind,
    pub key: CgroupKey,
    pub parent: Option<CgroupId>,
    pub numbers: [u32; 6],
    pub texts: [String; 3],
    pub truncated: [bool; 2],
    pub actor_cgroup: Option<CgroupId>,
    pub argv: Vec<String>,
    pub usage: Usage,
}

impl Owned {
    /// Gives the record with that place to `each`.
    pub fn with<T>(&self, seq: u64, each: impl FnOnce(&Record<'_>) -> T) -> T {
        let mut argv = Vec::new();
        let body = match &self.kind {
            OwnedBody::Event(event) => {
                argv.extend(event.argv.iter().map(String::as_str));
                let [cpu, level, pid, tid, ppid, uid] = event.numbers;
                let [path, comm, parent_comm] = &event.texts;
                Body::Cgroup(CgroupEvent {
                    kind: event.kind,
                    cpu,
                    key: event.key,
                    parent: event.parent,
                    level,
                    path,
                    path_truncated: event.truncated[0],
                    actor: Actor {
                        pid,
                        tid,
                        ppid,
                        uid,
                        comm,
                        parent_comm,
                        cgroup: event.actor_cgroup,
                        argv: &argv,
                        argv_truncated: event.truncated[1],
                    },
                    usage: event.usage,
                })
            }
            OwnedBody::Mark(body) => Body::clone(body),
            OwnedBody::Directory(directory, _) => Body::Directory(Directory::clone(directory)),
            OwnedBody::Runtime(answer, _) => Body::Runtime(RuntimeAnswer::clone(answer)),
        };
        each(&Record { seq: Seq(seq), ts: self.ts, boot_ns: self.boot_ns, body })
    }
}

fn text() -> impl Strategy<Value = String> {
    // Boxed, here and below: by value, the nested strategies do not fit on a test's stack.
    prop_oneof![Just(String::new()), "[a-z0-9/._-]{1,40}", ".{0,12}"].boxed()
}

fn cow() -> impl Strategy<Value = Option<Cow<'static, str>>> {
    option::of(text().prop_map(Cow::Owned))
}

fn key() -> impl Strategy<Value = CgroupKey> {
    (any::<u32>(), any::<u64>())
        .prop_map(|(hierarchy, cgroup)| CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(cgroup) })
}

fn wall() -> impl Strategy<Value = WallNs> {
    any::<i64>().prop_map(WallNs)
}

fn usage() -> impl Strategy<Value = Usage> {
    any::<[Option<u64>; 12]>().prop_map(|numbers| {
        let [memory_peak_bytes, memory_usage_bytes, pids_peak, oom_kills, rest @ ..] = numbers;
        let [cpu_usage_ns, cpu_user_ns, cpu_system_ns, cpu_throttled_ns, rest @ ..] = rest;
        let [cpu_throttled_count, io_read_bytes, io_written_bytes, ooms] = rest;
        Usage {
            memory_peak_bytes,
            memory_usage_bytes,
            cpu_usage_ns,
            cpu_user_ns,
            cpu_system_ns,
            cpu_throttled_ns,
            cpu_throttled_count,
            io_read_bytes,
            io_written_bytes,
            pids_peak,
            ooms,
            oom_kills,
        }
    })
}

fn event() -> impl Strategy<Value = OwnedBody> {
    (
        (select(CgroupEventKind::ALL), key(), option::of(any::<u64>().prop_map(CgroupId))),
        (any::<[u32; 6]>(), [text(), text(), text()], any::<[bool; 2]>()),
        (option::of(any::<u64>().prop_map(CgroupId)), vec(text(), 0..5), usage()),
    )
        .prop_map(|((kind, key, parent), (numbers, texts, truncated), (actor_cgroup, argv, usage))| {
            OwnedBody::Event(Box::new(OwnedEvent {
                kind,
                key,
                parent,
                numbers,
                texts,
                truncated,
                actor_cgroup,
                argv,
                usage,
            }))
        })
}

fn mark() -> impl Strategy<Value = OwnedBody> {
    let reason = || select(SnapshotReason::ALL);
    let loss = (any::<u64>(), option::of(kernel_event_kind()), option::of(any::<u32>()), any::<u64>())
        .prop_map(|(count, kind, cpu, since)| Body::Lost(Loss { count, kind, cpu, since: Seq(since) }));
    prop_oneof![
        clock(),
        Just(Body::CaptureStart),
        Just(Body::CaptureStop),
        Just(Body::SegmentBegin),
        (any::<u64>(), fatal_signal())
            .prop_map(|(from, body)| Body::Carried(Box::new(Carried { from: Seq(from), body }))),
        reason().prop_map(Body::SnapshotBegin),
        (any::<u32>(), option::of(text())).prop_map(|(hierarchy, below)| {
            Body::SnapshotFailed(UnreadPart { hierarchy: HierarchyId(hierarchy), below: below.map(Into::into) })
        }),
        reason().prop_map(Body::SnapshotEnd),
        loss,
        (any::<u64>(), option::of(any::<u32>()), any::<u64>())
            .prop_map(|(count, uid, since)| Body::Thinned(Thinning { count, uid, since: BootNs(since) })),
        (any::<u32>(), target(), exit_status(), any::<bool>(), any::<Option<bool>>()).prop_map(
            |(cpu, target, status, oom_victim, rebooted)| {
                Body::Exit(TaskExit { cpu, target, status, oom_victim, rebooted, parent_comm: "runc" })
            }
        ),
        (any::<u32>(), target()).prop_map(|(cpu, target)| Body::Exec(ProcessExec { cpu, target, parent_comm: "runc" })),
        attach(),
        fatal_signal(),
        oom_kill(),
    ]
    .prop_map(|body| OwnedBody::Mark(Box::new(body)))
}

fn clock() -> impl Strategy<Value = Body<'static>> {
    let number = || option::of(any::<u64>());
    let told = (option::of(select(ClockReason::ALL)), option::of(any::<i64>()), option::of(any::<bool>()));
    (told, number(), number(), number()).prop_map(
        |((reason, step_ns, synchronized), suspended_ns, max_error_ns, estimated_error_ns)| {
            Body::Clock(ClockReading { reason, step_ns, suspended_ns, synchronized, max_error_ns, estimated_error_ns })
        },
    )
}

fn kernel_event_kind() -> impl Strategy<Value = KernelEventKind> {
    prop_oneof![
        select(CgroupEventKind::ALL).prop_map(KernelEventKind::Cgroup),
        select(KernelEventKind::OF_PROCESSES.to_vec()),
    ]
}

fn target() -> impl Strategy<Value = Target<'static>> {
    let states = (any::<bool>(), any::<Option<bool>>());
    let places = (any::<u64>(), option::of(key()), option::of(any::<u64>()), option::of(any::<u64>()));
    (any::<[u32; 3]>(), any::<u64>(), select(vec!["", "nginx"]), states, places).prop_map(
        |([pid, pid_inside, ppid], started, comm, (is_reaper, is_frozen), (cgroup, v1, parent, parent_v1))| Target {
            pid,
            pid_inside,
            ppid,
            started: BootNs(started),
            comm,
            is_reaper,
            is_frozen,
            cgroup: CgroupId(cgroup),
            v1,
            parent_cgroup: parent.map(CgroupId),
            parent_v1: parent_v1.map(CgroupId),
        },
    )
}

fn attach() -> impl Strategy<Value = Body<'static>> {
    let place = (any::<u32>(), select(vec!["/", "/docker/a"]), any::<bool>());
    (any::<u32>(), target(), key(), place, plain_actor()).prop_map(
        |(cpu, mut target, key, (level, path, path_truncated), mover)| {
            // The row has the directory in the place of the process's cgroup on v2.
            target.cgroup = if key.hierarchy == HierarchyId::V2 { key.cgroup } else { CgroupId(0) };
            Body::Attach(ProcessAttach { cpu, target, key, level, path, path_truncated, mover })
        },
    )
}

fn exit_status() -> impl Strategy<Value = ExitStatus> {
    prop_oneof![
        any::<u8>().prop_map(ExitStatus::Exited),
        (any::<u8>(), any::<bool>()).prop_map(|(signal, core_dumped)| ExitStatus::Signalled { signal, core_dumped }),
    ]
}

fn plain_actor() -> impl Strategy<Value = Actor<'static>> {
    const ARGV: &[&str] = &["runc", "kill"];
    (any::<[u32; 4]>(), option::of(any::<u64>().prop_map(CgroupId)), any::<[bool; 2]>()).prop_map(
        |([pid, tid, ppid, uid], cgroup, [has_argv, argv_truncated])| {
            let argv: &[&str] = if has_argv { ARGV } else { &[] };
            Actor { pid, tid, ppid, uid, comm: "runc", parent_comm: "shim", cgroup, argv, argv_truncated }
        },
    )
}

fn fatal_signal() -> impl Strategy<Value = Body<'static>> {
    (
        (any::<u32>(), target(), any::<u32>(), any::<i32>(), option::of(select(SignalOrigin::ALL))),
        (any::<bool>(), option::of(select(SignalResult::ALL)), plain_actor(), option::of(any::<u32>())),
        (vec(ancestor(), 0..4), option::of(any::<u64>().prop_map(CgroupId))),
    )
        .prop_map(|((cpu, target, signal, code, origin), second, (sender_ancestors, sender_v1))| {
            // A signal without an origin has the one that its code tells.
            let origin = origin.or_else(|| SignalOrigin::of_code(code));
            let (to_group, result, sender, sender_loginuid) = second;
            Body::Signal(FatalSignal {
                cpu,
                target,
                signal,
                code,
                origin,
                to_group,
                result,
                sender,
                sender_v1,
                sender_loginuid,
                sender_ancestors,
            })
        })
}

fn ancestor() -> impl Strategy<Value = Ancestor<'static>> {
    (any::<[u32; 2]>(), any::<u64>(), select(vec!["", "bash", "containerd-shim"]))
        .prop_map(|([pid, uid], started, comm)| Ancestor { pid, uid, started: BootNs(started), comm })
}

fn oom_kill() -> impl Strategy<Value = Body<'static>> {
    let limit =
        prop_oneof![Just(OomLimit::Host), (key(), any::<u32>()).prop_map(|(key, level)| OomLimit::Cgroup(key, level)),];
    (any::<u32>(), target(), option::of(any::<u64>()), option::of(limit), plain_actor()).prop_map(
        |(cpu, target, memory_bytes, limit, invoker)| Body::Oom(OomKill { cpu, target, memory_bytes, limit, invoker }),
    )
}

fn pairs() -> impl Strategy<Value = Vec<(String, String)>> {
    vec((text(), text()), 0..4)
}

fn directory() -> impl Strategy<Value = OwnedBody> {
    (
        (select(SnapshotReason::ALL), key(), option::of(any::<u64>().prop_map(CgroupId)), text()),
        (option::of(any::<bool>()), option::of(any::<u32>()), vec(any::<u32>(), 0..4)),
        (select(Outcome::ALL), option::of(wall()), pairs()),
    )
        .prop_map(|((reason, key, parent, path), (populated, parent_uid, pids), (outcome, ctime, files))| {
            let path = Cow::Owned(path);
            OwnedBody::Directory(
                Box::new(Directory { reason, key, parent, parent_uid, path, populated, pids }),
                DirectoryDetails { outcome, ctime, files },
            )
        })
}

fn select_source(is_one: fn(Source) -> bool) -> impl Strategy<Value = Source> {
    select(Source::ALL.iter().copied().filter(|source| is_one(*source)).collect::<Vec<_>>())
}

fn runtime() -> impl Strategy<Value = OwnedBody> {
    let paths = vec((any::<u32>().prop_map(HierarchyId), text().prop_map(Cow::Owned)), 0..3);
    (
        (select_source(Source::is_runtime), select(Outcome::ALL), cow(), cow(), cow(), cow(), cow(), cow()),
        (cow(), cow(), cow(), cow(), option::of(any::<bool>()), option::of(any::<u32>()), option::of(wall()), cow()),
        (
            cow(),
            cow(),
            option::of(wall()),
            option::of(wall()),
            option::of(any::<u32>()),
            option::of(any::<i32>()),
            cow(),
        ),
        (
            (paths, text(), any::<u64>(), vec((text(), text()), 0..3), option::of(text()), option::of(any::<bool>())),
            (option::of(any::<bool>()), option::of(any::<u32>()), option::of(any::<u32>()), option::of(wall())),
        ),
    )
        .prop_map(|(first, second, third, (fourth, (running, stop_signal, signal, as_of)))| {
            let (cgroup_paths, request, latency_ns, labels, document, oom_killed) = fourth;
            let (namespace, event, started_at, finished_at, restart_count, exit_code, answered_id) = third;
            let labels = labels.into_iter().map(|(name, text)| (Cow::Owned(name), Cow::Owned(text))).collect();
            let (source, outcome, bundle, container_id, runtime, container_name, image_name, image_id) = first;
            let (image_digest, pod_name, pod_namespace, pod_uid, sandbox, init_pid, created_at, cgroup_path) = second;
            OwnedBody::Runtime(
                Box::new(RuntimeAnswer {
                    source,
                    outcome,
                    bundle,
                    container_id,
                    answered_id,
                    runtime,
                    container_name,
                    image_name,
                    image_id,
                    image_digest,
                    pod_name,
                    pod_namespace,
                    pod_uid,
                    sandbox,
                    init_pid,
                    created_at,
                    namespace,
                    event,
                    started_at,
                    finished_at,
                    restart_count,
                    exit_code,
                    oom_killed,
                    running,
                    stop_signal,
                    signal,
                    as_of,
                    labels,
                    cgroup_path,
                    cgroup_paths,
                }),
                RuntimeDetails { request, latency_ns, document },
            )
        })
}

/// Any record.
pub fn record() -> impl Strategy<Value = Owned> {
    let body = prop_oneof![4 => event().boxed(), 2 => mark().boxed(), 2 => directory().boxed(), 2 => runtime().boxed()];
    (wall(), any::<u64>(), body).prop_map(|(ts, boot_ns, kind)| Owned { ts, boot_ns: BootNs(boot_ns), kind })
}

fn identity() -> impl Strategy<Value = Identity> {
    let some = || option::of(text());
    (
        (option::of(select(Engine::ALL)), text(), option::of(select(OciRuntime::ALL)), some(), some(), some(), some()),
        (
            some(),
            some(),
            some(),
            option::of(any::<bool>()),
            some(),
            select_source(Source::is_claimant),
            vec(text(), 0..3),
        ),
        (some(), pairs(), option::of(any::<u32>()), option::of(wall()), option::of(any::<u32>())),
    )
        .prop_map(|(first, second, (containerd_namespace, labels, init_pid, started_at, restart_count))| {
            let (runtime, container_id, oci_runtime, container_name, image_name, image_id, image_digest) = first;
            let (pod_name, pod_namespace, pod_uid, sandbox, parent_container_id, identified_by, conflicts) = second;
            Identity {
                runtime,
                container_id,
                oci_runtime,
                container_name,
                image_name,
                image_id,
                image_digest,
                pod_name,
                pod_namespace,
                pod_uid,
                sandbox,
                containerd_namespace,
                labels,
                init_pid,
                started_at,
                restart_count,
                parent_container_id,
                identified_by,
                conflicts,
            }
        })
}

fn place() -> impl Strategy<Value = Place> {
    (key(), text(), any::<bool>()).prop_map(|(key, path, is_path_cut)| Place { key, path, is_path_cut })
}

fn actor() -> impl Strategy<Value = Option<ActorCopy>> {
    option::of((any::<u32>(), any::<u32>(), text(), text(), vec(text(), 0..4), any::<bool>()).prop_map(
        |(pid, uid, comm, parent_comm, argv, is_argv_cut)| ActorCopy { pid, uid, comm, parent_comm, argv, is_argv_cut },
    ))
}

fn seqs() -> impl Strategy<Value = Vec<Seq>> {
    vec(any::<u64>().prop_map(Seq), 0..4)
}

fn step() -> impl Strategy<Value = Step> {
    (wall(), text()).prop_map(|(at, what)| Step { at, what })
}

fn said() -> impl Strategy<Value = ReportedValue> {
    let by = prop_oneof![
        Just(ReportSource::KERNEL),
        select_source(Source::is_runtime).prop_map(ReportSource::answer),
        select_source(Source::is_runtime).prop_map(ReportSource::event),
    ];
    (by, option::of(text()), option::of(wall())).prop_map(|(by, value, at)| ReportedValue { by, value, at })
}

fn death() -> impl Strategy<Value = Death> {
    let flag = || option::of(any::<bool>());
    (
        (select(Cause::ALL), option::of(any::<u8>()), option::of(any::<u8>()), flag(), option::of(wall())),
        (option::of(text()), flag(), option::of(select(LimitScope::ALL)), option::of(text())),
        (option::of(select(KnownBy::ALL)), option::of(select(SignalOrigin::ALL)), option::of(any::<i32>())),
        (option::of(said().prop_map(|said| said.by)), option::of(any::<u32>())),
        (actor(), option::of(any::<u32>()), option::of(text()), vec(step(), 0..3), vec(text(), 0..3), seqs()),
    )
        .prop_map(|((cause, exit_code, exit_signal, core_dumped, exited_at), second, known, reported, third)| {
            let (cause_known_by, signal_origin, reported_exit_code) = known;
            let (reported_by, signals_total) = reported;
            let (init_comm, oom_killed, oom_limit_scope, oom_limit_cgroup_path) = second;
            let (task, loginuid, container_id, requested_by, signals, cause_evidence_seqs) = third;
            Death {
                cause,
                cause_known_by,
                exit_code,
                exit_signal,
                signal_origin,
                reported_exit_code,
                reported_by,
                core_dumped,
                exited_at,
                init_comm,
                oom_killed,
                oom_limit_scope,
                oom_limit_cgroup_path,
                killed_by: task.map(|task| Killer { task, loginuid, container_id }),
                requested_by,
                signals,
                signals_total,
                cause_evidence_seqs,
            }
        })
}

/// Any row, with that place.
pub fn row(seq: u64) -> impl Strategy<Value = Row> {
    let seq = Seq(seq);
    let common = || (wall(), any::<u64>().prop_map(BootNs), identity().boxed(), place(), seqs()).boxed();
    let some_seq = || option::of(any::<u64>().prop_map(Seq));
    let remove = (
        common(),
        (some_seq(), option::of(wall()), option::of(any::<u64>()), option::of(wall()), actor(), usage()),
        (any::<bool>(), option::of(any::<bool>()), any::<bool>(), some_seq(), death()),
    )
        .prop_map(move |((ts, boot_ns, identity, place, evidence_seqs), second, third)| {
            let (created_seq, created_at, lifetime_ns, emptied_at, removed_by, usage) = second;
            let (inferred, never_started, after_gap, rmdir_seq, death) = third;
            Row::Remove(ContainerRemove {
                seq,
                ts,
                boot_ns,
                identity,
                place,
                created_seq,
                created_at,
                lifetime_ns,
                emptied_at,
                death,
                removed_by,
                usage,
                inferred,
                never_started,
                after_gap,
                rmdir_seq,
                evidence_seqs,
            })
        });
    let exit = (
        common(),
        (some_seq(), option::of(wall()), option::of(any::<u64>()), option::of(wall()), usage()),
        (any::<(bool, bool)>(), option::of(any::<bool>()), any::<bool>(), death()),
    )
        .prop_map(move |((ts, boot_ns, identity, place, evidence_seqs), second, third)| {
            let (created_seq, created_at, lifetime_ns, emptied_at, usage) = second;
            let ((inferred, has_place), never_started, after_gap, death) = third;
            Row::Exit(ContainerExit {
                seq,
                ts,
                boot_ns,
                identity,
                place: has_place.then_some(place),
                created_seq,
                created_at,
                lifetime_ns,
                emptied_at,
                death,
                usage,
                inferred,
                never_started,
                after_gap,
                evidence_seqs,
            })
        });
    let create = (common(), any::<u64>(), actor(), any::<[bool; 2]>()).prop_map(
        move |((ts, boot_ns, identity, place, evidence_seqs), created_seq, created_by, [inferred, after_gap])| {
            Row::Create(ContainerCreate {
                seq,
                ts,
                boot_ns,
                identity,
                place,
                created_seq: Seq(created_seq),
                created_by,
                inferred,
                after_gap,
                evidence_seqs,
            })
        },
    );
    let existing = (common(), any::<u64>(), option::of(wall())).prop_map(
        move |((ts, boot_ns, identity, place, evidence_seqs), first_seen_seq, created_at)| {
            Row::Existing(ExistingContainer {
                seq,
                ts,
                boot_ns,
                identity,
                place,
                first_seen_seq: Seq(first_seen_seq),
                created_at,
                evidence_seqs,
            })
        },
    );
    let disagreement = (common(), select(DisagreementKind::ALL), said(), said(), option::of(any::<i64>())).prop_map(
        move |((ts, boot_ns, identity, place, evidence_seqs), aspect, said, other, difference_ns)| {
            Row::Disagreement(Disagreement {
                seq,
                ts,
                boot_ns,
                identity,
                place,
                aspect,
                said,
                other,
                difference_ns,
                evidence_seqs,
            })
        },
    );
    prop_oneof![exit.boxed(), remove.boxed(), create.boxed(), existing.boxed(), disagreement.boxed()]
}
