//! A case whose names are made to break whatever reads them.

use std::borrow::Cow;

use obit_case::writer::WriterOptions;
use obit_derivation::record::{Body, CgroupEventKind, Outcome, RuntimeAnswer, Source, WallNs};
use obit_schema::text::is_hazard;
use serde_json::json;

use crate::case::{RecordedCase, Recorder, START_NS, id};
use crate::program::replay;

/// Terminal escapes, quotation marks, line ends of all kinds, marks of direction, what looks like
/// JSON, SQL, a formula or a path, and text beyond the first plane.
pub const HOSTILE: &str =
    "=x\u{1b}[2J\u{1b}]0;t\u{7}\u{202e}gpj\u{2066}\u{200b}\u{9b}31m\"'\\\r\n\u{2028}\0<script>{\"a\":1}],}--;%s../😀";

/// Records a container with such names, and labels of 4 KB with names that no field may have.
pub fn case() -> RecordedCase {
    let host = json!({"hostname": HOSTILE, "machine_id": HOSTILE, "boot_id": HOSTILE});
    let mut recorder = Recorder::start("hostile\" case", WriterOptions::default(), host, Vec::new());
    let text = || Some(Cow::Borrowed(HOSTILE));
    let long = HOSTILE.repeat(4_096 / HOSTILE.len());
    let cgroup = recorder.new_cgroup();
    let path = format!("/docker/{}", id('a'));
    recorder.event(CgroupEventKind::Mkdir, cgroup, &path, &["runc", HOSTILE]);
    recorder.event(CgroupEventKind::Populated, cgroup, &path, &["runc"]);
    recorder.record(Body::Runtime(RuntimeAnswer {
        container_id: Some(id('a').into()),
        runtime: Some("docker".into()),
        namespace: text(),
        container_name: text(),
        image_name: text(),
        image_id: text(),
        image_digest: text(),
        pod_name: text(),
        pod_namespace: text(),
        pod_uid: text(),
        started_at: Some(WallNs(START_NS + 1)),
        labels: ["a", "a.b", "@timestamp", "_id", HOSTILE, ""]
            .map(|name| (Cow::Borrowed(name), Cow::Owned(long.clone())))
            .to_vec(),
        ..RuntimeAnswer::unanswered(Source::Docker, Outcome::Ok)
    }));
    recorder.event(CgroupEventKind::Empty, cgroup, &path, &["sleep"]);
    recorder.event(CgroupEventKind::Rmdir, cgroup, &path, &["runc", HOSTILE]);
    // A path's name is the user's choice, too.
    let other = recorder.new_cgroup();
    let path = format!("/docker/{}", id('b'));
    recorder.event(CgroupEventKind::Mkdir, other, &format!("{path}/../{HOSTILE}"), &[HOSTILE]);
    recorder.live(&id('b'));
    recorder.close()
}

#[test]
fn the_hostile_names_reach_the_rows() {
    let case = case();
    let rows = replay(["derive", case.arg(), "--event", "container_exit", "--format", "jsonl"]).json_lines();
    for column in ["container_name", "image_name", "pod_name", "pod_uid"] {
        assert!(rows.iter().any(|row| row[column] == HOSTILE), "{column}: {rows:#?}");
    }
    assert!(rows.iter().any(|row| row["labels"][HOSTILE].as_str().is_some_and(|text| text.len() > 3_800)), "{rows:#?}");
    assert!(HOSTILE.chars().filter(|character| is_hazard(*character)).count() > 10);
}

#[test]
fn a_message_steers_nothing_even_where_json_was_decoded() {
    let case = case();
    for event in replay(["export", case.arg(), "--to", "timesketch"]).expect_code(0).json_lines() {
        let message = event["message"].as_str().expect("a text");
        assert!(!message.chars().any(is_hazard) && message.len() < 2_000, "{message:?}");
    }
}
