//! The commands, a module each.

pub mod check;
pub mod demo;
mod follow;
pub mod run;
