//! Writes a case.
//!
//! Each batch goes into the journal of its table and into the open part at once. The writer seals a
//! part by rows or by age, and then removes its journal. At any moment the case on disk can be
//! read: its sealed parts, and its journals up to their last whole batch.
//!
//! Every call may be repeated after an error: what was done stays done, what was not is tried
//! again.

mod case_writer;
mod closing;
mod folders;
mod head_signing;
mod manifest_store;
mod open_tables;
mod options;
mod removals;
mod reserve;
mod resume;
mod segments;
mod table;

pub use self::case_writer::CaseWriter;
pub use self::options::{CaseSummary, WriterOptions};
