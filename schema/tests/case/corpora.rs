//! What a fuzzer found interesting, run again without one: see fuzz/.

use std::fs;
use std::path::Path;

#[path = "../../../fuzz/src/argv.rs"]
mod argv;
#[path = "../../../fuzz/src/case.rs"]
mod case;
#[path = "../../../fuzz/src/paths.rs"]
mod paths;

/// Gives each file of a corpus to a check.
fn replay(corpus: &str, check: impl Fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(corpus);
    let mut files = 0;
    for entry in fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        check(&fs::read(entry.unwrap().path()).unwrap());
        files += 1;
    }
    assert!(files > 0, "{} is empty", folder.display());
}

#[test]
fn arguments_of_oci_runtimes() {
    replay("argv", argv::check);
}

#[test]
fn paths_of_cgroups() {
    replay("paths", paths::check);
}

#[test]
fn files_of_cases() {
    replay("case", case::check);
}
