//! Names of containers that only the command line of their maker tells right.

use obit_derivation::Row;
use obit_derivation::identity::argv::SEAM;
use obit_derivation::identity::{Engine, OciRuntime};
use obit_derivation::record::*;

use crate::kit::{self, Log, key};

fn event(log: &mut Log, kind: CgroupEventKind, id: u64, path: &str, argv: &[&str]) {
    let actor = Actor { pid: 77, comm: "maker", argv, ..Actor::default() };
    let event = kit::event(kind, key(0, id), CgroupId(1), path);
    log.tell(Body::Cgroup(CgroupEvent { actor, ..event }));
}

fn life(log: &mut Log, id: u64, path: &str, maker: &[&str], remover: &[&str]) {
    event(log, CgroupEventKind::Mkdir, id, path, maker);
    event(log, CgroupEventKind::Rmdir, id, path, remover);
}

/// Returns engine, id and conflicts of each end.
fn ends(rows: &[Row]) -> Vec<(Option<Engine>, &str, Vec<&str>)> {
    kit::removes(rows)
        .iter()
        .map(|row| {
            let identity = &row.identity;
            (identity.runtime, &*identity.container_id, identity.conflicts.iter().map(String::as_str).collect())
        })
        .collect()
}

/// cgfsng.c, cgfsng_payload_create: where the directory of that name is taken, LXC appends `-1`.
#[test]
fn a_container_of_lxc_has_the_name_that_its_monitor_says() {
    let monitors: [&[&str]; 2] = [&["[lxc monitor] /var/lib/lxc bugc"], &["lxc-start", "-n", "bugc"]];
    for monitor in monitors {
        let mut log = Log::default();
        for (id, path) in [(100, "/lxc.monitor.bugc-1"), (101, "/lxc.pivot")] {
            event(&mut log, CgroupEventKind::Mkdir, id, path, monitor);
        }
        life(&mut log, 102, "/lxc.payload.bugc-1", monitor, monitor);
        for (id, path) in [(100, "/lxc.monitor.bugc-1"), (101, "/lxc.pivot")] {
            event(&mut log, CgroupEventKind::Rmdir, id, path, monitor);
        }
        let rows = log.end();
        assert_eq!(ends(&rows), [(Some(Engine::Lxc), "bugc", vec![])], "{monitor:?}");
        let [remove] = kit::removes(&rows)[..] else { panic!("{rows:?}") };
        assert_eq!((remove.identity.identified_by, remove.identity.oci_runtime), (Source::OciArgv, None));
        let [create] = kit::creates(&rows)[..] else { panic!("{rows:?}") };
        assert_eq!(create.identity.container_id, "bugc");
    }
}

#[test]
fn a_monitor_says_nothing_of_other_directories() {
    for (path, expected) in [
        // Another container's name, which is no retry.
        ("/lxc.payload.bugc-x", Some((Some(Engine::Lxc), "bugc-x"))),
        ("/lxc.payload.bug", Some((Some(Engine::Lxc), "bug"))),
        ("/lxc.payload.bugc-1234", Some((Some(Engine::Lxc), "bugc-1234"))),
        // A name that is configured: nothing tells the container's directory from the monitor's.
        ("/pv/bugc", None),
        ("/lxc.monitor.bugc", None),
    ] {
        let mut log = Log::default();
        let monitor = ["[lxc monitor] /var/lib/lxc bugc"];
        life(&mut log, 100, path, &monitor, &monitor);
        let rows = log.end();
        let found: Vec<_> = ends(&rows).iter().map(|(engine, id, _)| (*engine, *id)).collect();
        assert_eq!(found, Vec::from_iter(expected), "{path}");
    }
}

#[test]
fn a_container_of_incus_is_told_from_lxc_by_its_monitor() {
    let monitor = ["[lxc monitor] /var/lib/incus/containers web"];
    let mut log = Log::default();
    life(&mut log, 100, "/lxc.payload.web", &monitor, &monitor);
    // One that was there before is told as soon as its monitor is seen.
    let walked = kit::directory(SnapshotReason::Start, key(0, 200), CgroupId(1), "/lxc.payload.web-1");
    log.tell(Body::SnapshotBegin(SnapshotReason::Start));
    log.tell(Body::Directory(walked));
    log.tell(Body::SnapshotEnd(SnapshotReason::Start));
    event(&mut log, CgroupEventKind::Rmdir, 200, "/lxc.payload.web-1", &monitor);
    let rows = log.end();
    let path_said_otherwise = vec!["path: container_id web-1"];
    assert_eq!(ends(&rows), [(Some(Engine::Incus), "web", vec![]), (Some(Engine::Incus), "web", path_said_otherwise)]);
}

#[test]
fn ids_that_only_crun_takes_have_rows() {
    for id in ["ñandú", "a b", "x@y:z", "pct%41", "\\xff"] {
        let path = format!("/{id}");
        let mut log = Log::default();
        life(&mut log, 100, &path, &["crun", "run", "--bundle", "/b", id], &["crun", "delete", id]);
        assert_eq!(ends(&log.end()), [(Some(Engine::Crun), id, vec![])]);
    }
}

#[test]
fn a_command_line_without_its_middle_names_its_container() {
    let mut log = Log::default();
    let create = ["runc", "--root", "/r", "create", "--bundle", SEAM, "--pid-file", "/x/init.pid", "web"];
    event(&mut log, CgroupEventKind::Mkdir, 100, "/web", &create);
    let rows = log.end();
    let [create] = kit::creates(&rows)[..] else { panic!("{rows:?}") };
    let identity = &create.identity;
    assert_eq!((identity.container_id.as_str(), identity.oci_runtime), ("web", Some(OciRuntime::Runc)));
    assert_eq!(identity.runtime, None, "an engine may show in what is missing");
}

#[test]
fn a_step_of_a_build_is_buildahs() {
    let (id, bundle) = ("buildah-buildah2937778511", "/var/tmp/buildah2937778511");
    let create = ["crun", "create", "--bundle", bundle, "--pid-file", "/p", "--no-new-keyring", id];
    for path in [format!("/{id}"), format!("/system.slice/crun-{id}.scope")] {
        let mut log = Log::default();
        life(&mut log, 100, &path, &create, &["crun", "delete", id]);
        assert_eq!(ends(&log.end()), [(Some(Engine::Buildah), id, vec![])], "{path}");
    }
}
