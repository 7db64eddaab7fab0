//! Exports, read by the programs that they are for.
//!
//! `tests/exports` has a check for each format, which reads exports of every golden case and of one
//! with hostile names through the format's own libraries, and compares them with derived rows.

mod consumers;
mod document;
mod hostile;
mod template;
