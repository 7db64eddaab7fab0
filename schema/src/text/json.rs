//! JSON that is safe to look at: characters that a terminal may act on are written as `\uXXXX`,
//! which every reader turns back.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{CompactFormatter, Formatter, PrettyFormatter};

use super::printable::{is_hazard, is_plain};

/// Writes a value on one line, without a line feed.
pub fn write(value: &impl Serialize, output: &mut impl Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(output, Safe(CompactFormatter));
    Ok(value.serialize(&mut serializer)?)
}

/// Writes a value indented, without a line feed at the end.
pub fn write_pretty(value: &impl Serialize, output: &mut impl Write) -> io::Result<()> {
    let mut serializer = serde_json::Serializer::with_formatter(output, Safe(PrettyFormatter::new()));
    Ok(value.serialize(&mut serializer)?)
}

/// Returns a value as JSON text on one line.
pub fn to_string(value: &impl Serialize) -> serde_json::Result<String> {
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut text, Safe(CompactFormatter));
    value.serialize(&mut serializer)?;
    // The serializer writes UTF-8 only, so no byte is replaced.
    Ok(String::from_utf8_lossy(&text).into_owned())
}

/// A formatter of serde_json's, with hazards in strings escaped as well.
struct Safe<F>(F);

impl<F: Formatter> Formatter for Safe<F> {
    /// Writes a part of a string that JSON itself does not escape.
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        if is_plain(fragment) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut plain_from = 0;
        for (at, character) in fragment.char_indices().filter(|(_, character)| is_hazard(*character)) {
            writer.write_all(&fragment.as_bytes()[plain_from..at])?;
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            plain_from = at + character.len_utf8();
        }
        writer.write_all(&fragment.as_bytes()[plain_from..])
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }
    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }
    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }
    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }
    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }
    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }
    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }
    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hazards_are_escaped_and_come_back_whole() {
        for text in ["", "plain", "größe", "\u{202e}a\u{200b}", "\u{9b}31m\x7f", "a\u{e0041}b", "\"\\\n\u{feff}", "\0"]
        {
            let written = to_string(&text).expect("a string");
            assert!(!written.chars().any(is_hazard), "{written:?}");
            assert_eq!(serde_json::from_str::<String>(&written).expect("valid JSON"), text);
        }
        assert_eq!(to_string(&"\u{202e}").expect("a string"), r#""\u202e""#);
    }

    #[test]
    fn pretty_output_is_the_same_value() {
        let value = serde_json::json!({"a": [1, {"b": "\u{202e}"}], "c": null});
        let mut pretty = Vec::new();
        write_pretty(&value, &mut pretty).expect("a Vec takes all");
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&pretty).expect("valid JSON"), value);
        assert!(pretty.contains(&b'\n'));
    }
}
