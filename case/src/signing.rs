//! Signatures of a case, in OpenSSH's format for files (PROTOCOL.sshsig): `ssh-keygen -Y verify`
//! checks them.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;

use rustix::fs::{FileType, Mode, OFlags};
use rustix::io::Errno;
use ssh_key::{Algorithm, HashAlg, LineEnding, PrivateKey, PublicKey, SshSig};

use crate::access::FileAccess;
use crate::bounded;
use crate::error::Error;

/// The namespace of all signatures: a signature over a case is good for nothing else.
pub const NAMESPACE: &str = "obit-case";

/// Name of the file with the signature of case.json, in a closed case.
pub const SIGNATURE_NAME: &str = "case.json.sig";

/// Longest signature, key or list of signers that is read, in bytes.
pub const MAX_BYTES: u64 = 1 << 20;

/// First line of a signature file (PROTOCOL.sshsig).
const SIGNATURE_BEGIN: &str = "-----BEGIN SSH SIGNATURE-----";
/// Last line of a signature file.
const SIGNATURE_END: &str = "-----END SSH SIGNATURE-----";
/// Characters of each line in between.
const SIGNATURE_LINE_BYTES: usize = 70;

/// A holder of a private key that signs what a writer says of its case.
pub trait CaseSigner: fmt::Debug + Send + Sync {
    /// Signs a message. Returns the text of a signature file.
    ///
    /// # Errors
    /// [`Error::Sign`].
    fn sign(&self, message: &[u8]) -> Result<String, Error>;
}

/// Signs a message. Returns the signature in one word, for a line of text: a signature file without
/// its first and last line and its newlines.
pub(crate) fn sign_in_a_word(signer: &dyn CaseSigner, message: &[u8]) -> Result<String, Error> {
    Ok(signer.sign(message)?.lines().filter(|line| !line.starts_with("-----")).collect())
}

/// Opens the file of a private key. A link is not followed.
///
/// # Errors
/// [`Error::Io`], or [`Error::Key`] for a link.
pub fn open_key(path: &Path) -> Result<File, Error> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    match rustix::fs::open(path, flags, Mode::empty()) {
        Err(Errno::LOOP) => {
            let why = "it is a link: name the file that it leads to".to_owned();
            Err(Error::Key { path: path.to_owned(), why })
        }
        opened => Ok(File::from(opened.map_err(Error::io("read the key", path))?)),
    }
}

/// A private key in memory that signs cases.
#[derive(Debug)]
pub struct Signer {
    key: PrivateKey,
}

impl Signer {
    /// Reads an OpenSSH private key (ed25519, without a passphrase) that nobody but its owner can
    /// read, as ssh-keygen wants it. A link is not followed.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Key`] for a key that cannot be used.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::from_file(open_key(path)?, path)
    }

    /// Reads such a key from an open file. `path` is for errors.
    ///
    /// # Errors
    /// [`Error::Io`], or [`Error::Key`] for a key that cannot be used.
    pub fn from_file(file: File, path: &Path) -> Result<Self, Error> {
        let unusable = |why: String| Error::Key { path: path.to_owned(), why };
        let access = FileAccess::of(&file).map_err(Error::io("read the key", path))?;
        if access.file_type() != FileType::RegularFile {
            return Err(unusable("it is not a regular file".to_owned()));
        }
        if access.is_open_to_others() {
            let mode = access.permissions();
            return Err(unusable(format!("others can read or write the key (mode {mode:04o}): `chmod 600` it")));
        }
        let mut text = Vec::new();
        let read = file.take(MAX_BYTES + 1).read_to_end(&mut text);
        if read.map_err(Error::io("read the key", path))? as u64 > MAX_BYTES {
            return Err(unusable(format!("it is no key: it has more than {MAX_BYTES} bytes")));
        }
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

    /// Returns this key as the signer that a writer takes.
    pub fn shared(self) -> Arc<dyn CaseSigner> {
        Arc::new(self)
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

impl CaseSigner for Signer {
    fn sign(&self, message: &[u8]) -> Result<String, Error> {
        self.sign(message)
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

    /// Checks a signature in one word over a message.
    ///
    /// # Errors
    /// The reason why it does not hold.
    pub fn check_word(word: &str, message: &[u8]) -> Result<Self, String> {
        let Some(lines) = word.is_ascii().then(|| word.as_bytes().chunks(SIGNATURE_LINE_BYTES)) else {
            return Err("it is no signature of ssh-keygen's".to_owned());
        };
        let lines: Vec<_> = lines.map(String::from_utf8_lossy).collect();
        let text = format!("{SIGNATURE_BEGIN}\n{}\n{SIGNATURE_END}\n", lines.join("\n"));
        Self::check(&text, message)
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
        let text = bounded::read(path, MAX_BYTES).map_err(Error::io("read the signers", path))?;
        let signers = Self::parse(&String::from_utf8_lossy(&text));
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
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const KEY: &str = "AAAAC3NzaC1lZDI1NTE5AAAAILM+rvN+ot98qgEN796jTiQfZfG1KaT0PtFDJ/XFSqti";

    #[test]
    fn a_key_is_read_only_if_nobody_else_can() {
        let scratch = tempfile::tempdir().unwrap();
        let (key, link) = (scratch.path().join("key"), scratch.path().join("link"));
        std::fs::write(&key, "no key").unwrap();
        std::os::unix::fs::symlink(&key, &link).unwrap();
        let refused = |path: &Path| Signer::read(path).unwrap_err().to_string();
        for mode in [0o644, 0o640, 0o604, 0o620] {
            std::fs::set_permissions(&key, PermissionsExt::from_mode(mode)).unwrap();
            assert!(refused(&key).contains(&format!("mode {mode:04o}")), "{}", refused(&key));
        }
        std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).unwrap();
        assert!(refused(&key).contains("no OpenSSH private key"), "{}", refused(&key));
        assert!(refused(&link).contains("it is a link"), "{}", refused(&link));
        assert!(refused(Path::new("/dev/zero")).contains("not a regular file"));
        File::options().write(true).open(&key).unwrap().set_len(MAX_BYTES + 1).unwrap();
        assert!(refused(&key).contains("more than"), "{}", refused(&key));
        let signers = AllowedSigners::read(Path::new("/dev/zero")).unwrap_err().to_string();
        assert!(signers.contains("more than"), "{signers}");
    }

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
