//! What a container's rows are when the recording is cut while it lives.

use std::collections::BTreeSet;

use obit_derivation::Row;
use obit_derivation::record::*;

use crate::kit::{self, A as ID, Log, docker, key, moment, wall};

const DOCKER: CgroupId = CgroupId(1);
const V2: CgroupKey = CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(100) };
const V1: CgroupKey = CgroupKey { hierarchy: HierarchyId(3), cgroup: CgroupId(200) };

/// An event, to be told and carried.
#[derive(Clone)]
struct Event {
    kind: CgroupEventKind,
    key: CgroupKey,
    parent: CgroupId,
    path: String,
    argv: &'static [&'static str],
    cpu_usage_ns: Option<u64>,
}

/// A record as it was admitted.
struct Admitted {
    seq: Seq,
    from: Seq,
    moment: BootNs,
    event: Event,
}

#[derive(Default)]
struct Story {
    log: Log,
    admitted: Vec<Admitted>,
}

impl Story {
    fn admit(&mut self, event: &Event, carried: Option<(Seq, BootNs)>) {
        let body = Body::Cgroup(CgroupEvent {
            actor: Actor { comm: "runc", argv: event.argv, ..Actor::default() },
            usage: Usage { cpu_usage_ns: event.cpu_usage_ns, ..Usage::default() },
            ..kit::event(event.kind, event.key, event.parent, &event.path)
        });
        let (from, moment, body) = match carried {
            Some((from, moment)) => (from, moment, Body::Carried(Box::new(Carried { from, body }))),
            None => (self.log.next(), moment(self.log.next()), body),
        };
        let seq = self.log.tell_at(moment, body);
        self.admitted.push(Admitted { seq, from, moment, event: event.clone() });
    }

    fn tell(&mut self, kind: CgroupEventKind, key: CgroupKey, parent: CgroupId, path: &str, cpu_usage_ns: Option<u64>) {
        self.admit(&Event { kind, key, parent, path: path.to_owned(), argv: &[], cpu_usage_ns }, None);
    }

    fn make(&mut self, key: CgroupKey, parent: CgroupId, path: &str) {
        self.tell(CgroupEventKind::Mkdir, key, parent, path, None);
    }

    fn remove(&mut self, key: CgroupKey, parent: CgroupId, path: &str, cpu_usage_ns: u64) {
        self.tell(CgroupEventKind::Rmdir, key, parent, path, Some(cpu_usage_ns));
    }

    /// Begins a segment as a capture does; its walk shows these directories.
    fn cut(&mut self, shown: &[(CgroupKey, CgroupId, &str)]) {
        let named: BTreeSet<Seq> = self.log.fold.named_records().collect();
        let kept: Vec<_> = self.admitted.drain(..).filter(|admitted| named.contains(&admitted.seq)).collect();
        self.log.tell(Body::SegmentBegin);
        for Admitted { from, moment, event, .. } in kept {
            self.admit(&event, Some((from, moment)));
        }
        self.log.tell(Body::SnapshotBegin(SnapshotReason::Start));
        for (key, parent, path) in shown {
            let directory = kit::directory(SnapshotReason::Start, *key, *parent, path);
            self.log.tell(Body::Directory(directory));
        }
        self.log.tell(Body::SnapshotEnd(SnapshotReason::Start));
    }

    fn rows(self) -> Vec<Row> {
        self.log.end()
    }
}

fn path() -> String {
    docker(ID)
}

fn below(number: u64) -> CgroupKey {
    key(0, number)
}

#[test]
fn a_container_that_lives_on_keeps_its_beginning() {
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    story.tell(CgroupEventKind::Populated, V2, DOCKER, &path(), None);
    for _ in 0..3 {
        story.cut(&[(V2, DOCKER, &path())]);
    }
    story.remove(V2, DOCKER, &path(), 1);
    let ended = story.log.next().0 - 1;
    let rows = story.rows();
    let [
        Row::Create(created),
        Row::Existing(first),
        Row::Existing(second),
        Row::Existing(third),
        Row::Exit(exited),
        Row::Remove(removed),
    ] = &rows[..]
    else {
        panic!("{rows:#?}")
    };
    for existing in [first, second, third] {
        assert_eq!((existing.created_at, existing.ts), (Some(created.ts), created.ts));
    }
    assert_eq!(removed.created_at, Some(created.ts));
    assert_eq!(removed.lifetime_ns, Some(ended), "it was made at 0");
    assert_eq!(removed.created_seq, Some(third.first_seen_seq), "the record that it was carried by");
    assert_eq!(removed.never_started, Some(false));
    assert_eq!((exited.seq, exited.created_seq, exited.inferred), (removed.seq, removed.created_seq, true));
}

/// A recording may be told to stop before the walk of its last segment has begun.
#[test]
fn one_that_a_walk_had_found_and_that_goes_before_the_next_walk_was_there_before() {
    let mut story = Story::default();
    let path = path();
    let found = kit::directory(SnapshotReason::Start, V2, DOCKER, &path);
    let from = story.log.tell(Body::Directory(Directory { populated: Some(true), ..found.clone() }));
    story.log.tell(Body::SegmentBegin);
    let body = Body::Directory(Directory { populated: Some(true), ..found });
    story.log.tell_at(moment(from), Body::Carried(Box::new(Carried { from, body })));
    story.remove(V2, DOCKER, &path, 1);
    let rows = story.rows();
    let [Row::Existing(existing), Row::Exit(exited), Row::Remove(removed)] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!((existing.created_at, exited.created_at, removed.created_at), (None, None, None));
}

#[test]
fn what_was_used_below_before_a_cut_counts() {
    let mut story = Story::default();
    let (inner, innermost, other) = (format!("{}/a", path()), format!("{}/a/b", path()), format!("{}/c", path()));
    story.make(V2, DOCKER, &path());
    story.make(below(101), V2.cgroup, &inner);
    story.make(below(102), CgroupId(101), &innermost);
    story.make(below(103), V2.cgroup, &other);
    story.remove(below(102), CgroupId(101), &innermost, 1);
    story.cut(&[(V2, DOCKER, &path()), (below(101), V2.cgroup, &inner), (below(103), V2.cgroup, &other)]);
    story.remove(below(101), V2.cgroup, &inner, 10);
    story.cut(&[(V2, DOCKER, &path()), (below(103), V2.cgroup, &other)]);
    story.remove(below(103), V2.cgroup, &other, 100);
    story.remove(V2, DOCKER, &path(), 1_000);
    let rows = story.rows();
    let Some(Row::Remove(row)) = rows.last() else { panic!("{rows:#?}") };
    assert_eq!(row.usage.cpu_usage_ns, Some(1_111));
}

#[test]
fn one_that_has_ended_does_not_end_again_by_what_is_left_of_it() {
    // The walk may still show what is left, or come too late for it.
    for shown in [&[(V1, DOCKER, path())][..], &[]] {
        let mut story = Story::default();
        story.make(V2, DOCKER, &path());
        story.make(V1, DOCKER, &path());
        story.remove(V2, DOCKER, &path(), 1);
        let shown: Vec<_> = shown.iter().map(|(key, parent, path)| (*key, *parent, path.as_str())).collect();
        story.cut(&shown);
        story.remove(V1, DOCKER, &path(), 1);
        let rows = story.rows();
        assert!(matches!(&rows[..], [Row::Create(_), Row::Remove(_)]), "{shown:?}: {rows:#?}");
    }
}

#[test]
fn a_candidate_is_created_when_it_turns_out_to_be_a_root() {
    let mut story = Story::default();
    let made = Event {
        kind: CgroupEventKind::Mkdir,
        key: V2,
        parent: DOCKER,
        path: "/jobs/nightly".to_owned(),
        argv: &["runc", "run", "--bundle", "/srv/b", "web-1"],
        cpu_usage_ns: None,
    };
    story.admit(&made, None);
    story.cut(&[(V2, DOCKER, "/jobs/nightly")]);
    story.tell(CgroupEventKind::Populated, V2, DOCKER, "/jobs/nightly", None);
    let rows = story.rows();
    let [Row::Create(row)] = &rows[..] else { panic!("{rows:#?}") };
    assert_eq!((row.identity.container_id.as_str(), row.ts), ("web-1", wall(moment(Seq(0)))));
}

#[test]
fn one_that_went_while_nobody_looked_is_found_missing() {
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    story.cut(&[(V2, DOCKER, &path())]);
    // Of another container alone, so that the walk shows that hierarchy.
    story.cut(&[(below(7), DOCKER, "/docker")]);
    let rows = story.rows();
    let Some(Row::Remove(row)) = rows.last() else { panic!("{rows:#?}") };
    assert!(row.inferred && row.lifetime_ns.is_some(), "{row:#?}");
}

/// Only a damaged or forged log has such a record after others of its segment.
#[test]
fn one_whose_removal_is_carried_has_no_exit_in_this_segment_either() {
    let mut story = Story::default();
    let argv = &["runc", "--root", "/run/docker/runtime-runc/moby", "create", "--bundle", "/b/a", ID];
    let made =
        Event { kind: CgroupEventKind::Mkdir, key: V1, parent: DOCKER, path: "/".to_owned(), argv, cpu_usage_ns: None };
    story.admit(&made, None);
    let removed = Event { kind: CgroupEventKind::Rmdir, key: V2, path: path(), argv: &[], ..made };
    story.admit(&removed, Some((Seq(0), moment(Seq(0)))));
    story.tell(CgroupEventKind::Empty, V1, DOCKER, "/", None);
    let rows = story.rows();
    assert!(rows.is_empty(), "its rows are in the segment in which it ended: {rows:#?}");
}
