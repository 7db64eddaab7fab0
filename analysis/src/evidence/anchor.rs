//! An anchor: lines about a growing case that its recorder wrote elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::path::Path;

use obit_case::anchor_line::{AnchorLine, AnchorStatement, LineContent};
use obit_case::chain::Chain;
use obit_case::manifest::Manifest;
use obit_case::signing::{AllowedSigners, Signature};
use obit_case::{Case, Problem};
use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::error::Error;

/// Bytes of an anchor that are read at most.
const MAX_ANCHOR_BYTES: u64 = 256 << 20;
/// Bytes of one line that are looked at; a recorder's have less than 512.
const MAX_LINE_BYTES: u64 = 4 << 10;
/// Most different lines about one case.
const MAX_LINES: usize = 200_000;
/// Most signatures that are checked: where anyone may append, anyone can append bad ones.
const MAX_CHECKS: usize = 10_000;

/// The lines of an anchor that count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LineTrust {
    /// Lines that one of the signers signed; all lines if there are no signers to ask for.
    #[default]
    Signed,
    /// All lines: nobody but the recorder could write to the anchor.
    All,
}

/// An anchor to compare a case with.
#[derive(Clone, Copy, Debug)]
pub struct AnchorSource<'a> {
    /// The file.
    pub path: &'a Path,
    /// The lines that count.
    pub trust: LineTrust,
}

/// The lines of an anchor about one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct AnchorLines {
    /// Each statement, with the words after it that may be its signature.
    statements: BTreeMap<AnchorStatement, BTreeSet<String>>,
    /// Number of different lines.
    lines: usize,
    /// Number of lines that end within their words.
    torn: u64,
}

/// Numbers of lines about a case in an anchor.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Lines that contradict the case and do not count: they are not signed by one of the signers.
    pub ignored: u64,
    /// Lines that end within their words, as a full disk leaves them.
    pub torn: u64,
}

/// The comparison of a case with its anchor.
#[derive(Debug, Default)]
pub(super) struct AnchorCheck {
    /// Number of entries of the chain that lines vouch for.
    pub(super) entries: u64,
    /// True if a line vouches for case.json.
    pub(super) has_manifest: bool,
    /// Numbers of lines that say nothing.
    pub(super) counts: LineCounts,
    /// Contradictions between the lines that count, and between them and the case.
    pub(super) problems: Vec<Problem>,
    /// True if there is a line about the case, whether or not it counts.
    pub(super) has_lines: bool,
}

impl AnchorLines {
    /// Reads the lines of a file about a case. Lines may have anything before, such as the system
    /// journal's time.
    pub(super) fn read(path: &Path, case_id: &str) -> Result<Self, Error> {
        let failed = |cause| Error::Anchor { path: path.to_owned(), cause };
        Self::parse(File::open(path).map_err(failed)?, case_id).map_err(failed)
    }

    fn parse(text: impl io::Read, case_id: &str) -> io::Result<Self> {
        let mut anchor = Self::default();
        let mut text = BufReader::new(text.take(MAX_ANCHOR_BYTES + 1));
        let (mut line, mut read) = (Vec::new(), 0);
        loop {
            line.clear();
            let length = text.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(anchor);
            }
            read += length as u64;
            if read > MAX_ANCHOR_BYTES {
                let mib = MAX_ANCHOR_BYTES >> 20;
                return Err(io::Error::other(format!(
                    "it is longer than {mib} MiB; give the lines about the case alone"
                )));
            }
            match LineContent::parse(&String::from_utf8_lossy(&line), case_id) {
                LineContent::Other => {}
                LineContent::Torn => anchor.torn += 1,
                LineContent::Statement(line) => anchor.add(line)?,
            }
        }
    }

    fn add(&mut self, AnchorLine { statement, signature }: AnchorLine) -> io::Result<()> {
        let words = self.statements.entry(statement).or_default();
        self.lines += usize::from(words.insert(signature.unwrap_or_default()));
        match self.lines <= MAX_LINES {
            true => Ok(()),
            false => Err(io::Error::other(format!(
                "it has more than {MAX_LINES} lines about the case; give those that its recorder wrote"
            ))),
        }
    }

    /// Compares the lines that count with a chain and, if the case is closed, the digest of its
    /// case.json. `signers` are those whose lines count; `None` if all do.
    pub(super) fn check(
        &self,
        manifest: &Manifest,
        closed: Option<Digest>,
        chain: &Chain,
        signers: Option<&AllowedSigners>,
    ) -> io::Result<AnchorCheck> {
        let mut judge = LineJudge { case_id: &manifest.case_id, signers, checks: 0 };
        let mut check = AnchorCheck { has_lines: !self.statements.is_empty(), ..AnchorCheck::default() };
        check.counts.torn = self.torn;
        // The newest head first: one that agrees stands for all before it.
        for (statement, words) in self.statements.iter().rev() {
            let agrees = match statement {
                AnchorStatement::Head { entries, .. } if *entries < chain.dropped() => continue,
                AnchorStatement::Head { entries, sha256 } => chain.after(*entries) == Some(sha256.to_string().as_str()),
                AnchorStatement::Closed { sha256 } => closed == Some(*sha256),
            };
            if agrees && check.stands_for(statement) {
                continue;
            }
            match (judge.counts(statement, words)?, agrees) {
                (true, true) => check.take(statement),
                (true, false) => check.problems.push(contradiction(statement, closed.is_some(), chain)),
                (false, true) => {}
                (false, false) => check.counts.ignored += 1,
            }
        }
        self.check_dropped(chain, &mut judge, &mut check)?;
        Ok(check)
    }

    /// Looks for lines that contradict each other about entries that are gone.
    fn check_dropped(&self, chain: &Chain, judge: &mut LineJudge<'_>, check: &mut AnchorCheck) -> io::Result<()> {
        let dropped = self.statements.iter().filter_map(|(statement, words)| match statement {
            AnchorStatement::Head { entries, .. } if *entries < chain.dropped() => Some((*entries, statement, words)),
            _ => None,
        });
        let mut by_place: BTreeMap<u64, Vec<_>> = BTreeMap::new();
        for (entries, statement, words) in dropped {
            by_place.entry(entries).or_default().push((statement, words));
        }
        for (entries, lines) in by_place.into_iter().filter(|(_, lines)| lines.len() > 1) {
            let mut counted = 0;
            for (statement, words) in lines {
                counted += u32::from(judge.counts(statement, words)?);
            }
            if counted > 1 {
                let why = format!("it has {counted} heads after {entries} entries that contradict each other");
                check.problems.push(Problem::Anchor { why });
            }
        }
        Ok(())
    }
}

impl AnchorCheck {
    /// Returns true if a line that counts covers what this statement says.
    fn stands_for(&self, statement: &AnchorStatement) -> bool {
        match statement {
            AnchorStatement::Head { entries, .. } => self.entries >= *entries && self.entries > 0,
            AnchorStatement::Closed { .. } => self.has_manifest,
        }
    }

    /// Takes a statement that counts and agrees with the case.
    fn take(&mut self, statement: &AnchorStatement) {
        match statement {
            AnchorStatement::Head { entries, .. } => self.entries = self.entries.max(*entries),
            AnchorStatement::Closed { .. } => self.has_manifest = true,
        }
    }
}

/// Decides which lines count.
struct LineJudge<'a> {
    case_id: &'a str,
    signers: Option<&'a AllowedSigners>,
    checks: usize,
}

impl LineJudge<'_> {
    /// Returns true if a statement with these words after it counts.
    fn counts(&mut self, statement: &AnchorStatement, words: &BTreeSet<String>) -> io::Result<bool> {
        let Some(signers) = self.signers else { return Ok(true) };
        let text = statement.signed_text(self.case_id);
        for word in words.iter().filter(|word| !word.is_empty()) {
            self.checks += 1;
            if self.checks > MAX_CHECKS {
                let why = format!(
                    "more than {MAX_CHECKS} of its lines are not signed by one of the signers; give those that the \
                     recorder wrote"
                );
                return Err(io::Error::other(why));
            }
            if Signature::check_word(word, text.as_bytes()).is_ok_and(|signature| signers.name(&signature).is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Makes the problem of a line that counts and does not agree with the case.
fn contradiction(statement: &AnchorStatement, is_closed: bool, chain: &Chain) -> Problem {
    let why = match statement {
        AnchorStatement::Head { entries, .. } if *entries > chain.parts() => {
            let found = chain.parts();
            format!("it saw {entries} parts and the case has {found}: the end of the case was cut off")
        }
        AnchorStatement::Head { entries, .. } => {
            format!("it saw another head after {entries} parts: parts up to there were changed")
        }
        AnchorStatement::Closed { .. } if is_closed => "it saw another case.json when the case was closed".to_owned(),
        AnchorStatement::Closed { .. } => "it saw the case closed, and it is not: somebody opened it again".to_owned(),
    };
    Problem::Anchor { why }
}

/// Returns the digest of the case.json of a closed case.
pub(crate) fn closed_digest(case: &Case) -> Option<Digest> {
    let bytes = case.is_closed().then(|| case.manifest_bytes())??;
    Some(Sha256::new_with_prefix(bytes).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> AnchorLines {
        AnchorLines::parse(text.as_bytes(), "a").expect("readable")
    }

    #[test]
    fn each_different_line_about_the_case_is_kept_once() {
        let (aa, bb) = ("aa".repeat(32), "bb".repeat(32));
        let anchor = lines(&format!(
            "obit-head 1 a 1 {aa} c2ln\nobit-head 1 a 1 {aa} c2ln\nobit-head 1 a 1 {aa}\nobit-head 1 b 1 {aa}\n\
             obit-head 1 a 2 {bb}\nobit-head 1 a 3 bb\nobit-closed 1 a {bb}\n"
        ));
        assert_eq!((anchor.lines, anchor.statements.len(), anchor.torn), (4, 3, 1));
    }

    #[test]
    fn an_endless_anchor_ends() {
        let error = AnchorLines::parse(io::repeat(0), "a").expect_err("it is endless").to_string();
        assert!(error.contains("longer than 256 MiB"), "{error}");
    }
}
