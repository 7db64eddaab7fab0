//! Tests that need neither root nor a kernel: `obit-replay` as its users run it, cases on disk, and
//! the source itself.

mod case;
mod program;
mod terminal;

#[cfg(feature = "capture")]
mod corpora;
mod evidence;
mod excerpts;
mod exports;
mod folders;
mod golden;
mod hostile;
mod page;
mod properties_case;
mod python;
mod replay_commands;
mod tidy;
