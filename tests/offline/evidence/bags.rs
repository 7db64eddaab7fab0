//! A case in a bag of BagIt (RFC 8493): a folder around it, with nothing changed in the case.

use std::fs;
use std::process::Command;

use super::keys::{self, Key};
use crate::program::replay;

#[test]
fn a_case_in_a_bag_is_the_case_and_the_bag_is_whole() {
    let key = Key::new("recorder");
    let case = keys::everyday(Some(&key)).case;
    let bag = tempfile::tempdir().expect("a temporary directory");
    // The commands of docs/case-format.md.
    let document =
        fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/case-format.md")).expect("the document");
    let section = document.split("\n## A case in a bag\n").nth(1).expect("a section about bags");
    let script = section.split("```sh\n").nth(1).and_then(|rest| rest.split("```").next()).expect("commands");
    let done =
        Command::new("bash").args(["-euc", script]).env("CASE", &case.path).env("BAG", bag.path().join("bag")).output();
    let done = done.expect("bash");
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let inside = bag.path().join("bag/data/case");
    let signers = key.signers();
    replay([
        "verify",
        inside.to_str().expect("UTF-8"),
        "--signers",
        signers.to_str().expect("UTF-8"),
        "--require",
        "closed,signed",
    ])
    .expect_code(0);
    let declaration = fs::read_to_string(bag.path().join("bag/bagit.txt")).expect("bagit.txt");
    assert_eq!(declaration, "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n");
    let listed = fs::read_to_string(bag.path().join("bag/manifest-sha256.txt")).expect("a manifest");
    let sums = fs::read_to_string(case.path.join("SHA256SUMS")).expect("sums");
    // Everything that the case lists, and the list itself.
    assert_eq!(listed.lines().count(), sums.lines().count() + 1, "{listed}");
    assert!(
        listed.lines().all(|line| line.split_once("  data/case/").is_some_and(|(sum, _)| sum.len() == 64)),
        "{listed}"
    );
}
