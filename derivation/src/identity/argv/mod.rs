//! The argument vector of an OCI runtime, and the container that it names.
//!
//! `program` knows the programs, `tables` their options, and `options` reads arguments as each
//! runtime's parser does. `command_line` joins them: it reads an argument vector once, for
//! [`parse`] and for [`recordable`]. `caller` knows which engine gives a runtime which directories,
//! `container_id` each runtime's grammar of ids. `lxc` reads the command lines of LXC's monitor,
//! which stands for LXC where the others have an OCI runtime.
//!
//! Whoever starts a process writes its arguments. So whatever does not fit the runtime's own
//! grammar gives nothing rather than a guess.

mod caller;
mod command_line;
mod container_id;
mod invocation;
mod invocation_cache;
mod lxc;
mod options;
mod program;
mod tables;
mod verb;

pub use command_line::{parse, recordable};
pub use invocation::Invocation;
pub(crate) use invocation_cache::InvocationCache;
pub use options::SEAM;
pub use program::is_oci_runtime;
pub use verb::Verb;
