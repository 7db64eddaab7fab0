//! The messages that a recorder may have signed: lines about the head of its chain, lines for an
//! anchor, and the case.json of a closed case. A process that holds the key for a recorder signs
//! nothing else, so that whoever takes over the recorder gets no signature over a hand-over or a
//! text of another program.

use std::path::Path;

use crate::anchor_line::{AnchorStatement, digest, number};
use crate::chain::{self, is_word};
use crate::manifest::{self, CaseState, Manifest};

/// Longest line, in bytes.
pub const MAX_LINE_BYTES: usize = 1024;

/// Longest message, in bytes: a case.json.
pub const MAX_BYTES: u64 = manifest::MAX_BYTES;

/// Returns the id of the case that a message is about.
///
/// # Errors
/// The reason why a recorder has no such message signed.
pub fn case_of(message: &[u8]) -> Result<String, &'static str> {
    if message.first() == Some(&b'{') {
        return case_of_manifest(message);
    }
    if message.len() > MAX_LINE_BYTES {
        return Err("it is longer than a line may be");
    }
    let line = std::str::from_utf8(message).map_err(|_| "it is no text")?;
    case_of_line(line).map(ToOwned::to_owned).ok_or("it is no line about a case")
}

/// Returns the id of the case that a line is about. The line must be what the words in it make
/// again, so that a message has one reading.
fn case_of_line(line: &str) -> Option<&str> {
    let mut words = line.strip_suffix('\n')?.rsplit(' ');
    let (sha256, second, third) = (digest(words.next()?)?, words.next()?, words.next()?);
    let closed = AnchorStatement::Closed { sha256 };
    if is_word(second) && closed.signed_text(second) == line {
        return Some(second);
    }
    let (entries, text) = (number(second)?, sha256.to_string());
    let forms = [
        chain::head_line(third, entries, &text),
        chain::final_line(third, entries, &text),
        AnchorStatement::Head { entries, sha256 }.signed_text(third),
    ];
    (is_word(third) && forms.iter().any(|form| form == line)).then_some(third)
}

fn case_of_manifest(text: &[u8]) -> Result<String, &'static str> {
    if text.len() as u64 > MAX_BYTES {
        return Err("it is longer than a case.json may be");
    }
    let manifest = Manifest::parse(text, Path::new(manifest::FILE_NAME), 0).map_err(|_| "it is no case.json")?;
    match (manifest.state, is_word(&manifest.case_id)) {
        (CaseState::Closed, true) => Ok(manifest.case_id),
        _ => Err("it is no case.json of a closed case"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::BuildInfo;

    const ID: &str = "d3b2";

    fn closed_manifest() -> Vec<u8> {
        let build = BuildInfo { version: "0".to_owned(), commit: "0".to_owned() };
        let mut manifest = Manifest::new(ID.to_owned(), build);
        manifest.state = CaseState::Closed;
        manifest.to_text().expect("a case.json")
    }

    #[test]
    fn what_a_recorder_has_signed_names_its_case() {
        let sha256 = "ab".repeat(32);
        let digest = sha256.parse().expect("a digest");
        for message in [
            chain::head_line(ID, 0, &sha256).into_bytes(),
            chain::final_line(ID, u64::MAX, &sha256).into_bytes(),
            AnchorStatement::Head { entries: 7, sha256: digest }.signed_text(ID).into_bytes(),
            AnchorStatement::Closed { sha256: digest }.signed_text(ID).into_bytes(),
            closed_manifest(),
        ] {
            assert_eq!(case_of(&message).as_deref(), Ok(ID), "{}", String::from_utf8_lossy(&message));
        }
    }

    #[test]
    fn a_message_of_another_form_is_refused() {
        let sha256 = "ab".repeat(32);
        let long = "c".repeat(MAX_LINE_BYTES);
        let open = String::from_utf8(closed_manifest()).expect("text").replacen("\"closed\"", "\"open\"", 1);
        for message in [
            String::new(),
            "\n".to_owned(),
            sha256.clone(),
            format!("obit-head 1 {ID} 7 {sha256}"),
            format!("obit-head 1 {ID} 7 {sha256}\n\n"),
            format!("obit-head 1 {ID} 07 {sha256}\n"),
            format!("obit-head 1  7 {sha256}\n"),
            format!("obit-head 2 {ID} 7 {sha256}\n"),
            format!("obit-head 1 {ID} 7 {}\n", sha256.to_uppercase()),
            format!("obit-head 1 {ID}\nobit-head 1 {ID} 7 {sha256}\n"),
            format!("obit-head 1 {long} 7 {sha256}\n"),
            format!("obit-part 1 {ID} 7 {sha256}\n"),
            format!("obit-closed 1 {ID} {sha256}\n"),
            format!("obit-anchor obit-anchor obit-closed 1 {ID} {sha256}\n"),
            format!("{{\"obit_handover\":1,\"case_id\":\"{ID}\",\"to\":\"me\"}}\n"),
            "{}".to_owned(),
            open,
        ] {
            assert!(case_of(message.as_bytes()).is_err(), "{message}");
        }
        assert!(case_of(&[0xff; 10]).is_err());
    }
}
