//! The fold: records in `seq` order in, rows out.
//!
//! A `cgroup_rmdir` ends a container only if the directory is that container's root. So the fold
//! remembers, for each live directory that has to do with a container, whether it is a root or
//! inside one: see `containers`. The directory above it, by id, tells where it is; claims tell who
//! it is: see `claims`. One life has a root directory on each hierarchy, and ends when the one with
//! authority goes.
//!
//! Each kind of record has a handler: [`Fold::apply`] calls it, and the handler calls `emit_…` for
//! the rows that it decides.

mod apply;
mod emit;
mod gaps;
mod ignored;
mod on_answer;
mod on_directory;
mod on_mkdir;
mod on_process;
mod on_rmdir;
mod on_state;
mod output;
mod pending;
mod pending_by_id;
mod pending_by_path;
mod segment;
mod walk;

pub use apply::{DERIVATION_VERSION, Fold};
