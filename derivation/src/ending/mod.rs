//! Why a container ended: the exit of its init, the signals sent to it and the OOM killer, joined.
//!
//! [`DeathEvidence`] gathers the records about one life of a container. [`write_verdict`] reads
//! them when a row about the end is made. The fold decides which container a record belongs to, and
//! which process is the init; nothing here asks that.
//!
//! `verdict` answers what ended the init, `author` who killed it and who ordered that, `order` puts
//! the steps of the order together, `oom_limit` tells whose memory limit it was, and [`reports`]
//! compares what daemons and files say with all this.

mod author;
mod description;
mod evidence;
mod input;
mod oom_limit;
mod order;
pub mod reports;
mod signal;
mod verdict;

pub(crate) use evidence::{DeathEvidence, NamespaceEnd, ProcessExit};
pub(crate) use input::{ProgramStart, VerdictInput};
pub(crate) use oom_limit::RootPath;
pub use signal::{SIGHUP, SIGINT, SIGKILL, SIGQUIT, SIGTERM, signal_name, signal_number};
pub(crate) use verdict::write_verdict;
