//! A time stamp of RFC 3161 over case.json, made by OpenSSL's authority.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::keys;
use crate::program::replay;

/// Runs a script with an authority of its own in `directory`.
fn run(directory: &Path, script: &str) {
    let done = Command::new("bash").args(["-euc", script]).current_dir(directory).output().expect("bash");
    assert!(done.status.success(), "{script}\n{}", String::from_utf8_lossy(&done.stderr));
}

/// Makes an authority: a key, a certificate for time stamps, and a configuration.
fn authority() -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let configuration = "\
[tsa]\ndefault_tsa = tsa_one\n[tsa_one]\nserial = ./serial\nsigner_cert = ./tsa.pem\nsigner_key = ./tsa.key\n\
signer_digest = sha256\ndefault_policy = 1.2.3.4.1\ndigests = sha256, sha512\naccuracy = secs:1\nordering = yes\n\
ess_cert_id_chain = no\n[req]\ndistinguished_name = name\n[name]\n[stamps]\nextendedKeyUsage = critical,timeStamping\n";
    fs::write(directory.path().join("tsa.cnf"), configuration).expect("writable");
    run(
        directory.path(),
        "openssl req -x509 -newkey rsa:2048 -nodes -keyout tsa.key -out tsa.pem -subj /CN=authority -days 2 \
         -config tsa.cnf -extensions stamps 2>/dev/null && echo 01 > serial",
    );
    directory
}

/// Has the authority stamp a case, with a digest of this kind.
fn stamp(authority: &Path, case: &Path, digest: &str) {
    run(
        authority,
        &format!(
            "openssl ts -query -data {case}/case.json -{digest} -cert -out query 2>/dev/null && \
             openssl ts -reply -config tsa.cnf -queryfile query -out {case}/case.json.tsr 2>/dev/null",
            case = case.display()
        ),
    );
}

#[test]
fn a_time_stamp_is_shown_and_is_over_this_case() {
    let authority = authority();
    let case = keys::everyday(None).case;
    for digest in ["sha256", "sha512"] {
        stamp(authority.path(), &case.path, digest);
        for command in ["verify", "info"] {
            let shown = replay([command, case.arg()]).expect_code(0);
            assert!(shown.stdout.contains("time stamp over case.json of 2"), "{shown:#?}");
            assert!(shown.stdout.contains("policy 1.2.3.4.1, serial 0"), "{shown:#?}");
        }
    }
    // As docs/case-format.md says.
    let check = "openssl ts -verify -data CASE/case.json -in CASE/case.json.tsr -CAfile tsa.pem";
    run(authority.path(), &check.replace("CASE", case.arg()));
}

#[test]
fn a_time_stamp_over_another_case_or_none_at_all_is_found() {
    let authority = authority();
    let (case, other) = (keys::everyday(None).case, crate::case::Recorder::new().close());
    stamp(authority.path(), &other.path, "sha256");
    let place = case.path.join("case.json.tsr");
    let foreign = fs::read(other.path.join("case.json.tsr")).expect("a stamp");
    let empty = Vec::new();
    let cut = foreign[..foreign.len() - 1].to_vec();
    for (answer, why) in [(foreign.clone(), "over another text"), (cut, "no answer"), (empty, "no answer")] {
        fs::write(&place, answer).expect("writable");
        let verified = replay(["verify", case.arg()]).expect_code(1);
        assert!(verified.stderr.contains(why), "{verified:#?}");
    }
    // No byte of a stamp makes the reader stumble; what is over this case is read from a few of them.
    let own = fs::read(other.path.join("case.json.tsr")).expect("a stamp");
    for at in (0..own.len()).step_by(7) {
        let mut changed = own.clone();
        changed[at] ^= 0xff;
        let _ = obit_case::time_stamp::TimeStamp::parse(&changed);
    }
}
