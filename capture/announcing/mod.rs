//! Rows as they are decided, for programs that watch: into the system's journal, or a file.
//!
//! A process of its own writes them, which has nothing but its target; the recorder starts it
//! before it attaches. A target that is slow, full or hangs loses rows there, and holds up no
//! record: the case has the rows, and the number of those that the target lacks.

mod announcer;
mod file_target;
mod journal_target;
mod process;
mod service;
mod target;

pub use self::announcer::{AnnouncementQueue, AnnouncementReport, Announcer};
pub use self::process::AnnouncingProcess;
pub use self::service::run;
pub use self::target::{AnnouncementTarget, parse_file_format};

/// Name of the hidden command that is the process.
const COMMAND: &str = "announce-rows";

/// Answer of the process to rows that the target has.
const WRITTEN: u8 = b'+';
/// Answer of the process to rows that the target did not take.
const REFUSED: u8 = b'-';
