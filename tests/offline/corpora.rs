//! Inputs that a fuzzer found interesting, checked again without a fuzzer: see fuzz/.

#[path = "../../fuzz/src/lib.rs"]
mod fuzz;

use std::fs;
use std::path::Path;

/// Gives each file of a corpus to a check.
fn replay(corpus: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(corpus);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        check(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

#[test]
fn arguments_of_oci_runtimes() {
    replay("argv", fuzz::argv::check);
}

#[test]
fn files_of_cases() {
    replay("case", fuzz::case::check);
}

#[test]
fn files_of_oci_runtimes() {
    replay("oci", fuzz::oci::check);
}

#[test]
fn paths_of_cgroups() {
    replay("paths", fuzz::paths::check);
}

#[test]
fn records_of_the_ring_buffer() {
    replay("wire", fuzz::wire::check);
}
