//! Each format, read by its consumers.

use crate::golden::Golden;
use crate::python::exports;

use super::hostile;

/// Runs the check of a format over every golden case and the hostile one.
fn check(program: &str) {
    let hostile = hostile::case();
    let golden = Golden::all();
    let cases = golden.iter().map(Golden::arg).chain([hostile.arg().to_owned()]);
    let arguments = [env!("CARGO_BIN_EXE_obit-replay").to_owned()].into_iter().chain(cases);
    let (holds, said) = exports(program, arguments);
    assert!(holds && !said.starts_with("0 checks"), "{said}");
}

#[test]
fn timesketch_reads_each_instant_once() {
    check("check_timesketch.py");
}

#[test]
fn documents_have_the_fields_that_ecs_publishes() {
    check("check_ecs.py");
}

#[test]
fn the_schema_of_ocsf_finds_no_error() {
    check("check_ocsf.py");
}

#[test]
fn the_protobufs_of_opentelemetry_parse_each_record() {
    check("check_otlp.py");
}

#[test]
fn the_protobufs_of_perfetto_parse_each_trace() {
    check("check_perfetto.py");
}

#[test]
fn rules_of_sigma_match_the_ends_that_they_describe_and_no_others() {
    check("check_sigma.py");
}

#[test]
fn a_lake_has_the_events_of_ocsf_by_day() {
    check("check_security_lake.py");
}
