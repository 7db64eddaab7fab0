//! The kernel's events: the BPF programs and how they are attached, and the records that they
//! write.

pub mod probe;
mod skeleton;
pub mod wire;
