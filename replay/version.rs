//! The version of this program.

use std::sync::LazyLock;

/// Returns the version with the commit that this program was built from, as `--version` prints it.
/// A source tree outside git has no commit.
pub fn version() -> &'static str {
    static VERSION: LazyLock<String> = LazyLock::new(|| {
        let commit = option_env!("OBIT_GIT_COMMIT").unwrap_or("unknown");
        format!("{} (git commit {commit})", env!("CARGO_PKG_VERSION"))
    });
    &VERSION
}
