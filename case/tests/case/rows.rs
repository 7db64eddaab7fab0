//! Derived rows in their columns.

use arrow_array::RecordBatch;
use obit_case::Case;
use obit_case::writer::{CaseWriter, WriterOptions};
use obit_derivation::identity::{Engine, OciRuntime};
use obit_derivation::record::{BootNs, CgroupId, CgroupKey, HierarchyId, Seq, SignalOrigin, Source, Usage, WallNs};
use obit_derivation::row::{
    ActorCopy, Cause, ContainerCreate, ContainerRemove, Death, Disagreement, DisagreementKind, ExistingContainer,
    Identity, Killer, KnownBy, LimitScope, Place, ReportSource, ReportedValue, Row, Step,
};
use obit_schema::Table;
use obit_schema::encode::RowsBuilder;
use obit_schema::value::cell;
use proptest::collection::vec;
use proptest::prelude::*;

use crate::kit::{self, Scratch};
use crate::strategies;

fn identity() -> Identity {
    Identity {
        runtime: Some(Engine::Docker),
        container_id: "0123abcd".to_owned(),
        oci_runtime: Some(OciRuntime::Runc),
        containerd_namespace: Some("shop".to_owned()),
        container_name: Some("web-1".to_owned()),
        image_name: Some("nginx:1".to_owned()),
        image_id: None,
        image_digest: Some("sha256:55".to_owned()),
        pod_name: None,
        pod_namespace: Some("shop".to_owned()),
        pod_uid: None,
        sandbox: Some(false),
        labels: vec![("tier".to_owned(), "front".to_owned())],
        init_pid: Some(42),
        started_at: Some(WallNs(-4)),
        restart_count: Some(2),
        parent_container_id: None,
        identified_by: Source::OciArgv,
        conflicts: vec!["path: container_id ff".to_owned()],
    }
}

fn place() -> Place {
    Place {
        key: CgroupKey { hierarchy: HierarchyId(0), cgroup: CgroupId(1 << 40) },
        path: "/docker/0123abcd".to_owned(),
        is_path_cut: true,
    }
}

fn actor() -> ActorCopy {
    ActorCopy {
        pid: 41,
        uid: 0,
        comm: "runc".to_owned(),
        parent_comm: "containerd-shim".to_owned(),
        argv: vec!["runc".to_owned(), "delete".to_owned()],
        is_argv_cut: true,
    }
}

/// The values of the only row, as `column value`, nulls left out.
fn cells(batch: &RecordBatch) -> Vec<String> {
    assert_eq!(batch.num_rows(), 1);
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns());
    columns
        .filter(|(_, column)| column.is_valid(0))
        .map(|(field, column)| format!("{} {:?}", field.name(), cell(column, 0)))
        .collect()
}

fn encoded(row: Row, table: Table) -> Vec<String> {
    let mut builder = RowsBuilder::new();
    builder.append(&row);
    let batches = builder.finish().unwrap();
    assert!(builder.is_empty());
    let [(found, batch)] = batches.as_slice() else { panic!("one table has rows") };
    assert_eq!(*found, table);
    cells(batch)
}

#[test]
fn container_remove() {
    let row = ContainerRemove {
        seq: Seq(90),
        ts: WallNs(1_700_000_000_000_000_009),
        boot_ns: BootNs(77),
        identity: identity(),
        place: place(),
        created_seq: Some(Seq(3)),
        created_at: Some(WallNs(-5)),
        lifetime_ns: Some(60),
        emptied_at: None,
        death: Death {
            cause: Cause::OomKilled,
            cause_known_by: Some(KnownBy::Kernel),
            signal_origin: Some(SignalOrigin::Kernel),
            reported_exit_code: Some(137),
            reported_by: Some(ReportSource::event(Source::Docker)),
            signals_total: Some(40),
            exit_signal: Some(9),
            core_dumped: Some(false),
            exited_at: Some(WallNs(8)),
            oom_killed: Some(true),
            oom_limit_scope: Some(LimitScope::Ancestor),
            oom_limit_cgroup_path: Some("/docker".into()),
            killed_by: Some(Killer { task: actor(), loginuid: Some(1000), container_id: None }),
            requested_by: [(-7, "bash[41]"), (6, "runc kill")]
                .map(|(at, what)| Step { at: WallNs(at), what: what.into() })
                .into(),
            cause_evidence_seqs: vec![Seq(80)],
            ..Death::default()
        },
        removed_by: Some(actor()),
        usage: Usage { memory_peak_bytes: Some(4096), oom_kills: Some(0), ..Usage::default() },
        inferred: false,
        never_started: Some(true),
        after_gap: true,
        rmdir_seq: Some(Seq(90)),
        evidence_seqs: vec![Seq(3), Seq(90)],
    };
    let expected = [
        r#"runtime "docker""#,
        r#"container_id "0123abcd""#,
        "seq 90",
        "ts 1700000000000000009 ns",
        "boot_ns 77",
        "hierarchy_id 0",
        "cgroup_id 1099511627776",
        r#"cgroup_path "/docker/0123abcd""#,
        "cgroup_path_truncated true",
        "created_seq 3",
        "created_at -5 ns",
        "lifetime_ns 60",
        r#"oci_runtime "runc""#,
        r#"containerd_namespace "shop""#,
        r#"container_name "web-1""#,
        r#"image_name "nginx:1""#,
        r#"image_digest "sha256:55""#,
        r#"pod_namespace "shop""#,
        "sandbox false",
        r#"labels {"tier": "front"}"#,
        "init_pid 42",
        "started_at -4 ns",
        "restart_count 2",
        "removed_by_pid 41",
        "removed_by_uid 0",
        r#"removed_by_comm "runc""#,
        r#"removed_by_parent_comm "containerd-shim""#,
        r#"removed_by_argv ["runc", "delete"]"#,
        "removed_by_argv_truncated true",
        r#"cause "oom_killed""#,
        r#"cause_known_by "kernel""#,
        "exit_signal 9",
        r#"signal_origin "kernel""#,
        "reported_exit_code 137",
        r#"reported_by "docker_event""#,
        "core_dumped false",
        "exited_at 8 ns",
        "oom_killed true",
        r#"oom_limit_scope "ancestor""#,
        r#"oom_limit_cgroup_path "/docker""#,
        "killed_by_pid 41",
        "killed_by_uid 0",
        "killed_by_loginuid 1000",
        r#"killed_by_comm "runc""#,
        r#"killed_by_argv ["runc", "delete"]"#,
        "killed_by_argv_truncated true",
        r#"requested_by ["bash[41]", "runc kill"]"#,
        "requested_at [-7 ns, 6 ns]",
        "signals []",
        "signals_total 40",
        "cause_evidence_seqs [80]",
        "memory_peak_bytes 4096",
        "oom_kills 0",
        r#"identified_by "oci_argv""#,
        r#"conflicts ["path: container_id ff"]"#,
        "inferred false",
        "never_started true",
        "after_gap true",
        "rmdir_seq 90",
        "evidence_seqs [3, 90]",
    ];
    assert_eq!(encoded(Row::Remove(row), Table::ContainerRemove), expected);
}

#[test]
fn container_create() {
    let row = ContainerCreate {
        seq: Seq(4),
        ts: WallNs(8),
        boot_ns: BootNs(7),
        identity: Identity { runtime: None, conflicts: Vec::new(), ..identity() },
        place: place(),
        created_seq: Seq(3),
        created_by: Some(ActorCopy { argv: Vec::new(), ..actor() }),
        inferred: false,
        after_gap: false,
        evidence_seqs: Vec::new(),
    };
    let found = encoded(Row::Create(row), Table::ContainerCreate);
    let has = |cell: &str| found.iter().any(|found| found == cell);
    assert!(has("created_seq 3") && has("created_by_pid 41") && has(r#"created_by_parent_comm "containerd-shim""#));
    assert!(
        !found.iter().any(|cell| cell.starts_with("created_by_argv ") || cell.starts_with("runtime")),
        "absent is null"
    );
    assert!(has("conflicts []") && has("evidence_seqs []"), "none is an empty list: {found:?}");
}

#[test]
fn existing_container() {
    let row = ExistingContainer {
        seq: Seq(2),
        ts: WallNs(8),
        boot_ns: BootNs(7),
        identity: identity(),
        place: place(),
        first_seen_seq: Seq(1),
        created_at: Some(WallNs(6)),
        evidence_seqs: vec![Seq(1)],
    };
    let found = encoded(Row::Existing(row), Table::ExistingContainer);
    for cell in ["first_seen_seq 1", "init_pid 42", "created_at 6 ns", r#"identified_by "oci_argv""#] {
        assert!(found.iter().any(|found| found == cell), "{cell} in {found:?}");
    }
}

#[test]
fn disagreement() {
    let said = |by, value: Option<&str>, at| ReportedValue { by, value: value.map(Into::into), at: Some(WallNs(at)) };
    let row = Disagreement {
        seq: Seq(9),
        ts: WallNs(8),
        boot_ns: BootNs(7),
        identity: identity(),
        place: place(),
        aspect: DisagreementKind::Existence,
        said: said(ReportSource::KERNEL, Some("gone"), 8),
        other: said(ReportSource::event(Source::Docker), Some("running"), -3),
        difference_ns: Some(-11),
        evidence_seqs: vec![Seq(9), Seq(12)],
    };
    let expected = [
        r#"runtime "docker""#,
        r#"container_id "0123abcd""#,
        "seq 9",
        "ts 8 ns",
        "boot_ns 7",
        "hierarchy_id 0",
        "cgroup_id 1099511627776",
        r#"cgroup_path "/docker/0123abcd""#,
        "cgroup_path_truncated true",
        r#"containerd_namespace "shop""#,
        r#"container_name "web-1""#,
        r#"image_name "nginx:1""#,
        r#"pod_namespace "shop""#,
        r#"aspect "existence""#,
        r#"source "kernel""#,
        r#"value "gone""#,
        "value_at 8 ns",
        r#"other_source "docker_event""#,
        r#"other_value "running""#,
        "other_value_at -3 ns",
        "difference_ns -11",
        "evidence_seqs [9, 12]",
    ];
    assert_eq!(encoded(Row::Disagreement(row), Table::Disagreement), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Derived tables come back cell by cell, from journals and from parts.
    #[test]
    fn derived_tables_come_back(rows in vec(strategies::row(5), 1..16)) {
        let scratch = Scratch::new();
        let mut writer = CaseWriter::create(&scratch.case(), kit::manifest(), WriterOptions::default()).unwrap();
        let mut builder = RowsBuilder::new();
        rows.iter().for_each(|row| builder.append(row));
        let written = builder.finish().unwrap();
        written.iter().for_each(|(table, batch)| writer.append(*table, batch).unwrap());
        let same = |case: &Case| {
            for (table, batch) in &written {
                let found: Vec<_> = case.batches(*table).map(Result::unwrap).collect();
                let [found] = found.as_slice() else { panic!("one batch of {table}") };
                for (row, index) in (0..batch.num_rows()).flat_map(|r| (0..batch.num_columns()).map(move |c| (r, c))) {
                    let field = batch.schema().field(index).name().clone();
                    let column = found.column_by_name(&field).unwrap();
                    assert_eq!(cell(column, row), cell(batch.column(index), row), "{field}");
                }
            }
        };
        // Until then they wait for their records.
        writer.sync().unwrap();
        same(&Case::open(&scratch.case()).unwrap());
        writer.close(|_| {}).unwrap();
        same(&Case::open(&scratch.case()).unwrap());
    }
}
