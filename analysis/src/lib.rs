//! What can be asked of a case, as values and iterators: which rows follow from it, whether they are those that were
//! recorded, by which rule and from which records. Nothing is printed here; `obit-replay` is a command line over this crate.

#![forbid(unsafe_code)]

pub mod compare;
pub mod derive;
pub mod evidence;
pub mod explain;

pub mod problems;
pub mod profile;
