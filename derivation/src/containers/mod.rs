//! The table of lives: directories of containers, the lives they belong to, and how both are found.
//!
//! [`Containers`] is the whole of it. It knows nothing of walks, pending claims or the output:
//! those are the fold's.

mod directory;
mod end;
mod id_key;
mod init;
mod life;
mod life_index;
mod life_rows;
mod life_table;
mod matching;
mod table;
mod usage;

pub(crate) use directory::{DirectoryRole, TrackedDirectory};
pub(crate) use end::{Exit, ExitEvidence};
pub(crate) use life::{Life, Origin, Stage};
pub(crate) use life_table::LifeId;
pub(crate) use table::{Containers, LifeStart};
