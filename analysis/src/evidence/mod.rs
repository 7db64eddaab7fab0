//! What stands behind the files of a case: the chain of its parts, signatures, and an anchor kept elsewhere.

use std::fmt::Write as _;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use anyhow::Context;
use obit_case::chain::{self, CLOSED_WORD, Chain, ChainLink, HEAD_WORD};
use obit_case::manifest::{ChainHead, Manifest};
use obit_case::reader::PartSource;
use obit_case::signing::{AllowedSigners, Signature};
use obit_case::{Case, Problem};
use obit_schema::Table;
use obit_schema::digest::Digest;
use sha2::{Digest as _, Sha256};

use crate::problems;
use obit_schema::text;

/// Longest anchor that is read, in bytes.
const MAX_ANCHOR_BYTES: u64 = 256 << 20;

/// The first minor version of format 1 whose recorders chain their parts.
const CHAINED_MINOR: u32 = 1;

/// What was found.
#[derive(Debug, Default)]
pub struct Evidence {
    /// What does not hold.
    pub problems: Vec<Problem>,
    /// How far each kind of proof reaches, for people.
    pub report: String,
}

/// What an anchor says of one case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// Heads, each so many parts and their digest.
    heads: Vec<(u64, String)>,
    /// The digest of the closed case's case.json.
    closed: Vec<String>,
}

impl Anchor {
    /// Reads what a file holds about a case. Lines may have anything before, such as the system journal's time.
    pub fn read(path: &Path, case_id: &str) -> anyhow::Result<Self> {
        let cannot = || format!("cannot read the anchor {}", text::printable(&path.display().to_string()));
        let mut bytes = Vec::new();
        File::open(path).with_context(cannot)?.take(MAX_ANCHOR_BYTES).read_to_end(&mut bytes).with_context(cannot)?;
        Ok(Self::parse(&String::from_utf8_lossy(&bytes), case_id))
    }

    fn parse(text: &str, case_id: &str) -> Self {
        let mut anchor = Self::default();
        for line in text.lines() {
            let words: Vec<&str> = line.split_ascii_whitespace().collect();
            let after = |word: &str| words.iter().position(|other| *other == word).map(|at| &words[at..]);
            if let Some([_, "1", id, parts, sha256, ..]) = after(HEAD_WORD)
                && *id == case_id
                && let Ok(parts) = parts.parse()
            {
                anchor.heads.push((parts, (*sha256).to_owned()));
            }
            if let Some([_, "1", id, sha256, ..]) = after(CLOSED_WORD)
                && *id == case_id
            {
                anchor.closed.push((*sha256).to_owned());
            }
        }
        anchor
    }

    /// How many parts it vouches for.
    fn check(&self, case: &Case, chain: &Chain, problems: &mut Vec<Problem>) -> u64 {
        let mut reach = 0;
        let mut say = |why: String| problems.push(Problem::Anchor { why });
        if self.heads.is_empty() && self.closed.is_empty() {
            say("it has no line about this case".to_owned());
        }
        let newest = self.heads.iter().map(|(parts, _)| *parts).max().unwrap_or(0);
        if newest > chain.parts() {
            let there = chain.parts();
            say(format!("it saw {newest} parts and the case has {there}: the end of the case was cut off"));
        }
        for (parts, sha256) in &self.heads {
            match chain.after(*parts) {
                Some(found) if found == sha256 => reach = reach.max(*parts),
                Some(_) => say(format!("it saw another head after {parts} parts: parts up to there were changed")),
                // Of before what was dropped, which a later entry says; or past the end, which is said above.
                None => {}
            }
        }
        if let Some(sha256) = self.closed.last() {
            match case.manifest_bytes().map(|bytes| Digest::from(Sha256::new_with_prefix(bytes)).to_string()) {
                Some(found) if found == *sha256 => {}
                _ if !case.is_closed() => say("it saw the case closed, and it is not".to_owned()),
                _ => say("it saw another case.json when the case was closed".to_owned()),
            }
        }
        reach
    }

    /// Whether it vouches for case.json.
    fn has_manifest(&self) -> bool {
        !self.closed.is_empty()
    }
}

/// Examines a case. `anchor` is a file that holds what was written elsewhere, `signers` whom to trust.
pub fn examine(case: &Case, anchor: Option<&Path>, signers: Option<&AllowedSigners>) -> anyhow::Result<Evidence> {
    let mut evidence = Evidence::default();
    let Some(manifest) = case.manifest() else {
        return Ok(evidence);
    };
    let Some(chain) = Chain::follow(manifest) else {
        let is_asked = anchor.is_some() || signers.is_some();
        if manifest.format.minor >= CHAINED_MINOR || is_asked {
            let why = "case.json has none, so nothing can be said about signatures and anchors".to_owned();
            evidence.problems.push(Problem::Head { why });
        }
        evidence.report.push_str("evidence: hashed only: recorded by a version that did not chain its parts\n");
        return Ok(evidence);
    };
    evidence.problems.extend_from_slice(chain.problems());
    let anchored = match anchor {
        Some(path) => {
            let anchor = Anchor::read(path, &manifest.case_id)?;
            Some((anchor.check(case, &chain, &mut evidence.problems), anchor.has_manifest()))
        }
        None => None,
    };
    let signed = Signed::find(case, manifest, &chain, signers, &mut evidence.problems);
    evidence.report = report(case, &chain, anchored, &signed);
    Ok(evidence)
}

/// How far signatures reach.
#[derive(Debug, Default)]
struct Signed {
    parts: u64,
    manifest: bool,
    /// Whose they are, for people.
    by: Vec<String>,
}

impl Signed {
    fn find(
        case: &Case,
        manifest: &Manifest,
        chain: &Chain,
        signers: Option<&AllowedSigners>,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let mut signed = Self::default();
        let of_head = [&manifest.head, &manifest.signed_head].into_iter().flatten();
        for (head, signature) in of_head.filter_map(|head| Some((head, head.signature.as_ref()?))) {
            if signed.holds(
                &format!("of the head after {} parts", head.parts),
                signature,
                signers,
                problems,
                &line(manifest, head),
            ) && chain.after(head.parts) == Some(head.sha256.as_str())
            {
                signed.parts = signed.parts.max(head.parts);
            }
        }
        let of_manifest = case.signature().filter(|_| case.is_closed());
        if let (Some(signature), Some(bytes)) = (&of_manifest, case.manifest_bytes())
            && signed.holds("of case.json", signature, signers, problems, &bytes)
        {
            signed.manifest = true;
            signed.parts = chain.parts();
        }
        if signers.is_some() {
            let mut lack = |why: &str| problems.push(Problem::Signature { why: why.to_owned() });
            if signed.by.is_empty() {
                lack("nothing in this case is signed by one of the signers");
            } else if case.is_closed() && !signed.manifest {
                lack("case.json is not signed: whoever closed the case had no key, or the signature was taken away");
            }
        }
        signed
    }

    /// Whether a signature holds, and is of one of the signers if any are given.
    fn holds(
        &mut self,
        of: &str,
        signature: &str,
        signers: Option<&AllowedSigners>,
        problems: &mut Vec<Problem>,
        message: &[u8],
    ) -> bool {
        let by = match Signature::check(signature, message) {
            Err(why) => Err(format!("{of}: {why}")),
            Ok(signature) => {
                let key = signature.fingerprint();
                match signers.map(|signers| signers.name(&signature)) {
                    None => Ok(format!("key {key}, whose is not known: see --signers")),
                    Some(Some(name)) => Ok(format!("{name}, key {key}")),
                    Some(None) => Err(format!("{of}: made with key {key}, which is none of the signers'")),
                }
            }
        };
        match by {
            Ok(by) => {
                if !self.by.contains(&by) {
                    self.by.push(by);
                }
                true
            }
            Err(why) => {
                problems.push(Problem::Signature { why });
                false
            }
        }
    }
}

fn line(manifest: &Manifest, head: &ChainHead) -> Vec<u8> {
    chain::head_line(&manifest.case_id, head.parts, &head.sha256).into_bytes()
}

fn report(case: &Case, chain: &Chain, anchored: Option<(u64, bool)>, signed: &Signed) -> String {
    let mut said = String::new();
    let total = chain.parts();
    // Writing to a String cannot fail.
    match case.manifest().and_then(|manifest| manifest.dropped.as_ref()) {
        None => _ = writeln!(said, "evidence: {total} parts, chained"),
        Some(dropped) => {
            let gone = chain.dropped();
            let _ =
                writeln!(said, "evidence: {total} entries, chained; the first {gone} are gone with what was dropped");
            let _ = writeln!(said, "  dropped      {}", problems::dropped_in_words(dropped));
        }
    }
    let and_manifest = |manifest: bool| if manifest { ", case.json" } else { "" };
    match anchored {
        Some((parts, manifest)) => {
            let _ = writeln!(said, "  anchored     {}{}", span(case, chain, 0, parts), and_manifest(manifest));
        }
        None => said.push_str("  anchored     not looked at: see --anchor\n"),
    }
    let by = match signed.by.as_slice() {
        [] => String::new(),
        by => format!(" ({})", text::printable(&by.join("; "))),
    };
    let _ =
        writeln!(said, "  signed       {}{}{by}", span(case, chain, 0, signed.parts), and_manifest(signed.manifest));
    let proven = signed.parts.max(anchored.map_or(0, |(parts, _)| parts));
    let _ = writeln!(said, "  only hashed  {}", span(case, chain, proven, total));
    let journals =
        Table::ALL.iter().flat_map(|table| case.parts(*table)).filter(|part| part.source == PartSource::Journal);
    let rows: u64 = journals.map(|part| part.rows).sum();
    if rows > 0 {
        let _ = writeln!(said, "  not hashed   {rows} rows in journals");
    }
    said
}

/// The entries after `from` up to `to`, as far as they are there, with the records that they hold.
fn span(case: &Case, chain: &Chain, from: u64, to: u64) -> String {
    let from = from.max(chain.dropped());
    if from >= to {
        return "nothing".to_owned();
    }
    let parts = case.manifest().map(|manifest| manifest.parts.as_slice()).unwrap_or_default();
    let skip = usize::try_from(from - chain.dropped()).unwrap_or(usize::MAX);
    let links = chain.links().iter().skip(skip).take(usize::try_from(to - from).unwrap_or(usize::MAX));
    let ends = links.filter_map(|link| match link {
        ChainLink::Part(index) => parts.get(*index).filter(|part| part.file.starts_with("raw/")),
        ChainLink::Drop(_) => None,
    });
    let records = match ends
        .filter_map(|part| Some((part.first_seq?, part.last_seq?)))
        .reduce(|a, b| (a.0.min(b.0), a.1.max(b.1)))
    {
        Some((first, last)) => format!(" (records {first} to {last})"),
        None => String::new(),
    };
    let what = if chain.links().iter().any(|link| matches!(link, ChainLink::Drop(_))) { "entries" } else { "parts" };
    format!("{what} {} to {to}{records}", from + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_anchor_may_be_the_system_journals_text() {
        let text = "Nov 24 07:00:01 host obit-capture[7]: obit-head 1 a 0 00\n\
                    obit-head 1 b 3 ff\nobit-head 2 a 9 99\nobit-head 1 a 2 aa\r\nobit-closed 1 a cc\nobit-head 1 a x y\n";
        let heads = vec![(0, "00".to_owned()), (2, "aa".to_owned())];
        assert_eq!(Anchor::parse(text, "a"), Anchor { heads, closed: vec!["cc".to_owned()] });
    }
}
