//! The limit on the size of a case, and what the disk has left.

use std::fs::File;
use std::path::Path;

use clap::ValueEnum;
use obit_case::Error;
use obit_case::writer::CaseWriter;
use rustix::fs::fstatvfs;

use crate::host::clock::ClockPair;

/// Segments of a case that drops its oldest ones, about: a segment ends when it has this part of
/// the case's limit. There are more where they compress well.
const SEGMENTS: u64 = 8;
/// Room for case.json, SHA256SUMS and the reserve for the closing report, in bytes, at least.
const REST_BYTES: u64 = 128 << 10;

/// The reaction to a case that has the size of `--max-bytes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhenFull {
    /// The recording ends; the case has about that size
    Stop,
    /// The oldest segments are dropped; the case never gets larger than that, or than the disk has
    /// room for
    DropOldest,
}

/// The limit on the size of a case.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SizeLimit {
    /// No limit but the disk.
    #[default]
    Unbounded,
    /// The recording ends when the case has this many bytes.
    StopAt(u64),
    /// The oldest segments are dropped, so that the case never has more bytes than this, and has
    /// room on the disk.
    DropOldest(u64),
}

/// The disk that a case is on.
#[derive(Debug)]
pub struct Disk(Option<File>);

impl Disk {
    /// Returns the disk of a directory.
    pub fn of(path: &Path) -> Self {
        Self(File::open(path).ok())
    }

    /// Returns the bytes that are left for this user; `None` if that cannot be told.
    fn free_bytes(&self) -> Option<u64> {
        let volume = fstatvfs(self.0.as_ref()?).ok()?;
        // A file system that does not count its blocks says that it has none.
        (volume.f_blocks > 0).then(|| volume.f_bavail.saturating_mul(volume.f_frsize))
    }
}

/// The limit for which the oldest segment is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LimitReached {
    /// The limit of the case.
    CaseSize,
    /// The room on the disk.
    Disk,
}

impl SizeLimit {
    /// Returns whether the recording ends with a case of this many bytes.
    pub fn is_used_up(self, bytes: u64) -> bool {
        matches!(self, Self::StopAt(most) if bytes >= most)
    }

    /// Drops the oldest segments until this many bytes more have room, in the case and on the disk.
    /// Calls `dropped` after each.
    ///
    /// # Errors
    /// Those of [`CaseWriter::drop_oldest`].
    pub fn make_room(
        self,
        disk: &Disk,
        writer: &mut CaseWriter,
        bytes: u64,
        mut dropped: impl FnMut(&mut CaseWriter, LimitReached),
    ) -> Result<(), Error> {
        let Self::DropOldest(most) = self else { return Ok(()) };
        let mut free = disk.free_bytes();
        loop {
            // case.json is on the disk twice while it is replaced.
            let rest = REST_BYTES.max(writer.manifest_bytes().saturating_mul(9) / 2);
            let bytes = bytes.min(most / SEGMENTS).saturating_add(rest);
            let at_most = writer.bytes_at_most();
            let to_come = at_most.saturating_sub(writer.bytes()).saturating_add(bytes);
            let reached = match free {
                _ if at_most.saturating_add(bytes) > most => LimitReached::CaseSize,
                Some(free) if free < to_come => LimitReached::Disk,
                _ => return Ok(()),
            };
            let before = writer.bytes();
            if !writer.drop_oldest(ClockPair::read().into())? {
                return Ok(());
            }
            dropped(writer, reached);
            // Not read again: some file systems report freed room only later.
            free = free.map(|free| free.saturating_add(before.saturating_sub(writer.bytes())));
        }
    }

    /// Returns whether the segment is large enough to end. `head_bytes` is what it had after its
    /// first walk: a segment with a large head may grow further, so that a case is not made of
    /// walks.
    pub fn is_cut_due(self, disk: &Disk, writer: &CaseWriter, head_bytes: u64) -> bool {
        let Self::DropOldest(most) = self else { return false };
        // The disk may have less room than the limit allows.
        let most = disk.free_bytes().map_or(most, |free| most.min(writer.bytes().saturating_add(free)));
        writer.segment_bytes() >= (most / SEGMENTS).max(head_bytes.saturating_mul(2))
    }
}
