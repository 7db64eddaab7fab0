//! Names that are not UTF-8, kept reversibly as text.
//!
//! Linux names are bytes. A case holds them as UTF-8: valid text stays itself, every other byte is
//! written `\xHH` in lower case. As a byte of ill-formed UTF-8 is never below 0x80, `\x2d`
//! (systemd's escape of `-`) is no such escape and stays as it is. A literal backslash is written
//! `\x5c` only where the text after it would read as an escape of this module.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of one escape: backslash, `x`, two digits.
const ESCAPE_BYTES: usize = 4;

/// Writes any bytes as UTF-8 text, reversibly. Valid UTF-8 in which nothing looks like an escape is
/// borrowed.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    // Looking for one byte first is cheaper than looking for the two that an escape begins with.
    if let Ok(text) = str::from_utf8(bytes)
        && (!bytes.contains(&b'\\') || !text.contains("\\x"))
    {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(bytes.len() + ESCAPE_BYTES * 4);
    let mut rest = bytes;
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character == '\\' && reads_as_escape(rest) {
                out.push_str("\\x5c");
            } else {
                out.push(character);
            }
            rest = rest.get(character.len_utf8()..).unwrap_or_default();
        }
        for byte in chunk.invalid() {
            // Writing into a String cannot fail.
            let _ = write!(out, "\\x{byte:02x}");
        }
        rest = rest.get(chunk.invalid().len()..).unwrap_or_default();
    }
    Cow::Owned(out)
}

/// Returns the bytes that [`escape`] was given. Text that [`escape`] never writes gives bytes too.
pub fn unescape(text: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        match escaped_byte(rest) {
            Some(byte) => {
                out.push(byte);
                rest = rest.get(ESCAPE_BYTES..).unwrap_or_default();
            }
            None => {
                out.push(first);
                rest = tail;
            }
        }
    }
    out
}

/// Returns true if `bytes`, which start with a backslash, begin with an escape.
fn reads_as_escape(bytes: &[u8]) -> bool {
    escaped_byte(bytes).is_some()
}

/// Returns the byte that an escape at the start of `bytes` stands for: `\x5c`, or `\x80` to `\xff`.
fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = *bytes else {
        return None;
    };
    let byte = lower_hex_digit(high)? << 4 | lower_hex_digit(low)?;
    (byte >= 0x80 || byte == b'\\').then_some(byte)
}

/// Returns the value of `0`–`9`, `a`–`f`.
fn lower_hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn text_stays_itself() {
        for text in ["", "/system.slice/docker-abc.scope", "naïve/名前", r"a\b", r"\x", r"\xZZ", r"\x8"] {
            assert!(matches!(escape(text.as_bytes()), Cow::Borrowed(_)) || escape(text.as_bytes()) == text);
        }
    }

    #[test]
    fn escapes_of_systemd_stay_as_they_are() {
        let slice = r"system-systemd\x2dcoredump.slice";
        assert_eq!(escape(slice.as_bytes()), slice);
        assert_eq!(unescape(slice), slice.as_bytes());
    }

    #[test]
    fn bytes_that_are_no_text_are_escaped_one_by_one() {
        assert_eq!(escape(b"a\xff\xc3(b"), r"a\xff\xc3(b");
        assert_eq!(unescape(r"a\xff\xc3(b"), b"a\xff\xc3(b");
    }

    #[test]
    fn a_backslash_is_escaped_only_before_what_reads_as_an_escape() {
        assert_eq!(escape(br"\xff"), r"\x5cxff");
        assert_eq!(escape(br"\x5c"), r"\x5cx5c");
        assert_eq!(escape(br"\\xff"), r"\\x5cxff");
        assert_eq!(escape(br"\xFF"), r"\xFF", "upper case is never written, so never read");
        assert_eq!(unescape(r"\x5cxff"), br"\xff");
    }

    /// Bytes in which backslashes, digits and broken UTF-8 meet often.
    fn awkward_bytes() -> impl Strategy<Value = Vec<u8>> {
        let piece = prop_oneof![
            Just(b"\\".to_vec()),
            Just(b"\\x".to_vec()),
            Just(b"\\x5c".to_vec()),
            Just(b"x5c".to_vec()),
            Just(b"xff".to_vec()),
            Just("é".as_bytes().to_vec()),
            Just(vec![0xc3]),
            proptest::collection::vec(any::<u8>(), 0..4),
        ];
        proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn round_trip(bytes in awkward_bytes()) {
            prop_assert_eq!(unescape(&escape(&bytes)), bytes);
        }

        #[test]
        fn distinct_bytes_stay_distinct(a in awkward_bytes(), b in awkward_bytes()) {
            prop_assert_eq!(a == b, escape(&a) == escape(&b));
        }

        #[test]
        fn unescape_is_total(text in any::<String>()) {
            let _ = unescape(&text);
        }
    }
}
