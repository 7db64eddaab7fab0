//! Reports of daemons and files about a container's end, and where they contradict the kernel or
//! each other.
//!
//! [`EndReports`] gathers the reports about one life. Their rows are made once: with the row of the
//! end or, for containers that have not ended, at the end of the log.

mod compare;
mod end_report;

pub(crate) use compare::{ToldEnd, disagreement_of_live, disagreements_at_end};
pub use end_report::TOLERANCE_NS;
pub(crate) use end_report::{EndReport, EndReports, NO_REPORTS};
