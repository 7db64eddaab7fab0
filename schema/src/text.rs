//! Text of a case: names that are not UTF-8, kept reversibly, and text made safe to print.
//!
//! Linux names are bytes. A case holds them as UTF-8: what is valid stays itself, every other byte is written `\xHH` in
//! lower case. As a byte of ill-formed UTF-8 is never below 0x80, `\x2d` (systemd's escape of `-`) is no such escape and
//! stays as it is. A literal backslash is written `\x5c` only where what follows would read as one of ours.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Bytes of one escape: backslash, `x`, two digits.
const ESCAPE_BYTES: usize = 4;

/// Whether bytes are the same. Empty ones are not given to `memcmp`: where it uses AVX-512 it reads no byte of them by a mask, from
/// addresses that need not be mapped, and the processor takes over 100 ns to do nothing there.
#[inline]
pub fn are_same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && (a.is_empty() || a == b)
}

/// Returns true if two texts, of which many are empty, are the same.
#[inline]
pub(crate) fn is_same_text(a: &str, b: &str) -> bool {
    are_same(a.as_bytes(), b.as_bytes())
}

/// Writes any bytes as UTF-8 text, reversibly. Valid UTF-8 without something that looks like an escape is borrowed.
pub fn escape(bytes: &[u8]) -> Cow<'_, str> {
    // To look for one byte first is cheaper than to look for the two that an escape begins with.
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

/// The bytes that [`escape`] was given.
///
/// Total: text that [`escape`] never writes gives bytes too.
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

/// Whether the text that `bytes` (it starts with a backslash) would become, left as it is, begins with an escape.
fn reads_as_escape(bytes: &[u8]) -> bool {
    escaped_byte(bytes).is_some()
}

/// The byte that an escape at the start of `bytes` stands for: `\x5c`, or `\x80` to `\xff`.
fn escaped_byte(bytes: &[u8]) -> Option<u8> {
    let [b'\\', b'x', high, low, ..] = *bytes else {
        return None;
    };
    let byte = lower_hex_digit(high)? << 4 | lower_hex_digit(low)?;
    (byte >= 0x80 || byte == b'\\').then_some(byte)
}

/// Value of `0`–`9`, `a`–`f`.
fn lower_hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

/// Text that a terminal shows and does not obey: control characters and those that reorder or hide text are written
/// `\u{…}`. For people only; it is not reversible.
pub fn printable(text: &str) -> Cow<'_, str> {
    if is_plain(text) || !text.chars().any(is_hazard) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_hazard(character) {
            out.extend(character.escape_unicode());
        } else {
            out.push(character);
        }
    }
    Cow::Owned(out)
}

/// Whether text is nothing but printable ASCII, as nearly all text of a case is: no [hazard](is_hazard) is in it.
pub(crate) fn is_plain(text: &str) -> bool {
    // No early way out: so it is done for many bytes at once.
    text.bytes().fold(true, |plain, byte| plain & is_plain_byte(byte))
}

/// Whether a byte is printable ASCII.
pub(crate) fn is_plain_byte(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Control characters (C0, DEL, C1), line separators, marks of direction, and characters without width: what a terminal
/// acts on or hides, and [`printable`] writes out.
pub fn is_hazard(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// [`printable`], and cut to so many characters, the cut marked with `…`.
pub fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    let shown = printable(text);
    if shown.chars().nth(characters).is_none() {
        return shown;
    }
    Cow::Owned(shown.chars().take(characters.saturating_sub(1)).chain(['…']).collect())
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

    #[test]
    fn nothing_that_moves_a_cursor_is_printed() {
        assert_eq!(printable("a\x1b[2Jb\r\n\u{9b}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert!(matches!(printable("naïve 名前"), Cow::Borrowed(_)));
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

    #[test]
    fn what_a_terminal_acts_on_is_a_hazard_and_plain_text_is_not() {
        for hazard in
            ['\0', '\n', '\t', '\x1b', '\x7f', '\u{9b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0041}']
        {
            assert!(is_hazard(hazard), "{:x}", hazard as u32);
        }
        assert!(!"aZ09 ~\\/größe数据库".chars().any(is_hazard));
    }

    #[test]
    fn the_quick_answer_is_the_rule_itself() {
        for character in (' '..='~').map(String::from) {
            assert_eq!(printable(&character), character);
        }
    }

    #[test]
    fn a_cut_is_marked_and_exact_length_is_no_cut() {
        assert_eq!(shortened("abcd", 4), "abcd");
        assert_eq!(shortened("abcde", 4), "abc…");
        assert_eq!(shortened("ééééé", 4), "ééé…");
    }
}
