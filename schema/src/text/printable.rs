//! Text made safe to print.

use std::borrow::Cow;

/// Makes text that a terminal shows and does not obey: control characters and those that reorder or
/// hide text are written `\u{…}`. For people only; it is not reversible.
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

/// Returns true if text is nothing but printable ASCII, as nearly all text of a case is: it holds
/// no [hazard](is_hazard).
pub(crate) fn is_plain(text: &str) -> bool {
    // No early return, so that many bytes are tested at once.
    text.bytes().fold(true, |plain, byte| plain & is_plain_byte(byte))
}

/// Returns true if a byte is printable ASCII.
pub(crate) fn is_plain_byte(byte: u8) -> bool {
    (0x20..0x7f).contains(&byte)
}

/// Returns true if a terminal acts on a character or does not show it, so that [`printable`] writes
/// it out: control characters (C0, DEL, C1), marks of direction, and whatever looks like nothing or
/// like a space. Two names that look alike would be taken for one.
///
/// The ranges are the Default_Ignorable_Code_Point of Unicode 16 (DerivedCoreProperties.txt), with
/// the blank Braille pattern and the annotation marks.
pub fn is_hazard(character: char) -> bool {
    character.is_control()
        || (character.is_whitespace() && character != ' ')
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Makes text [`printable`] and cuts it to this many characters; `…` marks the cut.
pub fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    let shown = printable(text);
    // No text has more characters than bytes.
    if shown.len() <= characters || shown.chars().nth(characters).is_none() {
        return shown;
    }
    Cow::Owned(shown.chars().take(characters.saturating_sub(1)).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_moves_a_cursor_is_printed() {
        assert_eq!(printable("a\x1b[2Jb\r\n\u{9b}"), "a\\u{1b}[2Jb\\u{d}\\u{a}\\u{9b}");
        assert_eq!(printable("gpj.\u{202e}exe"), "gpj.\\u{202e}exe");
        assert!(matches!(printable("naïve 名前"), Cow::Borrowed(_)));
    }

    #[test]
    fn what_a_terminal_acts_on_is_a_hazard_and_plain_text_is_not() {
        for hazard in
            ['\0', '\n', '\t', '\x1b', '\x7f', '\u{9b}', '\u{200b}', '\u{202e}', '\u{2066}', '\u{feff}', '\u{e0041}']
                .into_iter()
                // Shown as nothing, or as a space.
                .chain([
                    '\u{3164}',
                    '\u{115f}',
                    '\u{ffa0}',
                    '\u{2800}',
                    '\u{180e}',
                    '\u{fe0f}',
                    '\u{e0100}',
                    '\u{e0001}',
                ])
                .chain(['\u{a0}', '\u{2003}', '\u{202f}', '\u{3000}', '\u{34f}'])
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
