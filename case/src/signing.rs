//! Signatures of a case, in OpenSSH's format for files (PROTOCOL.sshsig): `ssh-keygen -Y verify`
//! checks them.

use std::fs;
use std::path::Path;

use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use crate::error::Error;

/// The namespace of all signatures: a signature over a case is good for nothing else.
pub const NAMESPACE: &str = "obit-case";

/// Name of the file with the signature of case.json, in a closed case.
pub const SIGNATURE_NAME: &str = "case.json.sig";

/// Longest signature or list of signers that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// A private key that signs cases.
#[derive(Debug)]
pub struct Signer {
    key: PrivateKey,
}

impl Signer {
    /// Reads an OpenSSH private key (ed25519, without a passphrase).
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Key`] for a key that cannot be used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read(path).map_err(Error::io("read the key", path))?;
        let unusable = |why: String| Error::Key { path: path.to_owned(), why };
        let key = PrivateKey::from_openssh(&text)
            .map_err(|error| unusable(format!("it is no OpenSSH private key: {error}")))?;
        if key.is_encrypted() {
            let advice = "the key has a passphrase, and a recorder cannot ask for it: make a key for recording with \
                          `ssh-keygen -t ed25519 -N '' -f FILE`";
            return Err(unusable(advice.to_owned()));
        }
        if key.algorithm() != Algorithm::Ed25519 {
            let algorithm = key.algorithm();
            return Err(unusable(format!("it is an {algorithm} key; signing takes an ed25519 key")));
        }
        Ok(Self { key })
    }

    /// Returns the key's fingerprint, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }

    /// Signs a message. Returns the text of a signature file.
    ///
    /// # Errors
    /// [`Error::Sign`].
    pub fn sign(&self, message: &[u8]) -> Result<String, Error> {
        let signed =
            self.key.sign(NAMESPACE, HashAlg::Sha512, message).and_then(|signed| signed.to_pem(LineEnding::LF));
        signed.map_err(|error| Error::Sign { why: error.to_string() })
    }
}

/// A signature that was checked and holds, by any key.
#[derive(Clone, Debug)]
pub struct Signature {
    key: PublicKey,
}

impl Signature {
    /// Checks a signature over a message.
    ///
    /// # Errors
    /// The reason why it does not hold.
    pub fn check(text: &str, message: &[u8]) -> Result<Self, String> {
        let signature =
            SshSig::from_pem(text).map_err(|error| format!("it is no signature of ssh-keygen's: {error}"))?;
        let key = PublicKey::from(signature.public_key().clone());
        match signature.algorithm() {
            Algorithm::Ed25519 => key
                .verify(NAMESPACE, message, &signature)
                .map_err(|_| format!("it is not over this text and namespace {NAMESPACE}"))?,
            other => return Err(format!("it is of a key of type {other}: check it with ssh-keygen -Y verify")),
        }
        Ok(Self { key })
    }

    /// Returns the fingerprint of the key that signed, as `ssh-keygen -l` prints it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The signers to trust, from a file in ssh-keygen's ALLOWED SIGNERS format.
#[derive(Clone, Debug, Default)]
pub struct AllowedSigners {
    known: Vec<(String, PublicKey)>,
    /// Lines that were left out, counted from 1, each with the reason.
    pub skipped: Vec<(usize, &'static str)>,
}

impl AllowedSigners {
    /// Reads such a file.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Key`] if it names nobody.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path).map_err(Error::io("read the signers", path))?;
        let signers = Self::parse(&text);
        if signers.known.is_empty() {
            let why = "it names no ed25519 key: a line is `NAME ssh-ed25519 KEY`, as in ssh-keygen's allowed signers";
            return Err(Error::Key { path: path.to_owned(), why: why.to_owned() });
        }
        Ok(signers)
    }

    /// Parses the text of such a file (ssh-keygen(1), "ALLOWED SIGNERS").
    pub fn parse(text: &str) -> Self {
        let mut signers = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            match signer(line) {
                Ok(known) => signers.known.push(known),
                Err(why) => signers.skipped.push((number + 1, why)),
            }
        }
        signers
    }

    /// Returns the name of the signer; `None` if it is none of these.
    pub fn name(&self, signature: &Signature) -> Option<&str> {
        let is_theirs = |(_, key): &&(String, PublicKey)| key.key_data() == signature.key.key_data();
        self.known.iter().find(is_theirs).map(|(name, _)| name.as_str())
    }
}

/// Parses one line: principals, options, key type, key, comment.
fn signer(line: &str) -> Result<(String, PublicKey), &'static str> {
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let at = words.iter().position(|word| *word == "ssh-ed25519").ok_or("it has no key of type ssh-ed25519")?;
    let (before, from) = words.split_at_checked(at).unwrap_or_default();
    let ([name, options @ ..], [kind, key, ..]) = (before, from) else {
        return Err("it is not `NAME ssh-ed25519 KEY`");
    };
    for option in options.iter().flat_map(|options| options.split(',')) {
        // An option narrows the trust; one that is not understood must not widen it.
        let names = option.strip_prefix("namespaces=").map(|value| value.trim_matches('"'));
        match names {
            Some(NAMESPACE) => {}
            Some(_) => return Err("it is not for the namespace obit-case alone"),
            None => return Err("it has an option other than namespaces=\"obit-case\""),
        }
    }
    let key = PublicKey::from_openssh(&format!("{kind} {key}")).map_err(|_| "its key cannot be read")?;
    Ok(((*name).to_owned(), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_signer_is_trusted_only_for_what_its_line_says() {
        let text = format!(
            "# a comment\n\nanna@host ssh-ed25519 {KEY} anna\n\
             b namespaces=\"obit-case\" ssh-ed25519 {KEY}\n\
             c namespaces=\"git\" ssh-ed25519 {KEY}\n\
             d valid-before=\"20010101\" ssh-ed25519 {KEY}\n\
             e cert-authority ssh-ed25519 {KEY}\n\
             ssh-ed25519 {KEY}\nf ssh-rsa AAAA\ng ssh-ed25519 AAAA\n"
        );
        let signers = AllowedSigners::parse(&text);
        let names: Vec<_> = signers.known.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["anna@host", "b"]);
        assert_eq!(signers.skipped.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [5, 6, 7, 8, 9, 10]);
    }
}
