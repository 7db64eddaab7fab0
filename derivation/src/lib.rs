//! The derivation: finds the containers that began or ended, from records alone.
//!
//! [`Fold`] maps records, in the order of their [`Seq`], to [`Row`]s. `obit-capture` runs it while
//! it records and `obit-replay` runs it again from a case; both must reach the same rows. So this
//! crate has no dependencies and no `std`: a clock, a file, the environment, a thread or a hash
//! seed cannot be reached from here. Time passes only by the timestamps of records. Nothing here
//! panics, whatever the input.
//!
//! Where to look: [`record`] is the input, [`row`] the output. [`identity`] reads what a path or an
//! argument vector says of a container, `claims` ranks what sources say of it, `containers` is the
//! table of lives, [`ending`] finds why a life ended, [`fold`] turns records into rows with these,
//! and [`profile`] names other rules that do.

#![no_std]
#![forbid(unsafe_code)]
#![warn(missing_docs)]

extern crate alloc;

mod claims;
mod containers;
pub mod ending;
pub mod fold;
pub mod identity;
pub mod profile;
mod rate;
pub mod record;
pub mod row;
mod small_list;
pub mod tracee;

pub use fold::Fold;
pub use profile::{Derive, Profile};
pub use rate::RateAccount;
pub use record::{BootNs, CgroupId, CgroupKey, HierarchyId, Record, Seq, WallNs};
pub use row::Row;
