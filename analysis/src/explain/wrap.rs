//! Text broken into lines of a terminal.

use unicode_width::UnicodeWidthStr;

/// Breaks text between words so that no line takes more than this many columns, unless one word
/// does. Without a width all of it is one line.
pub fn wrapped(text: &str, columns: Option<usize>) -> Vec<String> {
    let Some(columns) = columns else { return vec![text.to_owned()] };
    let mut lines: Vec<String> = Vec::new();
    let (mut line, mut taken) = (String::new(), 0);
    for word in text.split(' ') {
        let width = word.width();
        let space = usize::from(!line.is_empty());
        if !line.is_empty() && taken + space + width > columns {
            lines.push(std::mem::take(&mut line));
            taken = 0;
        }
        if !line.is_empty() {
            line.push(' ');
            taken += 1;
        }
        line.push_str(word);
        taken += width;
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_break_between_words() {
        assert_eq!(wrapped("ab cd ef", Some(5)), ["ab cd", "ef"]);
        assert_eq!(wrapped("ab cd ef", None), ["ab cd ef"]);
        assert_eq!(wrapped("endless x", Some(3)), ["endless", "x"]);
        // These take two columns each.
        assert_eq!(wrapped("数数 数", Some(6)), ["数数", "数"]);
    }
}
