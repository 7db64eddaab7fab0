//! Keys made by ssh-keygen, and cases signed with them.

use std::path::PathBuf;
use std::process::Command;

use obit_case::anchor_line::AnchorStatement;
use obit_case::signing::Signer;
use obit_case::writer::WriterOptions;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::{NamedTempFile, TempDir};

use crate::case::{self, RecordedCase, Recorder};

/// A key pair, and a file that names its owner.
pub struct Key {
    directory: TempDir,
}

impl Key {
    /// Makes a key for that person.
    pub fn new(name: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let key = Self { directory };
        let made = Command::new("ssh-keygen")
            .args(["-q", "-t", "ed25519", "-N", "", "-C", name, "-f"])
            .arg(key.private())
            .status();
        assert!(made.expect("ssh-keygen: `scripts/setup.sh test` installs it").success());
        let public = std::fs::read_to_string(key.private().with_extension("pub")).expect("the public key");
        std::fs::write(key.signers(), format!("{name} {public}")).expect("the signers");
        key
    }

    pub fn private(&self) -> PathBuf {
        self.directory.path().join("key")
    }

    pub fn signer(&self) -> Signer {
        Signer::read(&self.private()).expect("a key for signing")
    }

    /// Returns the file of allowed signers: this key.
    pub fn signers(&self) -> PathBuf {
        self.directory.path().join("signers")
    }
}

/// A case with the lines that its anchor received.
pub struct AnchoredCase {
    pub case: RecordedCase,
    pub anchor: NamedTempFile,
}

/// Makes a recorder with parts of five rows that signs with the key, if there is one.
pub fn recorder(key: Option<&Key>) -> Recorder {
    let signer = key.map(|key| key.signer().shared());
    Recorder::with_options(WriterOptions { part_rows: 5, signer, ..WriterOptions::default() }, json!({}))
}

/// Returns the line of a recorder that has this key or none.
pub fn anchor_line(statement: AnchorStatement, case_id: &str, signer: Option<&Signer>) -> String {
    match signer {
        None => statement.unsigned_line(case_id),
        Some(signer) => statement.signed_line(case_id, signer).expect("a line"),
    }
}

/// Records the everyday case, signed if there is a key, with its anchor.
pub fn everyday(key: Option<&Key>) -> AnchoredCase {
    let mut recorder = recorder(key);
    let mut lines = recorder.head_line();
    case::everyday_into(&mut recorder);
    lines.push_str(&recorder.head_line());
    let case = recorder.close();
    let text = std::fs::read(case.path.join("case.json")).expect("case.json");
    let manifest: serde_json::Value = serde_json::from_slice(&text).expect("JSON");
    let id = manifest["case_id"].as_str().expect("an id");
    let head = &manifest["head"];
    let (parts, sha256) = (head["parts"].as_u64().expect("a number"), head["sha256"].as_str().expect("a digest"));
    let signer = key.map(Key::signer);
    let sha256 = sha256.parse().expect("a digest");
    lines.push_str(&anchor_line(AnchorStatement::Head { entries: parts, sha256 }, id, signer.as_ref()));
    let sha256 = Sha256::new_with_prefix(&text).into();
    lines.push_str(&anchor_line(AnchorStatement::Closed { sha256 }, id, signer.as_ref()));
    let anchor = NamedTempFile::new().expect("a temporary file");
    std::fs::write(anchor.path(), lines).expect("the anchor");
    AnchoredCase { case, anchor }
}
