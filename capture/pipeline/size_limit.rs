//! How much room a case has: what it may take, and what the disk has left.

use std::fs::File;
use std::path::Path;

use obit_case::Error;
use obit_case::writer::CaseWriter;
use rustix::fs::fstatvfs;

use crate::host::clock::ClockPair;

/// A case that drops its oldest segments has about so many of them, or more where they compress well: a segment ends when
/// it has this part of the bytes that the case may have.
const SEGMENTS: u64 = 8;
/// Room for case.json, SHA256SUMS and what is kept for the last words, at least.
const REST_BYTES: u64 = 128 << 10;

/// How large a case may get.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Room {
    /// As large as the disk has room.
    #[default]
    Unbounded,
    /// The recording ends when the case has so many bytes.
    StopAt(u64),
    /// The oldest segments go, so that the case never has more bytes, and has room on the disk.
    DropOldest(u64),
}

/// The disk that a case is on.
#[derive(Debug)]
pub struct Disk(Option<File>);

impl Disk {
    /// That of a directory.
    pub fn of(path: &Path) -> Self {
        Self(File::open(path).ok())
    }

    /// Bytes that are left on it for this user; `None` if that cannot be told.
    fn free_bytes(&self) -> Option<u64> {
        let volume = fstatvfs(self.0.as_ref()?).ok()?;
        // A file system that does not count says that it has none at all.
        (volume.f_blocks > 0).then(|| volume.f_bavail.saturating_mul(volume.f_frsize))
    }
}

/// The oldest segment goes for want of what?
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// The case would have more bytes than it may.
    Size,
    /// The disk would be full.
    Disk,
}

impl Room {
    /// Whether the recording is over, for a case of so many bytes.
    pub fn is_used_up(self, bytes: u64) -> bool {
        matches!(self, Self::StopAt(most) if bytes >= most)
    }

    /// Drops the oldest segments until so many bytes more have room, in the case and on the disk. Each is told of.
    ///
    /// # Errors
    /// What [`CaseWriter::drop_oldest`] says.
    pub fn make(
        self,
        disk: &Disk,
        writer: &mut CaseWriter,
        bytes: u64,
        mut dropped: impl FnMut(&mut CaseWriter, Want),
    ) -> Result<(), Error> {
        let Self::DropOldest(most) = self else { return Ok(()) };
        let mut free = disk.free_bytes();
        loop {
            // case.json is there twice while it is replaced, and room is kept for that on a full disk.
            let rest = REST_BYTES.max(writer.manifest_bytes().saturating_mul(9) / 2);
            let bytes = bytes.min(most / SEGMENTS).saturating_add(rest);
            let at_most = writer.bytes_at_most();
            let to_come = at_most.saturating_sub(writer.bytes()).saturating_add(bytes);
            let want = match free {
                _ if at_most.saturating_add(bytes) > most => Want::Size,
                Some(free) if free < to_come => Want::Disk,
                _ => return Ok(()),
            };
            let before = writer.bytes();
            if !writer.drop_oldest(ClockPair::read().into())? {
                return Ok(());
            }
            dropped(writer, want);
            // Not read again: some file systems tell only later that there is room.
            free = free.map(|free| free.saturating_add(before.saturating_sub(writer.bytes())));
        }
    }

    /// Whether the segment is large enough to end, with so many bytes at its head. One whose head alone is large is let
    /// grow, so that a case is not made of walks.
    pub fn is_for_a_cut(self, disk: &Disk, writer: &CaseWriter, head_bytes: u64) -> bool {
        let Self::DropOldest(most) = self else { return false };
        // What others leave of the disk may be less than what the case may have.
        let most = disk.free_bytes().map_or(most, |free| most.min(writer.bytes().saturating_add(free)));
        writer.segment_bytes() >= (most / SEGMENTS).max(head_bytes.saturating_mul(2))
    }
}
