//! What a case proves: closed after a cut-off, signed, anchored, and tampered with in every way that comes to mind.

#[allow(dead_code)]
#[path = "../replay_commands/case.rs"]
mod case;
#[allow(dead_code)]
#[path = "../replay_commands/program.rs"]
mod program;

mod closing;
mod dropping;
mod keys;
mod tampering;
