//! What a container used, from directories of several hierarchies and from those below it.

use obit_derivation::record::*;
use obit_derivation::row::ContainerRemove;

use crate::kit::{self, A as ID, B as NESTED, Log, docker, key, removes};

const DOCKER: CgroupId = CgroupId(1);
/// The container's directories on v2, and on v1's hierarchies of cpu and cpuacct.
const V2: CgroupKey = CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(100) };
const CPU: CgroupKey = CgroupKey { hierarchy: HierarchyId(1), cgroup: CgroupId(200) };
const CPUACCT: CgroupKey = CgroupKey { hierarchy: HierarchyId(2), cgroup: CgroupId(300) };

#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    fn tell(&mut self, kind: CgroupEventKind, key: CgroupKey, parent: CgroupId, path: &str, usage: Usage) {
        let event = kit::event(kind, key, parent, path);
        self.log.tell(Body::Cgroup(CgroupEvent { usage, ..event }));
    }

    fn make(&mut self, key: CgroupKey, parent: CgroupId, path: &str) {
        self.tell(CgroupEventKind::Mkdir, key, parent, path, Usage::default());
    }

    fn empty(&mut self, key: CgroupKey, parent: CgroupId, path: &str, usage: Usage) {
        self.tell(CgroupEventKind::Empty, key, parent, path, usage);
    }

    fn remove(&mut self, key: CgroupKey, parent: CgroupId, path: &str, usage: Usage) {
        self.tell(CgroupEventKind::Rmdir, key, parent, path, usage);
    }

    fn rows(self) -> Vec<ContainerRemove> {
        removes(&self.log.end()).into_iter().cloned().collect()
    }

    fn only(self) -> Usage {
        let rows = self.rows();
        let [row] = &rows[..] else { panic!("one container ended: {rows:#?}") };
        row.usage
    }
}

fn path() -> String {
    docker(ID)
}

fn cpu(usage: u64, user: u64, system: u64) -> Usage {
    Usage { cpu_usage_ns: Some(usage), cpu_user_ns: Some(user), cpu_system_ns: Some(system), ..Usage::default() }
}

fn below(number: u64) -> CgroupKey {
    key(0, number)
}

#[test]
fn user_and_system_time_share_the_usage_as_their_samples_do() {
    for (total, user, system, parts) in [
        (1_000, 30, 10, Some((750, 250))),
        // Samples may exceed the exact time, and one kind may have none.
        (10, 4_000_000, 0, Some((10, 0))),
        (10, 0, 4_000_000, Some((0, 10))),
        (0, 4, 4, Some((0, 0))),
        // Neither was sampled: nothing is known of the parts.
        (3_000_000, 0, 0, None),
        (u64::MAX, u64::MAX, u64::MAX, Some((u64::MAX / 2 + 1, u64::MAX / 2))),
    ] {
        let mut story = Story::default();
        story.make(V2, DOCKER, &path());
        story.remove(V2, DOCKER, &path(), cpu(total, user, system));
        let usage = story.only();
        assert_eq!(usage.cpu_usage_ns, Some(total));
        assert_eq!(usage.cpu_user_ns.zip(usage.cpu_system_ns), parts, "{total} {user} {system}");
    }
}

#[test]
fn what_no_directory_told_is_absent() {
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    // The samples without the sum say nothing that could be shared.
    story.remove(V2, DOCKER, &path(), Usage { cpu_usage_ns: None, ..cpu(0, 5, 5) });
    assert_eq!(story.only(), Usage::default());
}

#[test]
fn a_directory_below_adds_what_it_used_once() {
    let inside = format!("{}/container", path());
    let deeper = format!("{inside}/deeper");
    let io = |read, written| Usage { io_read_bytes: Some(read), io_written_bytes: Some(written), ..cpu(10, 4, 4) };
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    story.make(below(101), V2.cgroup, &inside);
    story.make(below(102), below(101).cgroup, &deeper);
    // It tells twice, the second time all.
    story.empty(below(102), below(101).cgroup, &deeper, io(1, 1));
    story.remove(below(102), below(101).cgroup, &deeper, io(100, 7));
    story.remove(below(101), V2.cgroup, &inside, io(200, 0));
    story.empty(V2, DOCKER, &path(), io(0, 0));
    story.remove(V2, DOCKER, &path(), io(1_000, 1));
    let usage = story.only();
    assert_eq!((usage.io_read_bytes, usage.io_written_bytes), (Some(1_300), Some(8)));
    assert_eq!((usage.cpu_usage_ns, usage.cpu_user_ns, usage.cpu_system_ns), (Some(30), Some(15), Some(15)));
}

#[test]
fn what_the_root_does_not_count_is_no_sum_of_parts() {
    let inside = format!("{}/container", path());
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    story.make(below(101), V2.cgroup, &inside);
    story.remove(below(101), V2.cgroup, &inside, Usage { io_read_bytes: Some(5), ..cpu(10, 1, 0) });
    story.remove(V2, DOCKER, &path(), cpu(1, 0, 0));
    let usage = story.only();
    assert_eq!((usage.cpu_usage_ns, usage.io_read_bytes), (Some(11), None));
}

#[test]
fn a_container_within_counts_for_the_one_around_it_too() {
    let inner = format!("{}/docker/{NESTED}", path());
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    story.make(below(101), V2.cgroup, &format!("{}/docker", path()));
    story.make(below(102), below(101).cgroup, &inner);
    story.remove(below(102), below(101).cgroup, &inner, cpu(40, 1, 0));
    story.remove(below(101), V2.cgroup, &format!("{}/docker", path()), cpu(0, 0, 0));
    story.remove(V2, DOCKER, &path(), cpu(2, 1, 0));
    let rows = story.rows();
    let usage: Vec<_> = rows.iter().map(|row| (row.identity.container_id.as_str(), row.usage.cpu_usage_ns)).collect();
    assert_eq!(usage, [(NESTED, Some(40)), (ID, Some(42))]);
}

#[test]
fn v1_counts_what_is_below_by_itself() {
    let inside = format!("{}/container", path());
    let child = CgroupKey { hierarchy: CPUACCT.hierarchy, cgroup: CgroupId(301) };
    let mut story = Story::default();
    story.make(CPUACCT, DOCKER, &path());
    story.make(child, CPUACCT.cgroup, &inside);
    story.remove(child, CPUACCT.cgroup, &inside, cpu(10, 1, 0));
    story.remove(CPUACCT, DOCKER, &path(), cpu(12, 2, 0));
    assert_eq!(story.only().cpu_usage_ns, Some(12));
}

#[test]
fn hierarchies_of_one_host_complete_each_other() {
    let quota = Usage { cpu_throttled_ns: Some(70), cpu_throttled_count: Some(3), ..Usage::default() };
    let mut story = Story::default();
    for key in [V2, CPU, CPUACCT] {
        story.make(key, DOCKER, &path());
    }
    story.remove(CPU, DOCKER, &path(), quota);
    // The higher count wins whole: its samples belong to it.
    story.remove(CPUACCT, DOCKER, &path(), cpu(100, 1, 3));
    story.remove(V2, DOCKER, &path(), cpu(99, 9, 0));
    let usage = story.only();
    let together = Usage { cpu_throttled_ns: Some(70), cpu_throttled_count: Some(3), ..cpu(100, 25, 75) };
    assert_eq!(usage, together);
}

#[test]
fn sums_of_hostile_numbers_stay_at_the_highest() {
    let inside = format!("{}/container", path());
    let mut story = Story::default();
    story.make(V2, DOCKER, &path());
    for number in 101..104 {
        story.make(below(number), V2.cgroup, &inside);
        story.remove(below(number), V2.cgroup, &inside, cpu(u64::MAX, u64::MAX, u64::MAX));
    }
    story.remove(V2, DOCKER, &path(), cpu(u64::MAX, u64::MAX, 0));
    let usage = story.only();
    assert_eq!(usage.cpu_usage_ns, Some(u64::MAX));
    assert_eq!(usage.cpu_user_ns.zip(usage.cpu_system_ns).map(|(user, system)| user + system), Some(u64::MAX));
}
