//! docs/case-format.md against the declarations.

use std::fs;
use std::path::PathBuf;

use obit_derivation::identity::{Engine, OciRuntime};
use obit_derivation::record::{
    CgroupEventKind, ClockReason, KernelEventKind, Outcome, SignalOrigin, SignalResult, SnapshotReason, Source,
};
use obit_derivation::row::{Cause, DisagreementKind, KnownBy, LimitScope};
use obit_schema::{Table, kind};

fn path() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/case-format.md")
}

/// The columns of a table as the document lists them.
fn columns(table: Table) -> String {
    let mut lines = "| column | type | | |\n|---|---|---|---|\n".to_owned();
    for column in table.columns() {
        let need = if column.nullable { "optional" } else { "required" };
        let doc = column.doc.split_whitespace().collect::<Vec<_>>().join(" ").replace('|', "\\|");
        lines.push_str(&format!("| `{}` | {} | {need} | {doc} |\n", column.name, column.type_name));
    }
    lines
}

/// `BLESS=1` writes the declared columns into the document; review the difference.
#[test]
fn columns_are_documented_as_they_are_declared() {
    let mut document = fs::read_to_string(path()).unwrap();
    for table in Table::ALL {
        let begin = format!("<!-- columns: {table} -->\n");
        let start = document.find(&begin).unwrap_or_else(|| panic!("no columns of {table}")) + begin.len();
        let end = start + document[start..].find("<!-- end -->").unwrap();
        if std::env::var_os("BLESS").is_some() {
            document.replace_range(start..end, &columns(table));
        } else {
            assert_eq!(&document[start..end], columns(table), "{table}: review, then BLESS=1 cargo test");
        }
    }
    if std::env::var_os("BLESS").is_some() {
        fs::write(path(), document).unwrap();
    }
}

/// The names in the first column of the table that follows the line which begins so.
fn documented(heading: &str) -> Vec<String> {
    let document = fs::read_to_string(path()).unwrap();
    let rest = document.split_once(&format!("\n{heading}")).unwrap_or_else(|| panic!("no {heading}")).1;
    let rows = rest.lines().skip_while(|line| !line.starts_with("| `")).take_while(|line| line.starts_with("| `"));
    rows.map(|row| row.trim_start_matches("| `").split_once('`').unwrap().0.to_owned()).collect()
}

#[test]
fn every_value_of_every_enum_is_documented() {
    let names = |all: &[&str]| all.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let mut kinds: Vec<_> = CgroupEventKind::ALL.iter().map(|kind| kind.as_str()).collect();
    kinds.extend(KernelEventKind::OF_PROCESSES.map(KernelEventKind::as_str));
    kinds.extend([kind::LOST, kind::THINNED, kind::CLOCK, kind::CAPTURE_START, kind::CAPTURE_STOP]);
    kinds.extend([kind::SEGMENT_BEGIN, kind::CARRIED, kind::SNAPSHOT_BEGIN, kind::SNAPSHOT_FAILED, kind::SNAPSHOT_END]);
    assert_eq!(documented("`kind` of raw/events"), names(&kinds));
    let reasons: Vec<_> = SnapshotReason::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`reason` of raw/events"), names(&reasons));
    let origins: Vec<_> = SignalOrigin::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`signal_origin` of raw/events, container_exit and container_remove"), names(&origins));
    let readings: Vec<_> = ClockReason::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`clock_reason` of raw/events"), names(&readings));
    let results: Vec<_> = SignalResult::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`signal_result` of raw/events"), names(&results));
    let causes: Vec<_> = Cause::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`cause` of container_exit and container_remove"), names(&causes));
    let known: Vec<_> = KnownBy::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`cause_known_by` of container_exit and container_remove"), names(&known));
    let scopes: Vec<_> = LimitScope::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`oom_limit_scope` of container_exit and container_remove"), names(&scopes));
    let aspects: Vec<_> = DisagreementKind::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`aspect` of disagreement"), names(&aspects));
    let sources: Vec<_> = Source::ALL.iter().filter(|source| source.is_runtime()).map(|value| value.as_str()).collect();
    assert_eq!(documented("`source` of raw/runtime"), names(&sources));
    let outcomes: Vec<_> = Outcome::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`outcome` of raw/cgroupfs"), names(&outcomes));
    let runtimes: Vec<_> = Engine::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`runtime` of every table"), names(&runtimes));
    let oci: Vec<_> = OciRuntime::ALL.iter().map(|value| value.as_str()).collect();
    assert_eq!(documented("`oci_runtime` of the derived"), names(&oci));
    let claims: Vec<_> = Source::ALL.iter().filter(|source| source.is_claimant()).map(|value| value.as_str()).collect();
    assert_eq!(documented("`identified_by` of the derived"), names(&claims));
}

#[test]
fn the_versions_are_those_of_this_build() {
    let document = fs::read_to_string(path()).unwrap();
    let (format, schema) = (obit_case::FORMAT, obit_schema::SCHEMA_VERSION);
    assert!(document.contains(&format!("Version {format} of the layout, schema {schema} of the tables.")));
}
