//! The last line against files that somebody made to break a reader.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a decoder of a library over bytes that anyone may have written. The decoders promise errors; where one panics
/// instead, that is an error too: the rest of the case can still be read. What the decoder was doing is given up then,
/// so nothing half-done is seen.
pub(crate) fn guarded<T, E: Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the decoder gave up on it".to_owned()),
    }
}
