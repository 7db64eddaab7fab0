//! Somebody who may make cgroups of their own, and calls one like a container: it is told as theirs, and changes nothing
//! about the container that has that id.

use obit_derivation::record::*;
use obit_derivation::row::{ContainerRemove, Identity};

use crate::kit::{self, A as ID, Log, key, removes};

const V2: u32 = 0;
const FLAG: &str = "path: made by uid 1000, no runtime backs it";

#[derive(Default)]
struct Story {
    log: Log,
}

impl Story {
    fn tell(&mut self, body: Body<'_>) {
        self.log.tell(body);
    }

    fn event(&mut self, kind: CgroupEventKind, hierarchy: u32, id: u64, path: &str, actor: Actor<'_>) {
        let event = kit::event(kind, key(hierarchy, id), CgroupId(1), path);
        self.tell(Body::Cgroup(CgroupEvent { actor, ..event }));
    }

    /// Docker makes the container, on v1 hierarchies only.
    fn begin_real(&mut self) {
        for hierarchy in [5, 6] {
            self.event(CgroupEventKind::Mkdir, hierarchy, 100, &real(), runc(&create_argv()));
        }
    }

    fn end_real(&mut self) {
        self.tell(kit::exit_of(4242, CgroupId(1)));
        for hierarchy in [5, 6] {
            self.event(CgroupEventKind::Rmdir, hierarchy, 100, &real(), runc(&["runc", "delete", ID]));
        }
    }

    fn forge(&mut self) {
        self.event(CgroupEventKind::Mkdir, V2, 200, &forged(), mallory(&["mkdir"]));
    }

    fn remove_forgery(&mut self) {
        self.event(CgroupEventKind::Rmdir, V2, 200, &forged(), mallory(&["rmdir"]));
    }

    /// What Docker says of the container with that id.
    fn docker_says(&mut self, init_pid: Option<u32>) {
        self.tell(Body::Runtime(RuntimeAnswer {
            container_id: Some(ID.into()),
            container_name: Some("web".into()),
            init_pid,
            ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
        }));
    }

    /// The ends: of the container, and of what was called so.
    fn ends(self) -> (Vec<ContainerRemove>, Vec<ContainerRemove>) {
        removes(&self.log.end()).into_iter().cloned().partition(|row| row.place.path == real())
    }
}

fn real() -> String {
    kit::docker(ID)
}

/// A place in the subtree that systemd gives each user.
fn forged() -> String {
    format!("/user.slice/user-1000.slice/user@1000.service/docker-{ID}.scope")
}

fn create_argv() -> [&'static str; 7] {
    ["runc", "--root", "/run/docker/runtime-runc/moby", "create", "--bundle", "/run/docker/bundle", ID]
}

fn runc<'a>(argv: &'a [&'a str]) -> Actor<'a> {
    Actor { pid: 77, comm: "runc", argv, ..Actor::default() }
}

fn mallory<'a>(argv: &'a [&'a str]) -> Actor<'a> {
    Actor { pid: 99, uid: 1000, comm: "mkdir", argv, ..Actor::default() }
}

fn name(identity: &Identity) -> Option<&str> {
    identity.container_name.as_deref()
}

/// One end of each, each its own.
#[track_caller]
fn assert_apart(story: Story) {
    let (real, forged) = story.ends();
    let ([real], [forged]) = (real.as_slice(), forged.as_slice()) else { panic!("{real:?} and {forged:?}") };
    assert_eq!(real.place.key, key(5, 100));
    assert_eq!((real.identity.identified_by, name(&real.identity)), (Source::OciArgv, Some("web")));
    assert_eq!((real.identity.init_pid, real.identity.conflicts.as_slice()), (Some(4242), [].as_slice()));
    assert_eq!(forged.place.key, key(V2, 200));
    assert_eq!((forged.identity.identified_by, name(&forged.identity)), (Source::Path, None));
    assert_eq!(forged.identity.conflicts, [FLAG]);
}

#[test]
fn a_directory_that_is_called_like_a_container_does_not_end_it() {
    let mut story = Story::default();
    story.begin_real();
    story.forge();
    // The newest directory with an id is not the one that Docker speaks of.
    story.docker_says(Some(4242));
    story.remove_forgery();
    story.end_real();
    assert_apart(story);
}

#[test]
fn a_container_does_not_move_into_a_directory_that_waits_for_it() {
    let mut story = Story::default();
    story.forge();
    story.begin_real();
    story.docker_says(Some(4242));
    story.end_real();
    story.remove_forgery();
    assert_apart(story);
}

#[test]
fn a_forgery_whose_making_was_lost_does_not_end_the_container_either() {
    let mut story = Story::default();
    story.begin_real();
    story.docker_says(Some(4242));
    story.remove_forgery();
    story.end_real();
    let (real, forged) = story.ends();
    assert_eq!((real.len(), forged.len()), (1, 1), "{real:?} {forged:?}");
    assert_eq!(real[0].place.key, key(5, 100));
    assert_eq!((forged[0].identity.identified_by, name(&forged[0].identity)), (Source::Path, None));
    assert_eq!(forged[0].identity.conflicts, ["path: removed by uid 1000, no runtime backs it"]);
}

#[test]
fn a_forgery_that_was_there_before_is_kept_apart_by_who_owns_its_place() {
    let mut story = Story::default();
    story.tell(Body::SnapshotBegin(SnapshotReason::Start));
    let places = [(5, 100, real(), 0), (V2, 200, forged(), 1000)];
    for (hierarchy, id, path, parent_uid) in places {
        let directory = kit::directory(SnapshotReason::Start, key(hierarchy, id), CgroupId(1), &path);
        story.tell(Body::Directory(Directory { parent_uid: Some(parent_uid), populated: Some(true), ..directory }));
    }
    story.tell(Body::SnapshotEnd(SnapshotReason::Start));
    story.remove_forgery();
    story.event(CgroupEventKind::Rmdir, 5, 100, &real(), runc(&["runc", "delete", ID]));
    let (real, forged) = story.ends();
    assert_eq!((real.len(), forged.len()), (1, 1), "{real:?} {forged:?}");
    assert_eq!((real[0].place.key, real[0].identity.conflicts.as_slice()), (key(5, 100), [].as_slice()));
    assert_eq!(forged[0].identity.conflicts, ["path: in a directory of uid 1000, no runtime backs it"]);
}

#[test]
fn the_arguments_of_roots_engine_back_nothing_that_a_user_gives_a_program() {
    let mut story = Story::default();
    story.begin_real();
    story.event(CgroupEventKind::Mkdir, V2, 200, &forged(), mallory(&create_argv()));
    story.docker_says(Some(4242));
    story.event(CgroupEventKind::Rmdir, V2, 200, &forged(), mallory(&create_argv()));
    story.end_real();
    let (real, forged) = story.ends();
    let ([real], [forged]) = (real.as_slice(), forged.as_slice()) else { panic!("{real:?} and {forged:?}") };
    assert_eq!((real.identity.conflicts.as_slice(), name(&real.identity)), ([].as_slice(), Some("web")));
    assert!(forged.identity.conflicts.contains(&FLAG.to_owned()), "{:?}", forged.identity.conflicts);
    assert_eq!(name(&forged.identity), None, "the name is that of the container");
}

#[test]
fn a_users_own_engine_is_believed_about_the_users_own_places() {
    let mut story = Story::default();
    let root = "/run/user/1000/docker/runtime-runc/moby";
    let argv = ["runc", "--root", root, "create", "--bundle", "/run/user/1000/docker/bundle", ID];
    story.event(CgroupEventKind::Mkdir, V2, 200, &forged(), mallory(&argv));
    story.remove_forgery();
    let (_, theirs) = story.ends();
    assert_eq!(theirs[0].identity.conflicts, [""; 0], "{theirs:?}");
}

#[test]
fn a_container_that_is_stopped_does_not_vouch_for_a_directory() {
    // Docker knows the id, and runs nothing under it.
    let mut story = Story::default();
    story.forge();
    story.docker_says(None);
    story.remove_forgery();
    let (_, forged) = story.ends();
    assert_eq!(forged[0].identity.conflicts, [FLAG], "{forged:?}");
}

#[test]
fn an_engine_of_the_users_own_vouches_for_what_it_runs() {
    let mut story = Story::default();
    story.forge();
    story.docker_says(Some(4242));
    story.remove_forgery();
    let (_, theirs) = story.ends();
    assert_eq!((theirs[0].identity.conflicts.as_slice(), name(&theirs[0].identity)), ([].as_slice(), Some("web")));
}

#[test]
fn directories_of_one_user_in_two_trees_are_one_container() {
    // As LXC has it without root: the same path in each.
    let mut story = Story::default();
    for hierarchy in [3, 4] {
        story.event(CgroupEventKind::Mkdir, hierarchy, 300, &forged(), mallory(&["lxc-start"]));
    }
    for hierarchy in [3, 4] {
        story.event(CgroupEventKind::Rmdir, hierarchy, 300, &forged(), mallory(&["lxc-start"]));
    }
    let (_, theirs) = story.ends();
    assert_eq!(theirs.len(), 1, "{theirs:?}");
}

/// A directory in a user's subtree that is named like a container, one of many.
fn forged_path(number: u64) -> String {
    format!("/user.slice/user-1000.slice/user@1000.service/docker-{number:064x}.scope")
}

#[test]
fn a_user_has_a_share_of_what_is_followed_and_no_more() {
    const SHARE: u64 = 4_096;
    let mut story = Story::default();
    for number in 0..SHARE + 3 {
        story.event(CgroupEventKind::Mkdir, V2, 1_000 + number, &forged_path(number), mallory(&["mkdir"]));
    }
    assert_eq!(story.log.fold.refused().iter().collect::<Vec<_>>(), [(&1000, &3)]);
    assert_eq!(kit::creates(&story.log.rows).len() as u64, SHARE);
    // What was not followed ends nothing, and root's containers have nothing to do with it.
    story.event(CgroupEventKind::Rmdir, V2, 1_000 + SHARE, &forged_path(SHARE), mallory(&["rmdir"]));
    story.begin_real();
    story.end_real();
    assert_eq!(removes(&story.log.rows).iter().map(|row| row.place.key).collect::<Vec<_>>(), [key(5, 100)]);
}

#[test]
fn all_users_together_have_a_share() {
    const SHARE: usize = 32_768;
    let mut story = Story::default();
    for number in 0..SHARE as u64 + 5 {
        // A process in a user namespace has many user ids.
        let actor = Actor { uid: 100_000 + (number / 100) as u32, ..mallory(&["mkdir"]) };
        story.event(CgroupEventKind::Mkdir, V2, 1_000 + number, &forged_path(number), actor);
    }
    assert_eq!(story.log.fold.refused().values().sum::<u64>(), 5);
    assert_eq!(kit::creates(&story.log.rows).len(), SHARE);
}
