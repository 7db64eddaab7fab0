//! The files of OCI runtimes about a container: the bundle's `config.json` and the runtime's own
//! state.
//!
//! All of it is a claim of whoever could write the file. Sizes are bounded, links in the last
//! component are not followed, and what is kept goes through allow-lists: environment, arguments
//! and free annotations carry secrets.

use std::time::Duration;

mod annotations;
mod bundle;
mod cgroup_paths;
mod engine;
mod engine_files;
mod file;
mod files;
mod scan;
mod state;

pub use self::files::OciFiles;
pub use self::scan::{default_state_root, scan};

/// Longest time that a reading may take. It is not waited for any longer, and recorded as without
/// an answer.
pub const READ_LIMIT: Duration = Duration::from_secs(2);
