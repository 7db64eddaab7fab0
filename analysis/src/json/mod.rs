//! Answers as JSON for programs: a type each, with its JSON Schema.
//!
//! A field is never left out: what is not known is null. Names and meanings stay; new fields may
//! come.

mod comparison;
pub mod diff;
pub mod explain;
mod identity;
pub mod inventory;
mod origin;
pub mod problems;
mod proof;
pub mod schema;
pub mod subject;
pub mod triage;
pub mod verify;
