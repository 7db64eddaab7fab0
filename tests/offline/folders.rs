//! The folder of each table of a case is one table to programs that know nothing of obit.

use std::path::Path;

use crate::case::{self, Recorder};
use crate::golden::Golden;
use crate::python::analysis;

/// Expects each folder of the case to give its table, whole and alone.
#[track_caller]
pub fn assert_one_table_a_folder(case: &Path) {
    let (holds, said) = analysis("folders.py", [case.as_os_str(), env!("CARGO_BIN_EXE_obit-replay").as_ref()]);
    assert!(holds && said.contains("rows in 8 folders"), "{}: {said}", case.display());
}

#[test]
fn each_folder_of_a_closed_case_is_one_table() {
    let mut recorder = Recorder::with_part_rows(3);
    case::everyday_into(&mut recorder);
    assert_one_table_a_folder(&recorder.close().path);
}

#[test]
fn each_folder_of_a_recorded_case_is_one_table() {
    let cases: Vec<_> = Golden::all().into_iter().filter(|case| case.manifest()["format"]["major"] == 2).collect();
    assert!(!cases.is_empty(), "no golden case has a folder for each table");
    for case in cases.iter().filter(|case| case.is_closed()) {
        assert_one_table_a_folder(Path::new(&case.arg()));
    }
}
