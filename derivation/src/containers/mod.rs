//! The table of lives: directories of containers, the lives they belong to, and how both are found.
//!
//! [`Containers`] is the whole of it. It knows nothing of walks, pending claims or the output:
//! those are the fold's.

mod directory;
mod end;
mod id_key;
mod init;
mod life;
mod life_id;
mod life_index;
mod life_rows;
mod life_start;
mod life_table;
mod matching;
mod origin;
mod table;
mod usage;
mod user_shares;

pub(crate) use directory::{DirectoryRole, TrackedDirectory};
pub(crate) use end::{Exit, ExitEvidence};
pub(crate) use life::Life;
pub(crate) use life_id::LifeId;
pub(crate) use life_start::LifeStart;
pub(crate) use origin::{Origin, Stage};
pub(crate) use table::Containers;
