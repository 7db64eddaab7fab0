//! Signatures: those that hold, and the entries that they vouch for.

use obit_case::Problem;
use obit_case::chain::{Chain, final_line, head_line};
use obit_case::manifest::{CaseState, ChainHead, Manifest};
use obit_case::signing::{AllowedSigners, Signature};
use serde::Serialize;

/// A key that signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct SigningKey {
    /// Fingerprint, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Name of the signer; `None` if no list of signers was given.
    pub signer: Option<String>,
}

/// case.json of a closed case as a whole, and its signature.
pub(super) struct SignedManifest {
    pub(super) bytes: Vec<u8>,
    pub(super) signature: String,
}

/// The signatures of a case that hold.
#[derive(Debug, Default)]
pub(super) struct SignatureCheck {
    /// Number of entries of the chain that are signed.
    pub(super) entries: u64,
    /// True if case.json is signed.
    pub(super) manifest: bool,
    /// The keys, each once.
    pub(super) keys: Vec<SigningKey>,
    /// Signatures that do not hold, and those that hold over what the case does not have.
    pub(super) problems: Vec<Problem>,
}

impl SignatureCheck {
    /// Checks the signatures of heads and of case.json. Without signers, any key counts.
    pub(super) fn new(
        manifest: &Manifest,
        closed: Option<&SignedManifest>,
        chain: &Chain,
        signers: Option<&AllowedSigners>,
    ) -> Self {
        let mut check = Self::default();
        for head in [&manifest.head, &manifest.signed_head].into_iter().flatten() {
            let parts = head.parts;
            if let Some(signature) = &head.signature {
                let line = head_line(&manifest.case_id, parts, &head.sha256);
                let name = format!("of the head after {parts} parts");
                if check.add(&name, signature, signers, line.as_bytes()) {
                    check.take_head(&name, head, chain);
                }
            }
            if let Some(signature) = &head.final_signature {
                let line = final_line(&manifest.case_id, parts, &head.sha256);
                let name = format!("of the final head after {parts} parts");
                if check.add(&name, signature, signers, line.as_bytes()) {
                    check.take_head(&name, head, chain);
                    check.take_final(&name, manifest, parts < chain.parts());
                }
            }
        }
        if let Some(SignedManifest { bytes, signature }) = closed
            && check.add("of case.json", signature, signers, bytes)
        {
            check.manifest = true;
            check.entries = chain.parts();
        }
        check
    }

    /// Takes a head whose signature holds: the chain has it, or was changed since.
    fn take_head(&mut self, name: &str, head: &ChainHead, chain: &Chain) {
        match chain.after(head.parts) {
            Some(found) if found == head.sha256 => self.entries = self.entries.max(head.parts),
            // Entries that were dropped: a later head must vouch for that.
            None if head.parts < chain.dropped() => {}
            Some(_) => self.contradict(name, "the case has another head there: parts up to there were changed"),
            None => {
                let found = chain.parts();
                self.contradict(name, &format!("the case has {found} parts: its end was cut off"));
            }
        }
    }

    /// Takes a final head whose signature holds: the case was closed with it.
    fn take_final(&mut self, name: &str, manifest: &Manifest, is_longer: bool) {
        if manifest.state != CaseState::Closed {
            self.contradict(name, "the case was closed, and is not: somebody opened it again");
        } else if is_longer {
            self.contradict(name, "the case was closed there, and goes on: somebody added to it");
        }
    }

    fn contradict(&mut self, name: &str, why: &str) {
        self.problems.push(Problem::Signature { why: format!("{name}: it holds, and {why}") });
    }

    /// Checks one signature and notes its key, or the problem. Returns true if it holds and is by
    /// one of the signers, if any are given.
    fn add(&mut self, name: &str, signature: &str, signers: Option<&AllowedSigners>, message: &[u8]) -> bool {
        let key = match Signature::check(signature, message) {
            Err(why) => Err(format!("{name}: {why}")),
            Ok(signature) => {
                let fingerprint = signature.fingerprint();
                match signers.map(|signers| signers.name(&signature)) {
                    None => Ok(SigningKey { fingerprint, signer: None }),
                    Some(Some(signer)) => Ok(SigningKey { fingerprint, signer: Some(signer.to_owned()) }),
                    Some(None) => Err(format!("{name}: made with key {fingerprint}, which is none of the signers'")),
                }
            }
        };
        match key {
            Ok(key) => {
                if !self.keys.contains(&key) {
                    self.keys.push(key);
                }
                true
            }
            Err(why) => {
                self.problems.push(Problem::Signature { why });
                false
            }
        }
    }
}
