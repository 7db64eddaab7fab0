//! Writing a case.
//!
//! Each batch goes into the journal of its table and into the open part at once; the part is sealed by rows or by age,
//! and its journal removed. At any moment the case on disk can be read: sealed parts, and the journals up to their last
//! whole batch.
//!
//! Every call may be repeated after an error: what was done stays done, what was not is tried again.

mod case_writer;
mod reserve;
mod resume;
mod segments;
mod table;

pub use self::case_writer::{CaseSummary, CaseWriter, WriterOptions};
pub use crate::counts::count;
