//! Text of unknown origin, made safe to look at.
//!
//! Names of cgroups, containers and images are chosen by whoever may make them. Printed raw, they can move the cursor, hide
//! what follows or show right to left what is written left to right. [`visible`] is for every text that goes to a terminal.

use std::borrow::Cow;

/// The text with everything written out that a terminal would act on or not show, as `\u{202e}`.
pub use obit_schema::text::printable as visible;

/// [`visible`], and cut to so many characters, the cut marked with `…`.
pub fn shortened(text: &str, characters: usize) -> Cow<'_, str> {
    let shown = visible(text);
    if shown.chars().nth(characters).is_none() {
        return shown;
    }
    Cow::Owned(shown.chars().take(characters.saturating_sub(1)).chain(['…']).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_schema::text::is_hazard;

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
            assert_eq!(visible(&character), character);
        }
    }

    #[test]
    fn a_cut_is_marked_and_exact_length_is_no_cut() {
        assert_eq!(shortened("abcd", 4), "abcd");
        assert_eq!(shortened("abcde", 4), "abc…");
        assert_eq!(shortened("ééééé", 4), "ééé…");
    }
}
