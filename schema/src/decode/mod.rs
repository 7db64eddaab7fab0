//! Arrow batches into records, without copying text.
//!
//! A batch comes from a file that anyone may have written. Columns are found by name and checked
//! once for each batch; a column that is not there reads as null, as columns are only ever added.
//! Nothing here panics or trusts a length.

mod batch_view;
mod cgroupfs;
mod events;
mod raw_view;
mod row_kind;
mod runtime;

pub use cgroupfs::CgroupfsView;
pub use events::EventsView;
pub use raw_view::RawView;
pub use runtime::RuntimeView;
