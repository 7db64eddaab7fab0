//! Rust source as words and marks, without comments and without what is compiled for tests only.
//!
//! Far from a parser: it knows comments, literals and attributes, which is enough to find names,
//! paths and `use`.

use std::ops::RangeInclusive;

/// TokenKind of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier, a keyword or a number.
    Word,
    /// `::`, or one character that is neither part of a word nor white space.
    Mark,
    /// Contents of a string literal.
    Text,
}

/// A piece of source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token<'a> {
    pub kind: TokenKind,
    pub text: &'a str,
    /// Counted from 1.
    pub line: usize,
}

impl Token<'_> {
    pub fn is(&self, text: &str) -> bool {
        self.kind != TokenKind::Text && self.text == text
    }

    pub fn is_word(&self) -> bool {
        self.kind == TokenKind::Word
    }
}

/// Source without its tests: the tokens, and the lines that were left out.
pub struct Source<'a> {
    pub tokens: Vec<Token<'a>>,
    test_lines: Vec<RangeInclusive<usize>>,
}

impl<'a> Source<'a> {
    pub fn new(text: &'a str) -> Self {
        let all = tokens(text);
        let (mut kept, mut test_lines) = (Vec::new(), Vec::new());
        let mut at = 0;
        while at < all.len() {
            match attribute_end(&all, at) {
                Some(end) if is_for_tests(&all[at..end]) => {
                    let last = item_end(&all, end);
                    test_lines.push(all[at].line..=all[last.max(at + 1) - 1].line);
                    at = last;
                }
                _ => {
                    kept.push(all[at]);
                    at += 1;
                }
            }
        }
        Self { tokens: kept, test_lines }
    }

    /// Returns true if a line, counted from 1, belongs to a test.
    pub fn is_test_line(&self, line: usize) -> bool {
        self.test_lines.iter().any(|lines| lines.contains(&line))
    }
}

/// Splits source into tokens.
fn tokens(text: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let (mut at, mut line) = (0, 1);
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, start, end, length) = if rest.starts_with("//") {
            (None, 0, 0, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, 0, 0, block_comment(rest))
        } else if let Some((start, end, length)) = string(rest) {
            (Some(TokenKind::Text), start, end, length)
        } else if next == '\'' {
            (None, 0, 0, quote(rest))
        } else if is_part_of_word(next) {
            // A raw identifier is the word behind its `r#`.
            let start = if rest.starts_with("r#") { 2 } else { 0 };
            let length = start + rest[start..].find(|letter| !is_part_of_word(letter)).unwrap_or(rest.len() - start);
            (Some(TokenKind::Word), start, length, length)
        } else if next.is_whitespace() {
            (None, 0, 0, next.len_utf8())
        } else {
            let length = if rest.starts_with("::") { 2 } else { next.len_utf8() };
            (Some(TokenKind::Mark), 0, length, length)
        };
        if let Some(kind) = kind {
            found.push(Token { kind, text: &rest[start..end], line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

fn is_part_of_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Length of a block comment, the comments nested in it included.
fn block_comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                break;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    at
}

/// Start and end of the contents of a string literal and the length of all of it, if the text
/// begins with one.
fn string(text: &str) -> Option<(usize, usize, usize)> {
    let prefix = text.find(|letter: char| !letter.is_ascii_lowercase())?;
    if !["", "b", "c", "r", "br", "cr"].contains(&&text[..prefix]) {
        return None;
    }
    let is_raw = text[..prefix].ends_with('r');
    let hashes = if is_raw { text[prefix..].find(|letter| letter != '#')? } else { 0 };
    let start = prefix + hashes + 1;
    if !text[prefix + hashes..].starts_with('"') {
        return None;
    }
    if is_raw {
        let closing = format!("\"{}", "#".repeat(hashes));
        let end = start + text[start..].find(&closing)?;
        return Some((start, end, end + closing.len()));
    }
    let mut escaped = false;
    let end = text[start..].find(|letter| {
        let closes = letter == '"' && !escaped;
        escaped = letter == '\\' && !escaped;
        closes
    })?;
    Some((start, start + end, start + end + 1))
}

/// Length of a character literal, or of a lifetime.
fn quote(text: &str) -> usize {
    let mut letters = text.char_indices().skip(1);
    match letters.next() {
        // An escape: the quote that ends it comes after the escaped character.
        Some((_, '\\')) => text[3..].find('\'').map_or(text.len(), |end| 3 + end + 1),
        Some((at, letter)) if text[at + letter.len_utf8()..].starts_with('\'') => at + letter.len_utf8() + 1,
        _ => 1 + text[1..].find(|letter| !is_part_of_word(letter)).unwrap_or(text.len() - 1),
    }
}

/// Where an attribute ends that begins at a token.
fn attribute_end(tokens: &[Token<'_>], at: usize) -> Option<usize> {
    let is_attribute = tokens[at].is("#") && tokens.get(at + 1).is_some_and(|next| next.is("["));
    is_attribute.then(|| group_end(tokens, at + 1))
}

fn is_for_tests(attribute: &[Token<'_>]) -> bool {
    let has = |word: &str| attribute.iter().any(|token| token.is(word));
    has("cfg") && has("test") && !has("not")
}

/// Where the group ends whose opening mark is at a token.
pub fn group_end(tokens: &[Token<'_>], at: usize) -> usize {
    let mut depth = 0_usize;
    for (offset, token) in tokens[at..].iter().enumerate() {
        if ["(", "[", "{"].iter().any(|mark| token.is(mark)) {
            depth += 1;
        } else if [")", "]", "}"].iter().any(|mark| token.is(mark)) {
            depth -= 1;
            if depth == 0 {
                return at + offset + 1;
            }
        }
    }
    tokens.len()
}

/// Where the item ends that begins at a token, its attributes included.
fn item_end(tokens: &[Token<'_>], mut at: usize) -> usize {
    while at < tokens.len() {
        if let Some(end) = attribute_end(tokens, at) {
            at = end;
        } else {
            break;
        }
    }
    // These end with a semicolon, whatever is in braces before.
    let has_value =
        tokens.get(at..).unwrap_or_default().iter().take_while(|token| token.is_word()).any(|token| token.is("use"));
    while at < tokens.len() {
        if tokens[at].is(";") {
            return at + 1;
        }
        if tokens[at].is("{") || tokens[at].is("(") || tokens[at].is("[") {
            let is_body = tokens[at].is("{") && !has_value;
            at = group_end(tokens, at);
            if is_body {
                return at;
            }
        } else {
            at += 1;
        }
    }
    at
}

#[test]
fn comments_and_literals_are_no_words() {
    let text = "let a = \"b // \\\" c\"; // d\n/* e /* f */ g */ 'h' '\\'' r#\"i \" j\"# &'k l b\"m\" r#type x::y";
    let found: Vec<_> =
        tokens(text).iter().filter(|token| token.is_word()).map(|token| (token.text, token.line)).collect();
    assert_eq!(found, [("let", 1), ("a", 1), ("l", 2), ("type", 2), ("x", 2), ("y", 2)]);
}

#[test]
fn code_for_tests_is_left_out() {
    let text = "a;\n#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nb;\n#[cfg(test)]\nmod c {\n d { e } }\n#[cfg(test)]\nuse f::{g, h};\n#[cfg(not(test))]\ni;";
    let source = Source::new(text);
    let found: Vec<_> = source.tokens.iter().filter(|token| token.is_word()).map(|token| token.text).collect();
    assert_eq!(found, ["a", "b", "cfg", "not", "test", "i"]);
    let lines: Vec<_> = (1..=12).filter(|line| source.is_test_line(*line)).collect();
    assert_eq!(lines, [2, 3, 4, 6, 7, 8, 9, 10]);
}
