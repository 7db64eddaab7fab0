//! The work of the process that announces rows.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd as _;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::process::{Signal, set_parent_process_death_signal};

use super::file_target::{FileTarget, ROTATED_BYTES};
use super::journal_target::{JOURNAL_SOCKET, JournalTarget};
use super::target::AnnouncementTarget;
use super::{REFUSED, WRITTEN};
use crate::Outcome;
use crate::host::{confine, frame, helper_process};

/// Longest message of the recorder, in bytes.
const MAX_MESSAGE_BYTES: u64 = 16 << 20;

/// An open target.
#[derive(Debug)]
enum OpenTarget {
    Journal(JournalTarget),
    File(FileTarget),
}

/// Runs the hidden command `announce-rows`: writes what comes over the socket that is standard
/// output to the target, until its other end is closed.
///
/// # Errors
/// The channel is none, or breaks.
pub fn run(target: &AnnouncementTarget) -> Result<Outcome> {
    confine::forbid_dumps()?;
    helper_process::outlive_signals()?;
    // Whoever reads a FIFO may hang, and this process with it.
    set_parent_process_death_signal(Some(Signal::KILL)).context("cannot end with the recorder")?;
    let channel = io::stdout().as_fd().try_clone_to_owned().context("cannot take over standard output")?;
    let mut channel = File::from(channel);
    match start(target, Path::new(JOURNAL_SOCKET)) {
        Err(error) => frame::write(&mut channel, &frame::encode_answer(Err(&format!("{error:#}"))))?,
        Ok(open) => {
            frame::write(&mut channel, &frame::encode_answer(Ok("")))?;
            serve(&mut channel, open).context("cannot go on announcing")?;
        }
    }
    Ok(Outcome::Complete)
}

/// Opens the target, and gives up all that writing to it does not need.
fn start(target: &AnnouncementTarget, journal: &Path) -> Result<OpenTarget> {
    let open = match target {
        AnnouncementTarget::Journal => OpenTarget::Journal(JournalTarget::open(journal)?),
        AnnouncementTarget::File(path) => OpenTarget::File(FileTarget::open(path, ROTATED_BYTES)?),
    };
    let directory = match &open {
        OpenTarget::File(file) => file.directory(),
        OpenTarget::Journal(_) => None,
    };
    confine::confine_to_directory(directory)?;
    Ok(open)
}

/// Writes each message to the target, and answers whether it has it.
fn serve(channel: &mut (impl Read + Write), mut target: OpenTarget) -> io::Result<()> {
    while let Some(message) = frame::read(channel, MAX_MESSAGE_BYTES)? {
        let written = match &mut target {
            OpenTarget::Journal(journal) => journal.write(&message),
            OpenTarget::File(file) => file.write(&message),
        };
        channel.write_all(&[if written.is_ok() { WRITTEN } else { REFUSED }])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixDatagram, UnixStream};
    use std::thread;

    use super::*;

    #[test]
    fn a_confined_process_rotates_its_file_and_does_nothing_elsewhere() {
        let (scratch, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let path = scratch.path().join("rows");
        File::create(&path).and_then(|file| file.set_len(ROTATED_BYTES)).unwrap();
        let target = AnnouncementTarget::File(path.clone());
        let other = elsewhere.path().join("file");
        std::fs::write(&other, "as it was").unwrap();
        let has_filters = confine::seccomp_here() == confine::SeccompState::Filtered;
        let has_landlock = confine::landlock_here() != confine::LandlockState::None;
        // In a thread of its own, which takes the confinement along when it ends.
        let confined = thread::spawn(move || {
            let Ok(OpenTarget::File(mut file)) = start(&target, Path::new("/nowhere")) else { panic!("a file") };
            file.write(b"row\n").unwrap();
            if has_landlock {
                assert!(File::open(&other).is_err(), "it reads another file");
                assert!(std::fs::rename(&path, &other).is_err(), "it moves its file elsewhere");
            }
            if has_filters {
                assert!(std::process::Command::new("true").status().is_err(), "it starts a program");
                assert!(UnixDatagram::unbound().is_err(), "it opens a socket");
            }
            let held = rustix::thread::capabilities(None).unwrap().permitted;
            assert!(held.is_empty(), "{held:?}");
        });
        confined.join().unwrap();
        let read = |name: &str| std::fs::metadata(scratch.path().join(name)).unwrap().len();
        assert_eq!((read("rows"), read("rows.1")), (4, ROTATED_BYTES));
    }

    #[test]
    fn each_message_is_an_entry_of_any_size_and_its_answer_says_whether_the_journal_has_it() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let (mut ours, mut theirs) = UnixStream::pair().unwrap();
        let at = path.clone();
        // In a thread of its own, which takes the confinement along when it ends.
        let service = thread::spawn(move || {
            let target = start(&AnnouncementTarget::Journal, &at).unwrap();
            serve(&mut theirs, target)
        });
        let mut announce = |message: &[u8]| {
            frame::write(&mut ours, message).unwrap();
            let mut answer = [0];
            ours.read_exact(&mut answer).unwrap();
            answer[0]
        };
        assert_eq!(announce(b"MESSAGE=a\n"), WRITTEN);
        assert_eq!(announce(&[b'x'; 1 << 20]), WRITTEN);
        let mut buffer = [0; 64];
        let lengths = [journal.recv(&mut buffer).unwrap(), journal.recv(&mut buffer).unwrap()];
        assert_eq!(lengths, [10, 0], "the second one is in a file");
        drop(journal);
        assert_eq!(announce(b"MESSAGE=b\n"), REFUSED);
        drop(ours);
        service.join().unwrap().unwrap();
    }
}
