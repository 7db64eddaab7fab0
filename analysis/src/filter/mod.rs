//! Filters of derived rows, and moments as people write them.

mod time;

pub use obit_filter::{
    IdPattern, IdentityFilter, ImagePattern, KillerPattern, MIN_PREFIX_CHARACTERS, PodPattern, RowFilter, TextPattern,
    is_in_namespace,
};
pub use time::{TimeArgument, TimeArgumentError};
