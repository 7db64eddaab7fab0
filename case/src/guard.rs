//! Catches panics of decoders on files that somebody made to break a reader.

use std::fmt::Display;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs a decoder of a library over bytes that anyone may have written. The decoders promise
/// errors; a panic becomes an error too, so that the rest of the case can still be read. The caller
/// drops the decoder then, so nothing sees its state.
pub(crate) fn guarded<T, E: Display>(decode: impl FnOnce() -> Result<T, E>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(decode)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("the decoder gave up on it".to_owned()),
    }
}
