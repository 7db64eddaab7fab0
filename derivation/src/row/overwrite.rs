//! Texts written into the memory of texts before them.
//!
//! Nearly all rows are of two kinds, and have texts about as long as those of the row before. New
//! memory for each row costs the derivation of docker's containers 9 per cent and of pods 15 per
//! cent.

use alloc::string::String;

/// Writes a text into the memory of another.
pub(crate) fn overwrite(text: &mut String, by: &str) {
    text.clear();
    text.push_str(by);
}

/// Writes a text that may be absent into the memory of another.
#[inline(always)] // most are absent, and were
pub(crate) fn overwrite_option(text: &mut Option<String>, by: Option<&str>) {
    match (text, by) {
        (None, None) => {}
        (Some(text), Some(by)) => overwrite(text, by),
        (text, by) => *text = by.map(String::from),
    }
}
