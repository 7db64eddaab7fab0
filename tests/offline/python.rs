//! Programs of `tests/analysis` and `tests/exports`, which know nothing of this project's code.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs a program of `tests/analysis`. Returns whether it found everything as it should be, and
/// what it said.
pub fn analysis<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> (bool, String) {
    run("OBIT_PYTHON", "target/venv", "tests/analysis", program, arguments)
}

/// Runs a program of `tests/exports`, in the environment that has the consumers of exports.
pub fn exports<A: AsRef<OsStr>>(program: &str, arguments: impl IntoIterator<Item = A>) -> (bool, String) {
    run("OBIT_EXPORTS_PYTHON", "target/venv-exports", "tests/exports", program, arguments)
}

fn run<A: AsRef<OsStr>>(
    variable: &str,
    environment: &str,
    folder: &str,
    program: &str,
    arguments: impl IntoIterator<Item = A>,
) -> (bool, String) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os(variable).map_or_else(|| root.join(environment).join("bin/python"), PathBuf::from);
    let output = Command::new(&python).arg(root.join(folder).join(program)).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{}: {error}: run `make venv`", python.display()));
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).concat();
    (output.status.success(), said)
}
