//! Prints the JSON of an answer.

use std::io::Write as _;

use anyhow::Context;
use obit_schema::text::json;
use serde::Serialize;

use super::messages::print_verdict;

/// The layout of a value that is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JsonLayout {
    /// Indented, over several lines: for one value.
    Indented,
    /// On a line of its own: for one of several values.
    Line,
}

impl JsonLayout {
    /// Returns the layout of so many values.
    pub fn of(values: usize) -> Self {
        if values == 1 { Self::Indented } else { Self::Line }
    }
}

/// Prints a value on standard output, indented. A reader that closes the pipe early does not change
/// the exit code.
pub fn print(value: &impl Serialize) -> anyhow::Result<()> {
    print_as(value, JsonLayout::Indented)
}

/// Prints a value on standard output in this layout, as [`print`] does.
pub fn print_as(value: &impl Serialize, layout: JsonLayout) -> anyhow::Result<()> {
    let mut text = Vec::new();
    match layout {
        JsonLayout::Indented => json::write_pretty(value, &mut text),
        JsonLayout::Line => json::write(value, &mut text),
    }
    .context("cannot write JSON")?;
    writeln!(text)?;
    // The serializer writes UTF-8 only, so no byte is replaced.
    print_verdict(&String::from_utf8_lossy(&text))
}
