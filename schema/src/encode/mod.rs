//! Records and rows into Arrow batches.

mod batch_builder;
mod body;
mod cgroupfs;
mod events;
mod rows;
mod runtime;

pub use cgroupfs::CgroupfsBuilder;
pub use events::EventsBuilder;
pub use rows::RowsBuilder;
pub use runtime::RuntimeBuilder;
