//! A sentence of a story.

use obit_derivation::WallNs;

/// A sentence of a story.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StorySentence {
    /// The time of what it tells, by the wall clock.
    pub at: Option<WallNs>,
    /// The words.
    pub text: String,
    /// The `seq` of each record that it can be traced to, ascending.
    pub records: Vec<u64>,
}

impl StorySentence {
    /// Makes a sentence without a time.
    pub(super) fn new(text: impl Into<String>, records: Vec<u64>) -> Self {
        Self { at: None, text: text.into(), records }
    }

    /// Makes a sentence about something that happened then.
    pub(super) fn at(at: WallNs, text: impl Into<String>, records: Vec<u64>) -> Self {
        Self { at: Some(at), text: text.into(), records }
    }
}
