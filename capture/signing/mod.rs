//! The process that holds the key. It reads nothing that daemons, users or the kernel write: only
//! what the recorder asks it to sign, which must be a message about the recorder's one case.
//!
//! The recorder starts it before it attaches, hands it the open file of the key, and has no
//! descriptor on it afterwards. Messages and signatures go over one pair of sockets; the process
//! ends when the recorder's end is closed.

mod process;
mod service;

pub use self::process::SigningProcess;
pub use self::service::run;

/// Name of the hidden command that is the process.
const COMMAND: &str = "sign-lines";

/// The path that stands for standard input.
const STANDARD_INPUT: &str = "-";
