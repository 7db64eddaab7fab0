//! Why a container ended: the exit of its init, the signals sent to it and the OOM killer, joined.
//!
//! [`DeathEvidence`] gathers the records about one life of a container. [`write_verdict`] reads
//! them once, when the row of the end is made. The fold decides, by cgroup, which container a
//! record belongs to; nothing here asks that.
//!
//! `find_init` finds the init among the processes that ended, `verdict` answers what ended it, who
//! killed it and who ordered that, `order` puts the steps of the order together, `oom_limit` tells
//! whose memory limit it was, and [`reports`] compares what daemons and files say with all this.

mod description;
mod evidence;
mod find_init;
mod oom_limit;
mod order;
pub mod reports;
mod signal;
mod verdict;

pub(crate) use description::describe_task;
pub(crate) use evidence::DeathEvidence;
pub(crate) use oom_limit::RootPath;
pub use signal::{signal_name, signal_number};
pub(crate) use verdict::{VerdictInput, write_verdict};
