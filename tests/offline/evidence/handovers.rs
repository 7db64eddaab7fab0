//! Hand-overs of a case: recorded, shown, and checked.

use std::fs;
use std::process::Command;

use super::keys::{self, Key};
use crate::program::replay;

#[test]
fn hand_overs_are_shown_by_verify_and_info_and_the_case_stays_as_it_is() {
    let (recorder, holder) = (Key::new("recorder"), Key::new("holder"));
    let case = keys::everyday(Some(&recorder)).case;
    let signers =
        [recorder.signers(), holder.signers()].map(|path| fs::read_to_string(path).expect("signers")).concat();
    let all = tempfile::NamedTempFile::new().expect("a file");
    fs::write(all.path(), signers).expect("writable");
    let key = holder.private().to_str().expect("UTF-8").to_owned();
    for (to, note) in [("J. Doe, CERT", "bag 4711"), ("Court \u{1b}[31m", "")] {
        replay(["handover", case.arg(), "--to", to, "--note", note, "--sign", &key]).expect_code(0);
    }
    let verified = replay(["verify", case.arg(), "--signers", all.path().to_str().expect("UTF-8")]).expect_code(0);
    assert!(verified.stdout.contains("to J. Doe, CERT, signed by holder, key"), "{verified:#?}");
    assert!(verified.stdout.contains("bag 4711") && !verified.stdout.contains('\u{1b}'), "{verified:#?}");
    let info = replay(["info", case.arg()]).expect_code(0);
    assert_eq!(info.stdout.matches("handed over").count(), 2, "{info:#?}");
    let json = replay(["info", case.arg(), "--format", "json"]).expect_code(0);
    let json: serde_json::Value = serde_json::from_str(&json.stdout).expect("JSON");
    assert_eq!(json["handovers"][0]["record"]["note"], "bag 4711");
    assert_eq!(json["problems"].as_array().map(Vec::len), Some(0), "{json}");
}

#[test]
fn ssh_keygen_checks_a_hand_over() {
    let key = Key::new("holder");
    let case = keys::everyday(None).case;
    let private = key.private().to_str().expect("UTF-8").to_owned();
    replay(["handover", case.arg(), "--to", "somebody", "--sign", &private]).expect_code(0);
    let script = "jq -r .signature CASE/handover.jsonl > \"$SIG\" && jq -r .record CASE/handover.jsonl |
        ssh-keygen -Y verify -f \"$SIGNERS\" -I holder -n obit-case -s \"$SIG\"";
    let signature = tempfile::NamedTempFile::new().expect("a file");
    let done = Command::new("bash")
        .args(["-c", &script.replace("CASE", case.arg())])
        .env("SIG", signature.path())
        .env("SIGNERS", key.signers())
        .status();
    assert!(done.expect("bash, jq and ssh-keygen").success());
}

#[test]
fn a_log_that_was_changed_is_found_and_not_continued() {
    let key = Key::new("holder");
    let case = keys::everyday(None).case;
    let private = key.private().to_str().expect("UTF-8").to_owned();
    for to in ["one", "two", "three"] {
        replay(["handover", case.arg(), "--to", to, "--sign", &private]).expect_code(0);
    }
    let place = case.path.join("handover.jsonl");
    let whole = fs::read_to_string(&place).expect("a log");
    let lines: Vec<&str> = whole.lines().collect();
    let changes = [
        whole.replacen("two", "six", 1),
        format!("{}\n{}\n", lines[0], lines[2]),
        format!("{}\n{}\n", lines[1], lines[2]),
        format!("{}\n{}\n{}\n", lines[0], lines[0], lines[1]),
        whole.replacen("\"signature\"", "\"other\"", 1),
        format!("{whole}nothing\n"),
        whole[..whole.len() / 2].to_owned(),
    ];
    for changed in changes {
        fs::write(&place, &changed).expect("writable");
        let verified = replay(["verify", case.arg()]).expect_code(1);
        assert!(verified.stderr.contains("hand-overs: record"), "{verified:#?}");
        replay(["handover", case.arg(), "--to", "four", "--sign", &private]).expect_code(2);
        assert_eq!(fs::read_to_string(&place).expect("a log"), changed, "nothing was added");
    }
    // Of records that are gone from the end nobody can know.
    fs::write(&place, format!("{}\n", lines[0])).expect("writable");
    replay(["verify", case.arg()]).expect_code(0);
}

#[test]
fn a_hand_over_is_of_one_closed_case() {
    let key = Key::new("holder");
    let private = key.private().to_str().expect("UTF-8").to_owned();
    let open = crate::case::everyday().kill();
    replay(["handover", open.arg(), "--to", "somebody", "--sign", &private]).expect_code(2);
    let (one, other) = (keys::everyday(None).case, keys::everyday(Some(&key)).case);
    replay(["handover", one.arg(), "--to", "somebody", "--sign", &private]).expect_code(0);
    fs::copy(one.path.join("handover.jsonl"), other.path.join("handover.jsonl")).expect("a copy");
    let verified = replay(["verify", other.arg()]).expect_code(1);
    assert!(verified.stderr.contains("about another case"), "{verified:#?}");
    replay(["handover", one.arg(), "--to", &"x".repeat(5000), "--sign", &private]).expect_code(2);
}
