//! The work of the process that holds the key.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::{Context, Result};
use obit_case::signable;
use obit_case::signing::{CaseSigner, Signer};
use rustix::stdio::{dup2_stdin, dup2_stdout};

use crate::Outcome;
use crate::host::{confine, frame, helper_process};

/// Runs the hidden command `sign-lines`: reads the key from standard input, then signs what comes
/// over the socket that is standard output, until its other end is closed. `key` is for errors.
///
/// # Errors
/// The channel is none, or breaks.
pub fn run(key: &Path) -> Result<Outcome> {
    confine::forbid_dumps()?;
    helper_process::outlive_signals()?;
    let channel = io::stdout().as_fd().try_clone_to_owned().context("cannot take over standard output")?;
    let mut channel = File::from(channel);
    match start(key) {
        Err(error) => answer(&mut channel, Err(&format!("{error:#}")))?,
        Ok(signer) => {
            answer(&mut channel, Ok(&signer.fingerprint()))?;
            serve(&mut channel, &signer).context("cannot go on signing")?;
        }
    }
    Ok(Outcome::Complete)
}

/// Reads the key, closes it, and gives up all that signing does not need.
fn start(key: &Path) -> Result<Signer> {
    let file = io::stdin().as_fd().try_clone_to_owned().context("cannot take over standard input")?;
    let signer = Signer::from_file(file.into(), key)?;
    let nothing = File::options().read(true).write(true).open("/dev/null").context("cannot open /dev/null")?;
    dup2_stdin(&nothing).and_then(|()| dup2_stdout(&nothing)).context("cannot close the key's file")?;
    drop(nothing);
    confine::confine_to_open_files()?;
    Ok(signer)
}

/// Signs messages about one case, the first that a message is about, until the stream ends.
fn serve(channel: &mut (impl Read + Write), signer: &dyn CaseSigner) -> io::Result<()> {
    let mut first_case = None;
    while let Some(message) = frame::read(channel, signable::MAX_BYTES)? {
        let signed = sign(signer, &message, &mut first_case);
        answer(channel, signed.as_deref().map_err(String::as_str))?;
    }
    Ok(())
}

fn sign(signer: &dyn CaseSigner, message: &[u8], first_case: &mut Option<String>) -> Result<String, String> {
    let case = signable::case_of(message).map_err(|why| format!("the signing process refuses a message: {why}"))?;
    if *first_case.get_or_insert_with(|| case.clone()) != case {
        return Err("the signing process refuses a message: it is about another case".to_owned());
    }
    signer.sign(message).map_err(|error| error.to_string())
}

fn answer(channel: &mut impl Write, answer: Result<&str, &str>) -> io::Result<()> {
    frame::write(channel, &frame::encode_answer(answer))
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;
    use std::thread;

    use super::*;

    /// Stands for a key: a signature is the message itself.
    #[derive(Debug)]
    struct EchoSigner;

    impl CaseSigner for EchoSigner {
        fn sign(&self, message: &[u8]) -> Result<String, obit_case::Error> {
            Ok(String::from_utf8_lossy(message).into_owned())
        }
    }

    fn ask(stream: &mut UnixStream, message: &str) -> Result<String, String> {
        frame::write(stream, message.as_bytes()).unwrap();
        frame::decode_answer(&frame::read(stream, 4096).unwrap().unwrap()).unwrap()
    }

    #[test]
    fn messages_about_one_case_are_signed_and_no_others() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let service = thread::spawn(move || serve(&mut theirs, &EchoSigner));
        let head = |case: &str| format!("obit-head 1 {case} 0 {}\n", "00".repeat(32));
        assert!(ask(&mut ours, "anything\n").unwrap_err().contains("no line about a case"));
        assert_eq!(ask(&mut ours, &head("a")), Ok(head("a")));
        assert!(ask(&mut ours, &head("b")).unwrap_err().contains("another case"));
        assert!(ask(&mut ours, "{\"obit_handover\":1}\n").unwrap_err().contains("no case.json"));
        assert_eq!(ask(&mut ours, &head("a")), Ok(head("a")), "a refusal is not the end");
        drop(ours);
        service.join().unwrap().unwrap();
    }

    #[test]
    fn a_message_that_is_too_long_ends_the_service_unread() {
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        ours.write_all(&u32::MAX.to_be_bytes()).unwrap();
        assert_eq!(serve(&mut theirs, &EchoSigner).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
    }
}
