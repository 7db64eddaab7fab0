//! The text of an explanation: lines without indentation of their own, and nothing printed.

pub mod record;
pub mod rule;
pub mod usage;
