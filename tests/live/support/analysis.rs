//! Check in Python: DuckDB, pandas and pyarrow read a case without any code of this project.

use std::path::{Path, PathBuf};
use std::process::Command;

use obit_test_engines::output;

/// Expects `tests/analysis/check_case.py` to find nothing wrong with a case.
pub fn assert_readable_elsewhere(case: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let python = std::env::var_os("OBIT_PYTHON").map_or_else(|| root.join("target/venv/bin/python"), PathBuf::from);
    assert!(
        python.exists(),
        "{} is missing: run `make venv` (or set OBIT_PYTHON to a Python with duckdb, pandas and pyarrow)",
        python.display()
    );
    let output = output(
        Command::new(&python)
            .arg(root.join("tests/analysis/check_case.py"))
            .arg(case)
            .arg("--readme")
            .arg(root.join("README.md"))
            .arg("--format")
            .arg(root.join("docs/case-format.md"))
            .arg("--obit-replay")
            .arg(env!("CARGO_BIN_EXE_obit-replay")),
    );
    assert!(
        output.status.success(),
        "{}: {}\n{}{}",
        case.display(),
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}
