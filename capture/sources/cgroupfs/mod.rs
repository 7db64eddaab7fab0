//! Reading of cgroupfs: [`walk()`] reads a whole hierarchy, [`read_directory`] one directory of it.

mod contents;
mod directory;
mod walk;

pub(crate) use directory::open_directory;
pub use directory::read_directory;
pub use walk::walk;
