//! A second verifier, written from the description of the format alone, finds the same.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use obit_analysis::evidence::{AnchorSource, ChainReach, LineTrust, ProofRequest, ProvenSpan, examine};
use obit_analysis::problems;
use obit_case::Problem;
use obit_case::signing::AllowedSigners;
use serde_json::{Value, json};

use super::anchor_file;
use super::forgeries;
use super::originals::Originals;

/// Returns what this verifier finds, in the words of the other one.
fn found(case: &Path, signers: Option<&AllowedSigners>, anchor: Option<AnchorSource<'_>>) -> Value {
    let Ok(case) = problems::open(case) else { return json!({"readable": false}) };
    let request = ProofRequest { anchor, signers, ..ProofRequest::default() };
    let evidence = examine(&case, &request).expect("an anchor");
    let ChainReach::Chained(reach) = &evidence.reach else { return json!({"readable": false}) };
    if case.manifest().is_none_or(|manifest| manifest.head.is_none()) {
        return json!({"readable": false});
    }
    let is_unlisted = |problem: &Problem| matches!(problem, Problem::Unlisted { .. } | Problem::Damaged { .. });
    let last = |span: &ProvenSpan| span.entries.map_or(0, |entries| entries.last);
    json!({
        "readable": true,
        "files": case.check_sums().is_empty() && !case.problems().iter().any(is_unlisted),
        "statements": evidence.problems.is_empty(),
        "signed": last(&reach.signed),
        "signed_whole": reach.signed.has_manifest,
        "anchored": reach.anchored.as_ref().map(last),
        "anchored_whole": reach.anchored.as_ref().map(|span| span.has_manifest),
    })
}

#[test]
fn a_second_verifier_finds_the_same_in_every_forgery() {
    let originals = Originals::record();
    let path = originals.signers();
    let signers = AllowedSigners::read(&path).expect("signers");
    let (mut requests, mut answers, mut kept) = (String::new(), Vec::new(), Vec::new());
    for forgery in forgeries() {
        let forged = forgery.make(&originals);
        let anchor = anchor_file(&forged);
        for (with_signers, trust) in [
            (false, None),
            (false, Some(LineTrust::Signed)),
            (true, Some(LineTrust::Signed)),
            (true, Some(LineTrust::All)),
        ] {
            let mut request = json!({"case": forged.path()});
            if with_signers {
                request["signers"] = json!(path);
            }
            if let Some(trust) = trust {
                request["anchor"] = json!(anchor.path());
                request["trust_anchor"] = json!(trust == LineTrust::All);
            }
            requests.push_str(&format!("{request}\n"));
            let source = trust.map(|trust| AnchorSource { path: anchor.path(), trust });
            let signers = with_signers.then_some(&signers);
            let name = format!("{:?} {}, signers: {with_signers}, anchor: {trust:?}", forgery.original, forgery.name);
            answers.push((name, found(forged.path(), signers, source)));
        }
        kept.push((forged, anchor));
    }
    let said = second_verifier(&requests);
    assert_eq!(said.len(), answers.len());
    let differing: Vec<_> = answers.iter().zip(&said).filter(|((_, ours), theirs)| ours != *theirs).collect();
    assert!(differing.is_empty(), "ours, theirs: {differing:#?}");
}

/// Runs the second verifier on these requests, one a line.
fn second_verifier(requests: &str) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/offline/evidence/second_verifier.py");
    let mut child = Command::new("python3")
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3: `scripts/setup.sh test` installs it");
    let mut stdin = child.stdin.take().expect("a pipe");
    let requests = requests.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(requests.as_bytes()));
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("no panic").expect("it reads all");
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}
