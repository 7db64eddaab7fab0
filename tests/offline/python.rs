//! Programs of `tests/analysis`, which know nothing of this project's code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program of `tests/analysis`. Returns whether it found everything as it should be, and
/// what it said.
pub fn analysis<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("OBIT_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    let output = Command::new(&python).arg(root.join("tests/analysis").join(program)).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: run `make venv`", python.display()));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}
