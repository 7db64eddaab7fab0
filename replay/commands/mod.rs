//! The commands, one module each.

pub mod close;
pub mod derive;
pub mod diff;
pub mod disclose;
pub mod explain;
pub mod export;
pub mod extract;
pub mod handover;
pub mod identify;
pub mod info;
pub mod inventory;
pub mod report;
pub mod schema;
pub mod triage;
pub mod verify;
