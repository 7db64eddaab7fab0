//! The system's journal as a target, by its native protocol.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};
use std::mem::MaybeUninit;
use std::os::fd::AsFd as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};
use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags, SocketAddrUnix, sendmsg_addr};

/// The journal's socket (systemd, "Native Journal Protocol").
pub const JOURNAL_SOCKET: &str = "/run/systemd/journal/socket";

/// A socket that sends to the journal.
#[derive(Debug)]
pub struct JournalTarget {
    socket: UnixDatagram,
    /// Looked up with each entry: after a restart of the journal it is another socket.
    path: PathBuf,
}

impl JournalTarget {
    /// Opens the target.
    ///
    /// # Errors
    /// Nobody listens at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        UnixDatagram::unbound()?.connect(path)?;
        Ok(Self { socket: UnixDatagram::unbound()?, path: path.to_owned() })
    }

    /// Sends an entry: as a datagram or, if the socket takes none of this size, in a sealed file.
    ///
    /// # Errors
    /// The journal does not take it, or does not listen.
    pub fn write(&self, entry: &[u8]) -> io::Result<()> {
        match self.socket.send_to(entry, &self.path) {
            Err(error) if [Errno::MSGSIZE, Errno::NOBUFS].map(Some).contains(&Errno::from_io_error(&error)) => {
                self.send_in_file(entry)
            }
            sent => sent.map(drop),
        }
    }

    /// Sends the descriptor of a file that holds the entry. The journal reads such a file only if
    /// nobody can change it any more.
    fn send_in_file(&self, entry: &[u8]) -> io::Result<()> {
        let mut file = File::from(memfd_create("obit-announcement", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)?);
        file.write_all(entry)?;
        fcntl_add_seals(&file, SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE | SealFlags::SEAL)?;
        let descriptors = [file.as_fd()];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !control.push(SendAncillaryMessage::ScmRights(&descriptors)) {
            return Err(io::Error::other("no room for a descriptor"));
        }
        let address = SocketAddrUnix::new(&self.path)?;
        sendmsg_addr(&self.socket, &address, &[IoSlice::new(&[])], &mut control, SendFlags::NOSIGNAL)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::{IoSliceMut, Read as _};

    use rustix::fs::fcntl_get_seals;
    use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, recvmsg};

    use super::*;

    #[test]
    fn an_entry_reaches_whoever_listens_at_the_time() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        assert!(JournalTarget::open(&path).is_err(), "nobody listens");
        let journal = UnixDatagram::bind(&path).unwrap();
        let target = JournalTarget::open(&path).unwrap();
        target.write(b"MESSAGE=a\n").unwrap();
        let mut buffer = [0; 64];
        let length = journal.recv(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"MESSAGE=a\n");
        drop(journal);
        assert!(target.write(b"MESSAGE=b\n").is_err());
        std::fs::remove_file(&path).unwrap();
        let again = UnixDatagram::bind(&path).unwrap();
        target.write(b"MESSAGE=c\n").unwrap();
        assert_eq!(again.recv(&mut buffer).unwrap(), length, "after a restart of the journal");
    }

    #[test]
    fn an_entry_too_large_for_a_datagram_comes_in_a_file_that_cannot_change() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("socket");
        let journal = UnixDatagram::bind(&path).unwrap();
        let target = JournalTarget::open(&path).unwrap();
        let entry = format!("MESSAGE={}\n", "a".repeat(8 << 20));
        target.write(entry.as_bytes()).unwrap();

        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut buffer = [0; 64];
        let flags = RecvFlags::CMSG_CLOEXEC;
        let received = recvmsg(&journal, &mut [IoSliceMut::new(&mut buffer)], &mut control, flags).unwrap();
        assert_eq!(received.bytes, 0, "all of it is in the file");
        let Some(RecvAncillaryMessage::ScmRights(mut descriptors)) = control.drain().next() else {
            panic!("a descriptor")
        };
        let file = descriptors.next().unwrap();
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::WRITE;
        assert!(fcntl_get_seals(&file).unwrap().contains(seals));
        let mut text = String::new();
        // The place of the writer is the reader's, too; journald maps the file.
        let mut file = File::from(file);
        std::io::Seek::rewind(&mut file).unwrap();
        file.read_to_string(&mut text).unwrap();
        assert!(text == entry, "{} bytes", text.len());
    }
}
