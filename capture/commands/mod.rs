//! The commands, one module each.

pub mod check;
pub mod demo;
pub(crate) mod follow;
pub mod run;
