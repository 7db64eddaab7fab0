//! Signatures: those that hold, and the entries that they vouch for.

use obit_case::chain::{Chain, final_line, head_line};
use obit_case::manifest::Manifest;
use obit_case::signing::{AllowedSigners, Signature};
use obit_case::{Case, Problem};

/// A key that signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningKey {
    /// Fingerprint, as `ssh-keygen -l` prints it.
    pub fingerprint: String,
    /// Name of the signer; `None` if no list of signers was given.
    pub signer: Option<String>,
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
    pub(super) problems: Vec<Problem>,
}

impl SignatureCheck {
    /// Checks the signatures of heads and of case.json. Without signers, any key counts.
    pub(super) fn new(case: &Case, manifest: &Manifest, chain: &Chain, signers: Option<&AllowedSigners>) -> Self {
        let mut check = Self::default();
        let heads = [&manifest.head, &manifest.signed_head].into_iter().flatten();
        let signed = heads.flat_map(|head| {
            let texts =
                [(&head.signature, head_line as fn(&str, u64, &str) -> String), (&head.final_signature, final_line)];
            texts.into_iter().filter_map(move |(signature, line)| Some((head, signature.as_ref()?, line)))
        });
        for (head, signature, line) in signed {
            let line = line(&manifest.case_id, head.parts, &head.sha256);
            let name = format!("of the head after {} parts", head.parts);
            if check.add(&name, signature, signers, line.as_bytes())
                && chain.after(head.parts) == Some(head.sha256.as_str())
            {
                check.entries = check.entries.max(head.parts);
            }
        }
        let signature = case.signature().filter(|_| case.is_closed());
        if let (Some(signature), Some(bytes)) = (signature, case.manifest_bytes())
            && check.add("of case.json", &signature, signers, &bytes)
        {
            check.manifest = true;
            check.entries = chain.parts();
        }
        if signers.is_some() {
            let mut lack = |why: &str| check.problems.push(Problem::Signature { why: why.to_owned() });
            if check.keys.is_empty() {
                lack("nothing in this case is signed by one of the signers");
            } else if case.is_closed() && !check.manifest {
                lack("case.json is not signed: whoever closed the case had no key, or the signature was taken away");
            }
        }
        check
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
