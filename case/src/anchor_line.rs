//! Lines of an anchor: a statement of the recorder about its case, and the recorder's signature if
//! it has a key.
//!
//! ```text
//! obit-head 1 CASE_ID PARTS SHA256 [SIGNATURE]
//! obit-closed 1 CASE_ID SHA256 [SIGNATURE]
//! ```
//!
//! SIGNATURE is one word: the body of an OpenSSH signature, over another text than the signature of
//! the same head in case.json. So nobody can take a signature out of an anchor and put it into a
//! case.

use std::fmt;

use crate::error::Error;
use crate::signing::{CaseSigner, sign_in_a_word};
use obit_schema::digest::Digest;

/// First word of a line about a head.
const HEAD_WORD: &str = "obit-head";
/// First word of a line about a closed case.
const CLOSED_WORD: &str = "obit-closed";
/// First word of the text that the signature of a line covers; the statement follows.
const SIGNED_WORD: &str = "obit-anchor";
/// Version of both kinds of line.
const LINE_VERSION: &str = "1";

/// A statement that a recorder makes about its case while it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AnchorStatement {
    /// The head after this many entries.
    Head {
        /// Number of entries.
        entries: u64,
        /// Digest of the last one.
        sha256: Digest,
    },
    /// The case was closed.
    Closed {
        /// Digest of case.json.
        sha256: Digest,
    },
}

impl AnchorStatement {
    /// Returns the words of the statement about this case, without a newline.
    fn text(&self, case_id: &str) -> String {
        match self {
            Self::Head { entries, sha256 } => format!("{HEAD_WORD} {LINE_VERSION} {case_id} {entries} {sha256}"),
            Self::Closed { sha256 } => format!("{CLOSED_WORD} {LINE_VERSION} {case_id} {sha256}"),
        }
    }

    /// Returns the text that the signature of the statement's line covers, with its newline.
    pub fn signed_text(&self, case_id: &str) -> String {
        format!("{SIGNED_WORD} {}\n", self.text(case_id))
    }

    /// Returns the line that an anchor gets from a recorder without a key, with its newline.
    pub fn unsigned_line(&self, case_id: &str) -> String {
        format!("{}\n", self.text(case_id))
    }

    /// Returns the line that an anchor gets, with its newline and a signature.
    ///
    /// # Errors
    /// [`Error::Sign`].
    pub fn signed_line(&self, case_id: &str, signer: &dyn CaseSigner) -> Result<String, Error> {
        let signature = sign_in_a_word(signer, self.signed_text(case_id).as_bytes())?;
        Ok(format!("{} {signature}\n", self.text(case_id)))
    }
}

impl fmt::Display for AnchorStatement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Head { entries, sha256 } => write!(f, "the head {sha256} after {entries} entries"),
            Self::Closed { sha256 } => write!(f, "the case closed with case.json {sha256}"),
        }
    }
}

/// A line of an anchor.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct AnchorLine {
    /// The statement.
    pub statement: AnchorStatement,
    /// The word after it, if there is one: the signature, unless somebody else wrote it.
    pub signature: Option<String>,
}

/// The content of one line of a text that may hold an anchor's lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LineContent {
    /// Nothing about the case.
    Other,
    /// A line about the case.
    Statement(AnchorLine),
    /// The beginning of a line about the case, as a full disk leaves it.
    Torn,
}

impl LineContent {
    /// Parses a line. Anything may stand before the statement, such as a system journal's time, or
    /// the torn line of a write that failed.
    pub fn parse(line: &str, case_id: &str) -> Self {
        let heads = line.rfind(HEAD_WORD).map(|at| (at, HEAD_WORD));
        let closed = line.rfind(CLOSED_WORD).map(|at| (at, CLOSED_WORD));
        let Some((at, kind)) = heads.max(closed) else { return Self::Other };
        let mut words = line.get(at..).unwrap_or_default().split_ascii_whitespace();
        if words.next() != Some(kind) || words.next() != Some(LINE_VERSION) || words.next() != Some(case_id) {
            return Self::Other;
        }
        let statement = match kind {
            HEAD_WORD => {
                let entries = words.next().and_then(number);
                let sha256 = words.next().and_then(digest);
                entries.zip(sha256).map(|(entries, sha256)| AnchorStatement::Head { entries, sha256 })
            }
            _ => words.next().and_then(digest).map(|sha256| AnchorStatement::Closed { sha256 }),
        };
        match statement {
            None => Self::Torn,
            Some(statement) => {
                Self::Statement(AnchorLine { statement, signature: words.next().map(ToOwned::to_owned) })
            }
        }
    }
}

/// Parses a number in its one spelling: a number that was cut or garbled is none.
pub(crate) fn number(word: &str) -> Option<u64> {
    word.parse().ok().filter(|number: &u64| number.to_string() == word)
}

/// Parses a digest in lower-case hex.
pub(crate) fn digest(word: &str) -> Option<Digest> {
    word.parse().ok().filter(|digest: &Digest| digest.to_string() == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(entries: u64, byte: &str) -> AnchorStatement {
        AnchorStatement::Head { entries, sha256: byte.repeat(32).parse().expect("a digest") }
    }

    fn statement(statement: AnchorStatement, signature: Option<&str>) -> LineContent {
        LineContent::Statement(AnchorLine { statement, signature: signature.map(ToOwned::to_owned) })
    }

    #[test]
    fn an_anchor_may_be_the_system_journals_text() {
        let (aa, bb) = ("aa".repeat(32), "bb".repeat(32));
        for (line, content) in [
            (format!("Nov 24 07:00:01 host obit-capture[7]: obit-head 1 a 0 {aa}"), statement(head(0, "aa"), None)),
            (format!("obit-head 1 a 2 {bb} c2ln\r"), statement(head(2, "bb"), Some("c2ln"))),
            (
                format!("obit-closed 1 a {aa}"),
                statement(AnchorStatement::Closed { sha256: aa.parse().expect("a digest") }, None),
            ),
            (format!("obit-head 1 b 3 {aa}"), LineContent::Other),
            (format!("obit-head 2 a 9 {aa}"), LineContent::Other),
            ("nothing of the kind".to_owned(), LineContent::Other),
        ] {
            assert_eq!(LineContent::parse(&line, "a"), content, "{line}");
        }
    }

    #[test]
    fn a_torn_line_is_no_statement_wherever_it_was_torn() {
        let whole = head(39, "ab").unsigned_line("a");
        let whole = whole.trim_end();
        for end in "obit-head 1 a ".len()..whole.len() {
            let torn = &whole[..end];
            assert_eq!(LineContent::parse(torn, "a"), LineContent::Torn, "{torn}");
            // The next try was appended to it.
            let appended = format!("{torn}{whole}");
            assert_eq!(LineContent::parse(&appended, "a"), statement(head(39, "ab"), None), "{appended}");
        }
        for garbled in ["obit-head 1 a 039 ", "obit-head 1 a +39 "].map(|start| format!("{start}{}", "ab".repeat(32))) {
            assert_eq!(LineContent::parse(&garbled, "a"), LineContent::Torn, "{garbled}");
        }
    }
}
