//! Room on the disk that is kept for the last save of case.json, in the form of a file.

use std::sync::Arc;

use crate::error::Error;
use crate::files::{Folder, RESERVE_NAME as NAME};

/// A file that takes up room on the disk until it is needed for case.json.
#[derive(Debug)]
pub(super) struct DiskReserve {
    folder: Arc<dyn Folder>,
    /// Least bytes to keep; 0 keeps nothing.
    wanted_bytes: usize,
    /// Bytes of the file; 0 if there is none.
    bytes: usize,
}

impl DiskReserve {
    /// Returns a reserve that has taken no room yet.
    pub(super) fn new(folder: Arc<dyn Folder>, wanted_bytes: usize) -> Self {
        Self { folder, wanted_bytes, bytes: 0 }
    }

    /// Takes the room.
    pub(super) fn take(&mut self) -> Result<(), Error> {
        self.write(self.wanted_bytes)
    }

    /// Gives the room up. Returns true if there was any.
    pub(super) fn free(&mut self) -> bool {
        // A file that cannot be removed now may be the next time.
        let is_freed = self.bytes > 0 && self.folder.remove_file(NAME).is_ok();
        if is_freed {
            self.bytes = 0;
        }
        is_freed
    }

    /// Takes room for a case.json of twice these bytes, at least what is wanted, if the disk has
    /// it.
    pub(super) fn renew(&mut self, manifest_bytes: u64) {
        let needed = usize::try_from(manifest_bytes.saturating_mul(2)).unwrap_or(self.wanted_bytes);
        let bytes = self.wanted_bytes.max(needed);
        if self.wanted_bytes == 0 || self.bytes >= bytes {
            return;
        }
        let before = self.bytes;
        self.free();
        if self.write(bytes).is_err() {
            // A shorter file is better than none.
            drop(self.folder.remove_file(NAME));
            if self.write(before).is_err() {
                drop(self.folder.remove_file(NAME));
            }
        }
    }

    /// Takes more room, if there is some and case.json has outgrown it.
    pub(super) fn grow(&mut self, manifest_bytes: u64) {
        if self.bytes > 0 && (self.bytes as u64) < manifest_bytes.saturating_mul(2) {
            // As much again, so that this is rare.
            self.renew(manifest_bytes.saturating_mul(2));
        }
    }

    fn write(&mut self, bytes: usize) -> Result<(), Error> {
        self.bytes = 0;
        if bytes > 0 {
            let mut file = self.folder.create_file(NAME)?;
            let filled = file.write_all(&vec![0; bytes]).and_then(|()| file.sync());
            filled.map_err(Error::io("write", &self.folder.path().join(NAME)))?;
        }
        self.bytes = bytes;
        Ok(())
    }
}
