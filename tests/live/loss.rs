//! Captures that cannot keep up, or are killed: nothing is lost in silence.

use std::time::{Duration, Instant};

use obit_test_engines::{CgroupView, Oci, OciRuntime, Stage, require_root};
use rustix::process::Signal;
use serde_json::Value;

use crate::support::capture::{Capture, INCOMPLETE};
use crate::support::ledger::text;
use crate::support::replay;

/// Longest time until a record can be read from outside; the default interval is 200 ms.
const SYNC_LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_container_that_ends_unseen_is_inferred_and_the_loss_is_recorded() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    runc.start_container("obit-live-unseen", None);
    runc.start_container("obit-live-survives", None);
    let case = stage.directory().join("case");
    let capture = Capture::start(&stage, &case, &["--ring-buffer", "4KiB"]);

    // The buffer of a stopped capture takes a handful of events; a directory in every tree makes
    // more.
    capture.signal(Signal::STOP);
    for _ in 0..20 {
        stage.cgroups.make("/obit-live/noise");
        stage.cgroups.remove("/obit-live/noise");
    }
    runc.remove("obit-live-unseen");
    stage.cgroups.wait_until_gone("obit-live-unseen");
    capture.signal(Signal::CONT);
    let ended = capture.interrupt();

    assert_eq!(ended.status.code(), Some(INCOMPLETE), "{}", ended.stderr);
    assert!(ended.stderr.contains("lost"), "the loss is not named: {}", ended.stderr);
    let removed = ours(replay::derived_rows(&case, "container_remove"));
    assert_eq!(removed.len(), 1, "only one of the two ended: {removed:?}");
    assert_eq!(text(&removed[0], "container_id"), "obit-live-unseen");
    assert_eq!(removed[0]["inferred"], true, "its removal was not seen: {}", removed[0]);
    assert_eq!(removed[0]["after_gap"], true, "events were lost in its life: {}", removed[0]);
    assert_eq!(removed[0]["rmdir_seq"], Value::Null, "there is no record of the removal: {}", removed[0]);
    replay::assert_verifies(&case);
}

#[test]
fn a_killed_capture_leaves_what_it_had_written() {
    let Some(_live) = require_root(&["runc"]) else { return };
    let stage = Stage::new(CgroupView::Host);
    let runc = Oci::start(&stage, OciRuntime::Runc);
    let case = stage.directory().join("case");
    let mut capture = Capture::start(&stage, &case, &[]);
    runc.run_short("obit-live-recorded", None);

    // An open case can be read while it is being written.
    let deadline = Instant::now() + SYNC_LIMIT;
    while ours(replay::derived_rows(&case, "container_remove")).is_empty() {
        assert!(Instant::now() < deadline, "the removal is not readable after {SYNC_LIMIT:?}");
        assert!(!capture.has_ended(), "the capture ended by itself");
    }
    capture.signal(Signal::KILL);
    let ended = capture.wait();

    assert!(!ended.status.success(), "it was killed");
    let removed = ours(replay::derived_rows(&case, "container_remove"));
    assert_eq!(removed.len(), 1, "{removed:?}");
    assert_eq!(text(&removed[0], "container_id"), "obit-live-recorded");
    let said = replay::assert_verifies(&case);
    assert!(said.contains("never closed"), "a case that was not closed is called whole: {said}");
}

/// Returns the rows of this file's containers: the host may have others.
fn ours(mut rows: Vec<Value>) -> Vec<Value> {
    rows.retain(|row| text(row, "container_id").starts_with("obit-live-"));
    rows
}
