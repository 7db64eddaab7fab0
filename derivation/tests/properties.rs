//! What holds for any log, however it came about: lost events, hostile names, walks that contradict the events.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use obit_derivation::record::*;
use obit_derivation::tracee::{TraceeFold, WatchedHierarchies};
use obit_derivation::{Derive, Fold, Row};
use proptest::prelude::*;

/// A record before it is stamped. Few ids, hierarchies and names, so that they meet often.
#[derive(Clone, Debug)]
enum Step {
    Cgroup { kind: usize, hierarchy: u32, id: u64, parent: Option<u64>, path: usize, truncated: bool, argv: usize },
    Lost,
    Begin(usize),
    Failed(u32),
    End(usize),
    Directory { reason: usize, hierarchy: u32, id: u64, parent: Option<u64>, path: usize, populated: Option<bool> },
    Answer { source: usize, outcome: usize, id: usize, bundle: usize, places: Vec<(u32, usize)> },
    Task { what: usize, pid: u32, v2: u64, v1: Option<u64>, status: u32, argv: usize },
    Other(usize),
    Segment,
    Carried(Box<Step>),
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
const IDS: [&str; 5] = [A, B, "web-1", "", "../x"];
const BUNDLES: [&str; 4] = ["/run/containerd/io.containerd.runtime.v2.task/shop/web-1", "/srv/b", ".", ""];

fn paths() -> Vec<String> {
    vec![
        "/".into(),
        "/docker".into(),
        format!("/docker/{A}"),
        format!("/docker/{A}/init.scope"),
        format!("/docker/{A}/docker/{B}"),
        format!("/system.slice/docker-{B}.scope"),
        format!("/system.slice/libpod-conmon-{B}.scope"),
        "/shop".into(),
        "/shop/web-1".into(),
        "/jobs/nightly".into(),
        "//x//".into(),
        "not absolute".into(),
        String::new(),
    ]
}

fn argvs() -> Vec<Vec<&'static str>> {
    vec![
        vec![],
        vec!["mkdir"],
        vec!["runc", "--root", "/run/docker/runtime-runc/moby", "create", "--bundle", "/b/a", A],
        vec!["runc", "--root", "/run/docker/runtime-runc/moby", "delete", A],
        vec!["runc", "--root", "/run/containerd/runc/shop", "create", "--bundle", BUNDLES[0], "web-1"],
        vec!["runc", "--root", "/run/containerd/runc/shop", "delete", "web-1"],
        vec!["runc", "run", "--bundle", ".", "web-1"],
        vec!["crun", "delete", "--force", B],
        vec!["runc", "create"],
        vec!["runc", "--root"],
    ]
}

/// Iterates over the sources of records in raw/runtime.
fn runtimes() -> impl Iterator<Item = Source> {
    Source::ALL.iter().copied().filter(|source| source.is_runtime())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        14 => plain_step(),
        1 => Just(Step::Segment),
        2 => plain_step().prop_map(|step| Step::Carried(Box::new(step))),
    ]
}

fn plain_step() -> impl Strategy<Value = Step> {
    let place = || (0..3_u32, 1..7_u64, proptest::option::of(1..7_u64), 0..13_usize);
    prop_oneof![
        12 => (0..CgroupEventKind::ALL.len(), place(), proptest::bool::weighted(0.05), 0..10_usize).prop_map(
            |(kind, (hierarchy, id, parent, path), truncated, argv)| {
                Step::Cgroup { kind, hierarchy, id, parent, path, truncated, argv }
            }
        ),
        1 => Just(Step::Lost),
        1 => (0..4_usize).prop_map(Step::Begin),
        1 => (0..3_u32).prop_map(Step::Failed),
        2 => (0..4_usize).prop_map(Step::End),
        3 => (0..4_usize, place(), any::<Option<bool>>()).prop_map(
            |(reason, (hierarchy, id, parent, path), populated)| {
                Step::Directory { reason, hierarchy, id, parent, path, populated }
            }
        ),
        2 => (0..6_usize, 0..7_usize, 0..5_usize, 0..4_usize, proptest::collection::vec((0..3_u32, 0..13_usize), 0..3))
            .prop_map(|(source, outcome, id, bundle, places)| Step::Answer { source, outcome, id, bundle, places }),
        6 => (0..5_usize, 1..4_u32, 1..7_u64, proptest::option::of(1..7_u64), 0..512_u32, 0..10_usize)
            .prop_map(|(what, pid, v2, v1, status, argv)| Step::Task { what, pid, v2, v1, status, argv }),
        1 => (0..4_usize).prop_map(Step::Other),
    ]
}

/// Stamps a step and hands the record out. Times go back now and then.
fn with_record<T>(seq: usize, step: &Step, use_it: impl FnOnce(&Record<'_>) -> T) -> T {
    with_record_at(seq, WallNs(seq as i64), step, use_it)
}

/// The same with a wall clock that shows anything.
fn with_record_at<T>(seq: usize, ts: WallNs, step: &Step, use_it: impl FnOnce(&Record<'_>) -> T) -> T {
    let (paths, argvs) = (paths(), argvs());
    let key = |hierarchy: u32, id: u64| CgroupKey { hierarchy: HierarchyId(hierarchy), cgroup: CgroupId(id) };
    let body = match step {
        Step::Segment => Body::SegmentBegin,
        Step::Carried(step) => {
            let mut use_it = Some(use_it);
            let mut carry = |record: &Record<'_>| {
                let body = Body::Carried(Box::new(Carried { from: Seq(0), body: record.body.clone() }));
                use_it.take().expect("one record for one step")(&Record { body, ..*record })
            };
            let carry: &mut dyn FnMut(&Record<'_>) -> T = &mut carry;
            return with_record_at(seq, ts, step, carry);
        }
        Step::Cgroup { kind, hierarchy, id, parent, path, truncated, argv } => Body::Cgroup(CgroupEvent {
            kind: CgroupEventKind::ALL[*kind],
            cpu: 0,
            key: key(*hierarchy, *id),
            parent: parent.map(CgroupId),
            level: 1,
            path: &paths[*path],
            path_truncated: *truncated,
            actor: Actor { pid: 1, comm: "x", argv: &argvs[*argv], ..Actor::default() },
            usage: Usage { memory_peak_bytes: Some(*id), ..Usage::default() },
        }),
        Step::Lost => Body::Lost(Loss {
            count: 1,
            kind: [None, Some(KernelEventKind::Exit), Some(KernelEventKind::Exec)][seq % 3],
            cpu: None,
            since: Seq(seq as u64),
        }),
        Step::Begin(reason) => Body::SnapshotBegin(SnapshotReason::ALL[*reason]),
        Step::Failed(hierarchy) => Body::SnapshotFailed(UnreadPart {
            hierarchy: HierarchyId(*hierarchy),
            below: (!seq.is_multiple_of(3)).then(|| paths[seq % paths.len()].as_str().into()),
        }),
        Step::End(reason) => Body::SnapshotEnd(SnapshotReason::ALL[*reason]),
        Step::Directory { reason, hierarchy, id, parent, path, populated } => Body::Directory(Directory {
            reason: SnapshotReason::ALL[*reason],
            key: key(*hierarchy, *id),
            parent: parent.map(CgroupId),
            parent_uid: None,
            path: Cow::Borrowed(&paths[*path]),
            populated: *populated,
            pids: vec![],
        }),
        Step::Answer { source, outcome, id, bundle, places } => {
            let mut answer =
                RuntimeAnswer::unanswered(runtimes().nth(*source).expect("a source"), Outcome::ALL[*outcome]);
            answer.container_id = Some(IDS[*id].into());
            answer.bundle = Some(BUNDLES[*bundle].into());
            answer.running = [None, Some(true), Some(false)][seq % 3];
            answer.exit_code = [None, Some(0), Some(137), None][seq % 4];
            answer.oom_killed = [None, Some(seq.is_multiple_of(2))][seq % 5 % 2];
            answer.finished_at = (*id == 1).then_some(ts);
            let words =
                ["create", "rename", "start", "destroy", "/containers/create", "/tasks/start", "/containers/delete"];
            answer.event = words.get(seq % 13).map(|word| Cow::Borrowed(*word));
            answer.container_name = [None, Some("a".into()), Some("b".into())][seq % 7 % 3].clone();
            answer.image_name =
                (seq % 4 == 1).then(|| ["busybox", "docker.io/library/busybox:latest", "b:1"][seq % 3].into());
            let around = |offset: usize| Some(WallNs(ts.0.saturating_add(offset as i64 - 5)));
            answer.as_of = around(seq % 11).filter(|_| seq.is_multiple_of(2));
            answer.started_at = around(seq % 10).filter(|_| seq.is_multiple_of(3));
            answer.created_at = around(seq % 9).filter(|_| seq.is_multiple_of(4));
            answer.init_pid = seq.is_multiple_of(5).then_some(seq as u32 % 4);
            answer.namespace = seq.is_multiple_of(6).then_some("shop".into());
            answer.cgroup_paths = places
                .iter()
                .map(|(hierarchy, path)| (HierarchyId(*hierarchy), Cow::Borrowed(paths[*path].as_str())))
                .collect();
            Body::Runtime(answer)
        }
        Step::Task { what, pid, v2, v1, status, argv } => {
            let target = Target {
                pid: *pid,
                ppid: status % 4,
                started: BootNs(u64::from(*pid)),
                comm: "sh",
                is_reaper: status.is_multiple_of(3),
                cgroup: CgroupId(*v2),
                v1: v1.map(|id| key(1, id)),
                // Older recorders did not look.
                parent_cgroup: (*argv > 2).then_some(CgroupId(u64::from(*pid))),
                parent_v1: v1.filter(|_| *argv > 2).map(|id| CgroupId(id / 2)),
                ..Target::default()
            };
            let actor =
                Actor { pid: 2, comm: "runc", argv: &argvs[*argv], cgroup: v1.map(CgroupId), ..Actor::default() };
            match what {
                0 => {
                    let (status, oom_victim) = (ExitStatus::from_wait(*status), *v2 == 1);
                    let rebooted = Some(*v2 == 2);
                    Body::Exit(TaskExit { cpu: 0, target, status, oom_victim, rebooted, parent_comm: "" })
                }
                1 => Body::Signal(FatalSignal {
                    cpu: 0,
                    target,
                    signal: *status % 65,
                    code: 0,
                    origin: SignalOrigin::ALL.get(*argv).copied(),
                    to_group: *v2 == 1,
                    result: SignalResult::ALL.get(*argv).copied(),
                    sender: actor,
                    sender_v1: v1.map(CgroupId),
                    sender_loginuid: None,
                    sender_ancestors: Vec::new(),
                }),
                2 => Body::Exec(ProcessExec { cpu: 0, target, parent_comm: "" }),
                3 => {
                    let (key, level) = (v1.map_or(key(0, *v2), |id| key(1, id)), 1);
                    let path = &paths[*status as usize % paths.len()];
                    Body::Attach(ProcessAttach {
                        cpu: 0,
                        target,
                        key,
                        level,
                        path,
                        path_truncated: false,
                        mover: actor,
                    })
                }
                _ => {
                    let limit = OomLimit::Cgroup(key(1, *v2), *status);
                    Body::Oom(OomKill { cpu: 0, target, memory_bytes: None, limit: Some(limit), invoker: actor })
                }
            }
        }
        Step::Other(which) => {
            let clock = Body::Clock(ClockReading::default());
            [clock, Body::CaptureStart, Body::CaptureStop, Body::Unknown][*which].clone()
        }
    };
    let boot_ns = 1_000_000_u64.wrapping_sub((seq as u64 * 7) % 13) + seq as u64;
    use_it(&Record { seq: Seq(seq as u64), ts, boot_ns: BootNs(boot_ns), body })
}

fn derive(steps: &[Step]) -> Vec<Row> {
    derive_with(steps, 0)
}

fn derive_with(steps: &[Step], grace_ns: u64) -> Vec<Row> {
    let (mut fold, mut rows) = (Fold::with_grace(grace_ns), Vec::new());
    for (seq, step) in steps.iter().enumerate() {
        with_record(seq, step, |record| fold.apply(record, &mut rows));
    }
    fold.finish(&mut rows);
    rows
}

/// Takes out the init that a source states.
fn without_stated_init<'a>(record: &Record<'a>) -> Record<'a> {
    fn initless(body: &mut Body<'_>) {
        match body {
            Body::Runtime(answer) => answer.init_pid = None,
            Body::Carried(carried) => initless(&mut carried.body),
            _ => {}
        }
    }
    let mut record = record.clone();
    initless(&mut record.body);
    record
}

/// Takes out the times that a source says, and its events: which life they are of, the wall clock tells.
fn without_said_times<'a>(record: &Record<'a>) -> Record<'a> {
    fn timeless(body: &mut Body<'_>) {
        match body {
            Body::Runtime(answer) => {
                (answer.as_of, answer.started_at, answer.created_at, answer.event) = (None, None, None, None);
                answer.init_pid = None; // it is of the life that its time is of
            }
            Body::Carried(carried) => timeless(&mut carried.body),
            _ => {}
        }
    }
    let mut record = record.clone();
    timeless(&mut record.body);
    record
}

/// Takes out what a row copies from the wall clock.
fn blank_wall_clock(row: &mut Row) {
    match row {
        Row::Create(row) => row.ts = WallNs(0),
        Row::Existing(row) => (row.ts, row.created_at) = (WallNs(0), None),
        Row::Exit(row) => {
            row.ts = WallNs(0);
            (row.created_at, row.emptied_at, row.death.exited_at) = (None, None, None);
            row.death.requested_by.clear();
            (row.death.reported_exit_code, row.death.reported_by) = (None, None);
        }
        Row::Remove(row) => {
            row.ts = WallNs(0);
            (row.created_at, row.emptied_at, row.death.exited_at) = (None, None, None);
            row.death.requested_by.clear();
            (row.death.reported_exit_code, row.death.reported_by) = (None, None);
        }
        Row::Disagreement(_) => {}
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

    /// Twice the same log gives twice the same rows, and rows carry the seq of the record that decided them.
    #[test]
    fn derivation_is_a_function_of_the_log(steps in proptest::collection::vec(step(), 0..80)) {
        let rows = derive(&steps);
        prop_assert_eq!(&rows, &derive(&steps));
        let seqs: Vec<_> = rows.iter().map(Row::seq).collect();
        prop_assert!(seqs.is_sorted());
    }

    /// A row of an end that is not inferred comes from the removal of that very directory, or of the last one the
    /// container had; an inferred one comes from the end of a walk, or from another directory's getting its number.
    #[test]
    fn only_a_removed_root_ends_a_container(steps in proptest::collection::vec(step(), 0..80)) {
        for row in derive(&steps) {
            let Row::Remove(row) = row else { continue };
            let decided = &steps[row.seq.0 as usize];
            prop_assert!(!row.identity.container_id.is_empty());
            if row.inferred {
                let is_mkdir = matches!(decided, Step::Cgroup { kind, .. } if CgroupEventKind::ALL[*kind] == CgroupEventKind::Mkdir);
                prop_assert!(is_mkdir || matches!(decided, Step::End(_)), "{:?}", decided);
                prop_assert!(row.removed_by.is_none() && row.rmdir_seq.is_none());
            } else {
                let is_rmdir = matches!(decided, Step::Cgroup { kind, .. } if CgroupEventKind::ALL[*kind] == CgroupEventKind::Rmdir);
                prop_assert!(is_rmdir, "{:?}", decided);
                prop_assert_eq!(row.rmdir_seq, Some(row.seq));
            }
        }
    }

    /// One directory, made once, ends at most once; and what has an end that began in view has a beginning first.
    #[test]
    fn a_life_begins_once_and_ends_once(steps in proptest::collection::vec(step(), 0..80)) {
        let mut begun: BTreeMap<Seq, usize> = BTreeMap::new();
        let mut ended: BTreeSet<(Seq, String)> = BTreeSet::new();
        let mut exited: BTreeSet<(Seq, String)> = BTreeSet::new();
        for row in derive(&steps) {
            match row {
                Row::Create(row) => {
                    *begun.entry(row.created_seq).or_default() += 1;
                    prop_assert_eq!(begun[&row.created_seq], 1);
                }
                Row::Exit(row) => {
                    if let Some(created) = row.created_seq {
                        prop_assert!(begun.contains_key(&created), "exited without a beginning: {:?}", row);
                        let is_first = exited.insert((created, row.identity.container_id.clone()));
                        prop_assert!(is_first, "exited twice: {:?}", row);
                        prop_assert!(created <= row.seq);
                    }
                }
                Row::Remove(row) => {
                    if let Some(created) = row.created_seq {
                        prop_assert!(begun.contains_key(&created), "ended without a beginning: {:?}", row);
                        prop_assert!(ended.insert((created, row.identity.container_id.clone())), "ended twice: {:?}", row);
                        prop_assert!(created < row.seq);
                    }
                }
                // One that was carried into this segment.
                Row::Existing(row) => _ = begun.entry(row.first_seen_seq).or_default(),
                Row::Disagreement(_) => {}
            }
        }
    }

    /// An init is named only if its exit was seen, who ended a container sent a signal that has an author, and how its
    /// init ended is the word of that exit.
    #[test]
    fn a_verdict_names_what_its_evidence_shows(steps in proptest::collection::vec(step(), 0..80)) {
        for row in derive(&steps) {
            let (death, init_pid) = match &row {
                Row::Exit(row) => (&row.death, row.identity.init_pid),
                Row::Remove(row) => (&row.death, row.identity.init_pid),
                _ => continue,
            };
            let plain = |step: &Step| match step { Step::Carried(step) => (**step).clone(), step => step.clone() };
            let tasks: Vec<(usize, u32, usize)> = death.cause_evidence_seqs.iter().filter_map(|seq| {
                match plain(&steps[seq.0 as usize]) {
                    Step::Task { what, pid, argv, .. } => Some((what, pid, argv)),
                    _ => None,
                }
            }).collect();
            if let Some(init_pid) = init_pid {
                prop_assert!(tasks.iter().any(|(what, pid, _)| (*what, *pid) == (0, init_pid)), "no exit of {:?}: {:?}", init_pid, death);
            }
            if death.exited_at.is_none() {
                prop_assert!(death.exit_code.is_none() && death.exit_signal.is_none() && death.killed_by.is_none());
            }
            if let Some(killer) = &death.killed_by {
                let has_author = |argv: usize| {
                    SignalOrigin::ALL.get(argv).is_none_or(|origin| origin.has_author() || *origin == SignalOrigin::OnBehalf)
                };
                let is_sent = tasks.iter().any(|(what, pid, argv)| *what == 1 && *pid != killer.task.pid && has_author(*argv));
                prop_assert!(is_sent, "nobody sent it: {:?}", death);
            }
        }
    }

    /// What a segment comes to follows from its own records, whatever came before.
    #[test]
    fn a_segment_stands_by_itself(steps in proptest::collection::vec(step(), 0..80), grace_ns in 0..60_u64) {
        let whole = derive_with(&steps, grace_ns);
        for (begin, _) in steps.iter().enumerate().filter(|(_, step)| matches!(step, Step::Segment)) {
            let (mut fold, mut rows) = (Fold::with_grace(grace_ns), Vec::new());
            for (seq, step) in steps.iter().enumerate().skip(begin) {
                with_record(seq, step, |record| fold.apply(record, &mut rows));
            }
            fold.finish(&mut rows);
            let of_whole: Vec<_> = whole.iter().filter(|row| row.seq().0 >= begin as u64).cloned().collect();
            prop_assert_eq!(rows, of_whole);
        }
    }

    /// What was carried makes no rows by itself.
    #[test]
    fn what_is_carried_ends_and_begins_nothing(steps in proptest::collection::vec(plain_step(), 0..80)) {
        let carried: Vec<_> = steps.into_iter().map(|step| Step::Carried(Box::new(step))).collect();
        prop_assert_eq!(derive(&carried), []);
    }

    /// Tracee's rules are as pure and total as ours: rows come with the record that decides them, ends only with removals of
    /// the hierarchies that it watches.
    #[test]
    fn tracees_rules_are_a_function_of_the_log(
        steps in proptest::collection::vec(step(), 0..80),
        hierarchy in proptest::option::of(0..3_u32),
    ) {
        let watched = hierarchy.map_or(WatchedHierarchies::Every, |id| WatchedHierarchies::Only(HierarchyId(id)));
        let derive = || {
            let (mut fold, mut rows) = (TraceeFold::new(watched), Vec::new());
            for (seq, step) in steps.iter().enumerate() {
                with_record(seq, step, |record| fold.apply(record, &mut rows));
            }
            fold.finish(&mut rows);
            rows
        };
        let rows = derive();
        prop_assert_eq!(&rows, &derive());
        for row in rows {
            let Row::Remove(row) = row else { continue };
            let decided = &steps[row.seq.0 as usize];
            let is_rmdir = matches!(decided, Step::Cgroup { kind, .. } if CgroupEventKind::ALL[*kind] == CgroupEventKind::Rmdir);
            prop_assert!(is_rmdir && !row.identity.container_id.is_empty(), "{:?}", decided);
            prop_assert!(hierarchy.is_none_or(|id| row.place.key.hierarchy == HierarchyId(id)));
            prop_assert!(row.evidence_seqs.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }

    /// The wall clock decides nothing: whatever it shows, however it is set back and forth, rows differ in what is copied from
    /// it and in nothing else.
    #[test]
    fn rows_do_not_depend_on_the_wall_clock(
        steps in proptest::collection::vec((step(), any::<i64>()), 0..80),
        grace_ns in 0..60_u64,
    ) {
        let derive = |wall: fn(usize, i64) -> i64| -> Vec<Row> {
            let (mut fold, mut rows) = (Fold::with_grace(grace_ns), Vec::new());
            for (seq, (step, any)) in steps.iter().enumerate() {
                with_record_at(seq, WallNs(wall(seq, *any)), step, |record| fold.apply(&without_said_times(record), &mut rows));
            }
            fold.finish(&mut rows);
            // What other sources say is told by their wall clock: which life it is of, and when that ended.
            rows.retain(|row| !matches!(row, Row::Disagreement(_)));
            rows.iter_mut().for_each(blank_wall_clock);
            rows
        };
        prop_assert_eq!(derive(|_, any| any), derive(|seq, _| seq as i64));
    }

    /// Grace changes what is known of an end, never which ends there are or their order.
    ///
    /// But for the init that a source states: of two containers with one id, of which one has just been removed, the
    /// source may mean that one only while its row waits.
    #[test]
    fn grace_neither_makes_nor_unmakes_an_end(steps in proptest::collection::vec(step(), 0..80), grace_ns in 0..60_u64) {
        let derive = |grace_ns: u64| {
            let (mut fold, mut rows) = (Fold::with_grace(grace_ns), Vec::new());
            for (seq, step) in steps.iter().enumerate() {
                with_record(seq, step, |record| fold.apply(&without_stated_init(record), &mut rows));
            }
            fold.finish(&mut rows);
            rows
        };
        let ends = |rows: Vec<Row>| -> Vec<_> {
            rows.into_iter().filter_map(|row| match row {
                // The directory that stands for it may be made yet.
                Row::Exit(row) => Some((row.seq, None, row.created_seq, false, None)),
                Row::Remove(row) => Some((row.seq, Some(row.place), row.created_seq, row.inferred, row.rmdir_seq)),
                _ => None,
            }).collect()
        };
        prop_assert_eq!(ends(derive(grace_ns)), ends(derive(0)));
    }

    /// A recorder may leave out what the derivation ignores: the rows are the same, and name none of it.
    #[test]
    fn what_is_ignored_decides_nothing(steps in proptest::collection::vec(step(), 0..80)) {
        // The end of a segment, as that of the log, is told by the time of the last record before it.
        let last = Step::Other(0);
        let with_last = |step: Step| [matches!(step, Step::Segment).then(|| last.clone()), Some(step)];
        let steps: Vec<Step> = steps.into_iter().flat_map(with_last).flatten().collect();
        let (mut fold, mut rows, mut left_out) = (Fold::new(), Vec::new(), BTreeSet::new());
        for (seq, step) in steps.iter().chain([&last]).enumerate() {
            with_record(seq, step, |record| {
                match fold.ignores(&record.body) {
                    true => _ = left_out.insert(record.seq),
                    false => fold.apply(record, &mut rows),
                }
            });
        }
        fold.finish(&mut rows);
        let (mut whole, mut expected) = (Fold::new(), Vec::new());
        for (seq, step) in steps.iter().chain([&last]).enumerate() {
            with_record(seq, step, |record| whole.apply(record, &mut expected));
        }
        whole.finish(&mut expected);
        prop_assert_eq!(&rows, &expected);
        for row in rows {
            prop_assert!(row.evidence_seqs().iter().all(|seq| !left_out.contains(seq)), "{:?}", row);
        }
    }

    /// Evidence names records of the log, each once, in order, and none from after the decision.
    #[test]
    fn evidence_is_from_the_log(steps in proptest::collection::vec(step(), 0..80)) {
        for row in derive(&steps) {
            let (seq, evidence) = (row.seq(), row.evidence_seqs());
            prop_assert!(evidence.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(evidence.last().is_some_and(|last| *last <= seq), "{:?}", row);
        }
    }
}
