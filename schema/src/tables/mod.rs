//! The tables of a case. A file of its own declares each: its columns in file order, documented.
//! Columns that several tables share are in [`identity`], [`place`], [`death`] and [`usage`];
//! [`answer`] holds the columns of what a runtime says.

pub(crate) mod answer;
pub(crate) mod cgroupfs;
pub(crate) mod container_create;
pub(crate) mod container_exit;
pub(crate) mod container_remove;
pub(crate) mod death;
mod declare;
pub(crate) mod disagreement;
pub(crate) mod events;
pub(crate) mod existing_container;
pub(crate) mod identity;
pub(crate) mod place;
pub(crate) mod runtime;
mod schema;
mod table;
pub(crate) mod usage;

pub use crate::column::Column;
pub(crate) use declare::TableColumns;
pub use table::Table;
