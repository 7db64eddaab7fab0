//! Each way to tamper with a case, and the words of `verify` about it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::keys::{self, AnchoredCase, Key};
use crate::case::{self, RecordedCase};
use crate::program::{Run, replay};

/// Verifies a case with the signers and the anchor.
pub fn verify(case: &RecordedCase, key: Option<&Key>, anchor: Option<&Path>) -> Run {
    let mut arguments = vec![PathBuf::from("verify"), case.path.clone()];
    if let Some(key) = key {
        arguments.extend(["--signers".into(), key.signers()]);
    }
    if let Some(anchor) = anchor {
        arguments.extend(["--anchor".into(), anchor.to_owned()]);
    }
    replay(arguments)
}

/// Fails unless `verify` refuses the case and names each of these.
#[track_caller]
pub fn assert_named(run: &Run, named: &[&str]) {
    assert_ne!(run.code, 0, "{run:#?}");
    for part in named {
        assert!(run.stderr.contains(part), "{part:?} is not named: {run:#?}");
    }
}

fn everyday() -> (Key, AnchoredCase) {
    let key = Key::new("anna@host");
    let anchored = keys::everyday(Some(&key));
    (key, anchored)
}

#[test]
fn a_case_as_it_was_is_proven_whole() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    let run = verify(&case, Some(&key), Some(anchor.path())).expect_code(0);
    let parts = manifest(&case)["parts"].as_array().expect("parts").len();
    for kind in ["anchored", "signed"] {
        let line = run.stdout.lines().find(|line| line.trim_start().starts_with(kind)).expect("a line of each kind");
        assert!(line.contains(&format!("parts 1 to {parts} ")) && line.contains("case.json"), "{line}");
    }
    assert!(run.stdout.contains("anna@host"), "{}", run.stdout);
    assert!(run.stdout.contains("only hashed  nothing"), "{}", run.stdout);
}

#[test]
fn stock_tools_check_the_sums_and_the_signature() {
    let (key, AnchoredCase { case, .. }) = everyday();
    let sums = Command::new("sha256sum").args(["--check", "--strict", "SHA256SUMS"]).current_dir(&case.path).output();
    let sums = sums.expect("sha256sum runs");
    assert!(sums.status.success(), "{sums:?}");
    assert!(
        String::from_utf8_lossy(&sums.stdout).contains("case.json.sig: OK"),
        "the signature is listed too: {sums:?}"
    );
    let text = fs::read_to_string(case.path.join("case.json")).expect("case.json");
    assert!(is_signed(&key, &fs::read_to_string(case.path.join("case.json.sig")).expect("a signature"), &text));
    let manifest = manifest(&case);
    let (id, head) = (manifest["case_id"].as_str().expect("an id"), &manifest["head"]);
    let (parts, sha256) = (&head["parts"], head["sha256"].as_str().expect("a digest"));
    let signature = head["final_signature"].as_str().expect("a signature");
    assert!(is_signed(&key, signature, &format!("obit-final 1 {id} {parts} {sha256}\n")));
    assert!(!is_signed(&key, signature, &format!("obit-head 1 {id} {parts} {sha256}\n")), "the case is closed");
}

#[test]
fn stock_tools_check_each_line_of_an_anchor() {
    let (key, AnchoredCase { anchor, .. }) = everyday();
    let lines = fs::read_to_string(anchor.path()).expect("the anchor");
    let kinds: Vec<_> = lines.lines().map(|line| line.split(' ').next().expect("a word")).collect();
    assert!(kinds.len() > 2 && kinds.ends_with(&["obit-head", "obit-closed"]), "{lines}");
    for line in lines.lines() {
        assert!(line.len() < 512, "shorter than a pipe takes at once (PIPE_BUF): {line}");
        let (statement, signature) = line.rsplit_once(' ').expect("a signature");
        let signature = format!("-----BEGIN SSH SIGNATURE-----\n{signature}\n-----END SSH SIGNATURE-----\n");
        assert!(is_signed(&key, &signature, &format!("obit-anchor {statement}\n")), "{line}");
        assert!(!is_signed(&key, &signature, &format!("{statement}\n")), "good for nothing in a case.json: {line}");
    }
}

/// Asks ssh-keygen whether a signature of the key is over this text.
fn is_signed(key: &Key, signature: &str, text: &str) -> bool {
    let mut files = [signature, text].map(|content| {
        let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
        file.write_all(content.as_bytes()).expect("written");
        file
    });
    let [signature, text] = &mut files;
    let run = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-I", "anna@host", "-n", "obit-case", "-s"])
        .arg(signature.path())
        .arg("-f")
        .arg(key.signers())
        .stdin(fs::File::open(text.path()).expect("the text"))
        .output();
    run.expect("ssh-keygen runs").status.success()
}

#[test]
fn a_flipped_byte_is_named() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    let path = case.path.join("raw/events/events-000001.parquet");
    let mut bytes = fs::read(&path).expect("a part");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&path, bytes).expect("written");
    assert_named(
        &verify(&case, Some(&key), Some(anchor.path())),
        &["raw/events/events-000001.parquet: its checksum differs"],
    );
}

#[test]
fn a_removed_part_is_named() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    fs::remove_file(case.path.join("raw/events/events-000001.parquet")).expect("removed");
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &["raw/events/events-000001.parquet: missing"]);
}

#[test]
fn a_swapped_pair_is_named() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    let path = |name: &str| case.path.join("raw/events").join(name);
    fs::rename(path("events-000000.parquet"), path("aside")).expect("renamed");
    fs::rename(path("events-000001.parquet"), path("events-000000.parquet")).expect("renamed");
    fs::rename(path("aside"), path("events-000001.parquet")).expect("renamed");
    let swapped = [
        "raw/events/events-000000.parquet: its checksum differs",
        "raw/events/events-000001.parquet: its checksum differs",
    ];
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &swapped);
}

#[test]
fn a_truncated_tail_is_named_even_with_new_sums() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    let mut manifest = manifest(&case);
    let parts = manifest["parts"].as_array_mut().expect("parts");
    let last = parts.pop().expect("a part");
    fs::remove_file(case.path.join(last["file"].as_str().expect("a name"))).expect("removed");
    rewrite(&case, &manifest);
    // The forger does not know of the chain.
    let named = ["the head stands for", "anchor: it saw", "the end of the case was cut off", "signature: of case.json"];
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &named);
    assert_named(&verify(&case, None, None), &["the head stands for"]);
}

#[test]
fn an_edited_manifest_is_named_even_with_new_sums() {
    let (key, AnchoredCase { case, anchor }) = everyday();
    let mut edited = manifest(&case);
    edited["host"] = serde_json::json!({"kernel": "another"});
    fs::write(case.path.join("case.json"), serde_json::to_vec_pretty(&edited).expect("text")).expect("written");
    assert_named(&verify(&case, None, None), &["case.json: its checksum differs"]);
    rewrite(&case, &edited);
    verify(&case, None, None).expect_code(1); // the signature is there, and does not hold
    let named = ["signature: of case.json: it is not over this text", "anchor: it saw another case.json"];
    assert_named(&verify(&case, Some(&key), Some(anchor.path())), &named);
}

#[test]
fn an_edited_entry_breaks_the_chain() {
    let (_key, AnchoredCase { case, .. }) = everyday();
    let mut edited = manifest(&case);
    edited["parts"][1]["rows"] = 1.into();
    rewrite(&case, &edited);
    let file = edited["parts"][2]["file"].as_str().expect("a name").to_owned();
    assert_named(&verify(&case, None, None), &[&format!("{file}: its entry in case.json does not follow")]);
}

#[test]
fn a_chain_that_was_taken_away_is_missed() {
    let (_key, AnchoredCase { case, .. }) = everyday();
    let mut edited = manifest(&case);
    let object = edited.as_object_mut().expect("an object");
    object.remove("head");
    for part in object["parts"].as_array_mut().expect("parts") {
        part.as_object_mut().expect("an entry").remove("previous");
    }
    rewrite(&case, &edited);
    assert_named(&verify(&case, None, None), &["the chain of parts does not hold: case.json has none"]);
}

#[test]
fn a_forgery_with_sums_and_chain_of_its_own_is_named() {
    let (key, AnchoredCase { case: real, anchor }) = everyday();
    // The same case without one of its containers, as a recorder would have written it.
    let mut forger = keys::recorder(None);
    forger.live(&case::id('a'));
    let forged = forger.close();
    verify(&forged, None, None).expect_code(0); // by itself it is flawless
    assert_named(&verify(&forged, Some(&key), None), &["nothing in this case is signed"]);
    let saw = ["anchor: it saw another head", "parts up to there were changed", "it saw another case.json"];
    assert_named(&verify(&forged, None, Some(anchor.path())), &saw);

    // The real signature stands beside the forged case.
    fs::copy(real.path.join("case.json.sig"), forged.path.join("case.json.sig")).expect("copied");
    assert_named(&verify(&forged, Some(&key), None), &["signature: of case.json: it is not over this text"]);

    // Somebody else signed it.
    let mallory = Key::new("mallory");
    let mut forger = keys::recorder(Some(&mallory));
    forger.live(&case::id('a'));
    let forged = forger.close();
    verify(&forged, Some(&mallory), None).expect_code(0);
    assert_named(&verify(&forged, Some(&key), None), &["which is none of the signers'"]);
}

#[test]
fn a_file_that_was_added_is_named() {
    let (_key, AnchoredCase { case, .. }) = everyday();
    let other = case::everyday().close();
    fs::copy(other.path.join("raw/events/events-000000.parquet"), case.path.join("raw/events/events-000099.parquet"))
        .expect("copied");
    assert_named(&verify(&case, None, None), &["raw/events/events-000099.parquet: not listed in case.json"]);
}

pub fn manifest(case: &RecordedCase) -> Value {
    serde_json::from_slice(&fs::read(case.path.join("case.json")).expect("case.json")).expect("JSON")
}

/// Writes another case.json, and the sums to match.
pub fn rewrite(case: &RecordedCase, manifest: &Value) {
    let text = serde_json::to_vec_pretty(manifest).expect("text");
    fs::write(case.path.join("case.json"), &text).expect("written");
    let mut sums = String::new();
    let mut files: Vec<String> = manifest["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| part["file"].as_str().expect("a name").to_owned())
        .collect();
    files.push("case.json".to_owned());
    if case.path.join("case.json.sig").exists() {
        files.push("case.json.sig".to_owned());
    }
    for file in files {
        let digest = Sha256::digest(fs::read(case.path.join(&file)).expect("a file"));
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        sums.push_str(&format!("{hex}  {file}\n"));
    }
    fs::write(case.path.join("SHA256SUMS"), sums).expect("written");
}
