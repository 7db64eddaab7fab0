use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};

use super::*;
use crate::host::hierarchies::CgroupVersion;
use crate::host::testing::{OwnedCgroup, live};

type Found = (Directory<'static>, DirectoryDetails);

fn walk_all(hierarchy: &Hierarchy) -> (Vec<Found>, WalkSummary) {
    let mut all = Vec::new();
    let summary = walk(
        hierarchy,
        SnapshotReason::Start,
        |_| false,
        |directory, details| {
            all.push((directory, details));
            ControlFlow::Continue(())
        },
    );
    (all, summary)
}

/// All that the mount shows was read. Tests look at a directory of their own, which is never a
/// whole hierarchy.
fn read_whole(summary: &WalkSummary) -> bool {
    assert!(summary.partial && !summary.is_complete(), "{summary:?}");
    summary.errors == 0 && !summary.stopped
}

/// One cgroup of each version that this host mounts.
fn owned_cgroups() -> Vec<OwnedCgroup> {
    let of = |version| OwnedCgroup::create(|one| one.version == version && one.name.is_none());
    let all: Vec<_> = [of(CgroupVersion::V1), of(CgroupVersion::V2)].into_iter().flatten().collect();
    assert!(!all.is_empty(), "this host mounts a cgroup hierarchy");
    all
}

/// A process that waits until it is killed; also on panic.
struct Sleeper(Child);

impl Sleeper {
    fn in_cgroup(directory: &std::path::Path) -> Self {
        // Reads a pipe that nobody writes into: it ends when the test does.
        let child = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        fs::write(directory.join("cgroup.procs"), child.id().to_string()).unwrap();
        Self(child)
    }
}

impl Drop for Sleeper {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn root_every_directory_is_handed_out_once_before_those_below_it() {
    if !live() {
        return;
    }
    for cgroup in owned_cgroups() {
        let mut expected = BTreeMap::new();
        for below in ["", "a", "a/b", "a/b/c", "d"] {
            let path = cgroup.path().join(below);
            fs::create_dir_all(&path).unwrap();
            let name = format!("{}/{below}", cgroup.view.mount_root).trim_end_matches('/').to_owned();
            expected.insert(name, fs::metadata(&path).unwrap().ino());
        }
        // A subtree that was given to a user.
        std::os::unix::fs::chown(cgroup.path().join("a/b"), Some(1000), None).unwrap();
        let (all, summary) = walk_all(&cgroup.view);
        assert!(read_whole(&summary), "{summary:?}");
        assert_eq!((summary.directories, summary.vanished), (5, 0));
        let found: BTreeMap<_, _> = all.iter().map(|(one, _)| (one.path.to_string(), one.key.cgroup.0)).collect();
        assert_eq!(found, expected);
        for (index, (directory, details)) in all.iter().enumerate() {
            assert_eq!(directory.key.hierarchy, cgroup.view.id);
            assert_eq!((directory.reason, details.outcome), (SnapshotReason::Start, Outcome::Ok));
            // The parent came earlier, and is the one that the path says. The mount's own is not
            // known.
            let above = directory.path.rsplit_once('/').unwrap().0;
            let parent = all[..index].iter().find(|(earlier, _)| earlier.path == above);
            assert_eq!(directory.parent, parent.map(|(parent, _)| parent.key.cgroup), "{}", directory.path);
            let owner = if above.ends_with("/a/b") { 1000 } else { 0 };
            assert_eq!(directory.parent_uid, parent.map(|_| owner), "{}", directory.path);
        }
    }
}

#[test]
fn root_names_that_are_no_text_are_escaped_and_links_do_not_exist() {
    if !live() {
        return;
    }
    for cgroup in owned_cgroups() {
        fs::create_dir(cgroup.path().join(OsStr::from_bytes(b"caf\xe9\x1b[2J"))).unwrap();
        let (all, summary) = walk_all(&cgroup.view);
        assert!(read_whole(&summary));
        let expected = format!("{}/caf\\xe9\x1b[2J", cgroup.view.mount_root);
        assert_eq!(all[1].0.path, expected);
    }
}

#[test]
fn root_a_process_shows_in_its_directory_and_on_v2_in_those_above() {
    if !live() {
        return;
    }
    for cgroup in owned_cgroups() {
        for below in ["busy/leaf", "idle"] {
            fs::create_dir_all(cgroup.path().join(below)).unwrap();
        }
        let sleeper = Sleeper::in_cgroup(&cgroup.path().join("busy/leaf"));
        let (all, _) = walk_all(&cgroup.view);
        let of = |below: &str| {
            let path = format!("{}/{below}", cgroup.view.mount_root);
            let (directory, _) = all.iter().find(|(one, _)| one.path == path.trim_end_matches('/')).unwrap();
            (directory.populated, directory.pids.clone())
        };
        let (above, idle) = match cgroup.view.version {
            CgroupVersion::V2 => (Some(true), Some(false)),
            // v1 tells of a directory's own processes only: that there is none says nothing of
            // those below.
            CgroupVersion::V1 => (None, None),
        };
        assert_eq!(of("busy/leaf"), (Some(true), vec![sleeper.0.id()]));
        assert_eq!(of("busy"), (above, vec![]));
        assert_eq!(of(""), (above, vec![]));
        assert_eq!(of("idle"), (idle, vec![]));
    }
}

#[test]
fn root_a_threaded_cgroup_that_refuses_its_process_list_is_no_error() {
    if !live() {
        return;
    }
    let Some(cgroup) = OwnedCgroup::create(|one| one.version == CgroupVersion::V2) else {
        return;
    };
    let threaded = cgroup.path().join("threaded");
    fs::create_dir(&threaded).unwrap();
    fs::write(threaded.join("cgroup.type"), "threaded").unwrap();
    let (all, summary) = walk_all(&cgroup.view);
    assert!(read_whole(&summary), "{summary:?}");
    assert_eq!((all.len(), all[1].0.pids.len(), all[1].1.outcome), (2, 0, Outcome::Ok));
}

#[test]
fn root_a_directory_that_vanishes_under_the_walk_is_no_error() {
    if !live() {
        return;
    }
    for cgroup in owned_cgroups() {
        for below in ["a", "b", "c"] {
            fs::create_dir_all(cgroup.path().join(below).join("below")).unwrap();
        }
        let mut seen = 0;
        // As soon as the walk has listed and opened the first, all are removed.
        let summary = walk(
            &cgroup.view,
            SnapshotReason::Resync,
            |_| false,
            |_, _| {
                seen += 1;
                if seen == 2 {
                    for below in ["a", "b", "c"] {
                        fs::remove_dir(cgroup.path().join(below).join("below")).unwrap();
                        fs::remove_dir(cgroup.path().join(below)).unwrap();
                    }
                }
                ControlFlow::Continue(())
            },
        );
        assert!(read_whole(&summary), "{summary:?}");
        assert_eq!(seen, 2, "what is gone is not handed out: {summary:?}");
    }
}

#[test]
fn root_nesting_beyond_the_bound_is_reported() {
    if !live() {
        return;
    }
    let cgroup = owned_cgroups().pop().unwrap();
    let mut path = cgroup.path().to_owned();
    for _ in 0..MAX_DEPTH {
        path.push("n");
        fs::create_dir(&path).unwrap();
    }
    let (all, summary) = walk_all(&cgroup.view);
    // The mount point and 256 levels, the last of which has nothing below: all is there.
    assert_eq!((all.len(), read_whole(&summary)), (MAX_DEPTH + 1, true));
    fs::create_dir(path.join("n")).unwrap();
    let (all, summary) = walk_all(&cgroup.view);
    assert_eq!((all.len(), summary.errors), (MAX_DEPTH + 1, 1));
    assert!(matches!(summary.first_errors[0].cause, WalkErrorCause::TooDeep), "{summary:?}");
    let name_of = |path: &std::path::Path| {
        let below = path.strip_prefix(cgroup.path()).unwrap().to_str().unwrap();
        format!("{}/{below}", cgroup.view.mount_root.trim_end_matches('/'))
    };
    assert_eq!(summary.unread, BTreeSet::from([name_of(&path)]), "only what is below it is unknown");
    // A user's two deep branches are one part: the subtree that the user was given.
    let given = cgroup.path().join("given");
    for branch in ["one", "two"] {
        let mut path = given.join(branch);
        for _ in 0..MAX_DEPTH {
            path.push("n");
        }
        fs::create_dir_all(&path).unwrap();
    }
    std::os::unix::fs::chown(&given, Some(1000), None).unwrap();
    let (_, summary) = walk_all(&cgroup.view);
    assert_eq!((summary.errors, summary.unread), (3, BTreeSet::from([name_of(&path), name_of(&given)])));
}

#[test]
fn what_is_unread_is_a_part_as_long_as_the_rest_is_known() {
    let mut summary = WalkSummary { errors: 2, ..WalkSummary::default() };
    summary.unread = BTreeSet::from(["/a".to_owned(), "/b".to_owned()]);
    assert_eq!(summary.unread_parts(), [Some("/a".to_owned()), Some("/b".to_owned())]);
    for part in [
        WalkSummary { is_unread: true, ..WalkSummary::default() },
        WalkSummary { partial: true, ..WalkSummary::default() },
        WalkSummary { stopped: true, ..WalkSummary::default() },
    ] {
        assert_eq!(part.unread_parts(), [None], "{part:?}");
    }
    assert_eq!(WalkSummary::default().unread_parts(), []);
}

#[test]
fn root_the_visitor_can_end_the_walk_and_files_are_read_where_wanted() {
    if !live() {
        return;
    }
    for cgroup in owned_cgroups() {
        fs::create_dir(cgroup.path().join("wanted")).unwrap();
        fs::create_dir(cgroup.path().join("plain")).unwrap();
        let mut files = BTreeMap::new();
        let summary = walk(
            &cgroup.view,
            SnapshotReason::Start,
            |path| path.ends_with("/wanted"),
            |one, details| {
                files.insert(one.path.to_string(), details.files.len());
                ControlFlow::Continue(())
            },
        );
        assert!(read_whole(&summary));
        for (path, count) in files {
            assert_eq!(count > 0, path.ends_with("/wanted"), "{path} has {count} files");
        }
        let summary = walk(&cgroup.view, SnapshotReason::Start, |_| false, |_, _| ControlFlow::Break(()));
        assert_eq!((summary.directories, read_whole(&summary)), (1, false));
    }
}

#[test]
fn root_a_whole_hierarchy_is_complete() {
    if !live() {
        return;
    }
    let all = crate::host::hierarchies::Hierarchies::read().unwrap();
    // Other tests come and go in it, which is no error.
    let hierarchy = all.mounted.iter().find(|one| one.mount_root == "/").unwrap();
    let (found, summary) = walk_all(hierarchy);
    assert!(summary.is_complete(), "{summary:?}");
    assert_eq!((found[0].0.path.as_ref(), found[0].0.parent), ("/", None));
}

#[test]
fn a_mount_point_that_is_not_there_makes_the_walk_incomplete() {
    let hierarchy = Hierarchy {
        id: obit_derivation::HierarchyId(4),
        version: CgroupVersion::V1,
        controllers: Vec::new(),
        name: Some("x".to_owned()),
        mount_point: "/nonexistent/cgroup".into(),
        device: (0, 4),
        mount_root: "/".to_owned(),
    };
    let (all, summary) = walk_all(&hierarchy);
    assert_eq!((all.len(), summary.errors), (0, 1));
    assert_eq!(
        summary.first_errors[0].to_string(),
        "cannot read cgroup directory /: No such file or directory (os error 2)"
    );
}
