//! A host that shows only the v2 tree: one container is one directory there, and ends as one row.

use std::collections::BTreeSet;

use obit_test_engines::{CgroupView, Oci, OciRuntime, Stage, require_root};

use crate::support::capture::Capture;
use crate::support::ledger::{Ledger, text};
use crate::support::replay;

#[test]
fn rows_equal_what_runc_and_crun_started() {
    let Some(_live) = require_root(&["runc", "crun"]) else {
        return;
    };
    let stage = Stage::new(CgroupView::V2Only);
    assert_eq!(stage.cgroups.hierarchies(), 1, "only the v2 tree is mounted");
    let engines = [OciRuntime::Runc, OciRuntime::Crun].map(|runtime| (runtime.name(), Oci::start(&stage, runtime)));
    let mut ledger = Ledger::default();

    for (name, engine) in &engines {
        for (id, cgroup) in [("before", None), ("stays", Some(format!("/obit-live/{name}-stays")))] {
            let id = format!("obit-live-{name}-{id}");
            engine.start_container(&id, cgroup.as_deref());
            ledger.starts(name, &id, &id);
        }
    }

    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    ledger.recording_started();

    for (name, engine) in &engines {
        let nested = format!("obit-live-{name}-nested");
        engine.start_container(&nested, None);
        ledger.starts(name, &nested, &nested);
        for child in ["init.scope", "container"] {
            let made = stage.cgroups.make_inside(&nested, child);
            assert_eq!(made.len(), 1, "one container is one directory");
            std::fs::remove_dir(&made[0]).unwrap_or_else(|error| panic!("rmdir {}: {error}", made[0].display()));
        }
        for number in 0..6 {
            let id = format!("obit-live-{name}-{number}");
            let cgroup = (number % 2 == 0).then(|| format!("/obit-live/{id}"));
            engine.run_short(&id, cgroup.as_deref());
            ledger.comes_and_goes(name, &id, &id);
            let service = format!("/obit-live/{name}-{number}.service");
            stage.cgroups.make(&service);
            stage.cgroups.remove(&service);
        }
        // A second container takes the id again.
        let again = format!("obit-live-{name}-0");
        engine.run_short(&again, None);
        ledger.restarts(&again);

        for id in [format!("obit-live-{name}-before"), nested] {
            engine.remove(&id);
            ledger.ends(&id);
            stage.cgroups.wait_until_gone(&id);
        }
    }

    capture.stop();
    let removed = replay::derived_rows(&case, "container_remove");
    let created = replay::derived_rows(&case, "container_create");
    let existing = replay::derived_rows(&case, "existing_container");
    ledger.assert_matches(&removed, &created, &existing, &stage.cgroups);
    replay::assert_verifies(&case);
}

#[test]
fn ids_that_only_crun_takes_end_with_rows() {
    let Some(_live) = require_root(&["runc", "crun"]) else { return };
    let stage = Stage::new(CgroupView::V2Only);
    let engine = Oci::start(&stage, OciRuntime::Crun);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &[]);
    let ids = ["obit-live-ñandú", "obit-live-a b", "obit-live-x@y:z", "obit-live-pct%41", "obit-live-plain"];
    // crun 1.28 and later take the last one only.
    let ran: BTreeSet<_> = ids.into_iter().filter(|id| engine.try_run_short(id)).map(str::to_owned).collect();
    assert!(ran.contains("obit-live-plain"), "{ran:?}");
    capture.stop();
    for event in ["container_create", "container_remove"] {
        let rows = replay::derived_rows(&case, event);
        let told: BTreeSet<_> = rows.iter().map(|row| text(row, "container_id").to_owned()).collect();
        assert_eq!(told, ran, "{event}");
    }
    replay::assert_verifies(&case);
}
