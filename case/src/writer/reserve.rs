//! A file that keeps room on the disk, for what has to be said when there is none.

use crate::error::Error;
use crate::files::Folder;

/// Name of the file.
pub(super) const NAME: &str = ".reserve";

/// The room that is kept.
#[derive(Debug, Default)]
pub(super) struct Reserve {
    bytes: usize,
}

impl Reserve {
    /// Keeps so many bytes; none is no file.
    pub(super) fn make(folder: &dyn Folder, bytes: usize) -> Result<Self, Error> {
        if bytes > 0 {
            let mut file = folder.create_file(NAME)?;
            let filled = file.write_all(&vec![0; bytes]).and_then(|()| file.sync());
            filled.map_err(Error::io("write", &folder.path().join(NAME)))?;
        }
        Ok(Self { bytes })
    }

    /// Gives the room up. Whether there was any.
    pub(super) fn free(&mut self, folder: &dyn Folder) -> bool {
        // If it cannot be removed, that may work the next time.
        let is_freed = self.bytes > 0 && folder.remove_file(NAME).is_ok();
        if is_freed {
            self.bytes = 0;
        }
        is_freed
    }

    /// Keeps that many bytes again, if there is room for them.
    pub(super) fn renew(&mut self, folder: &dyn Folder, bytes: usize) {
        if self.bytes >= bytes {
            return;
        }
        self.free(folder);
        match Self::make(folder, bytes) {
            Ok(made) => *self = made,
            // What was made of it would not be enough.
            Err(_) => drop(folder.remove_file(NAME)),
        }
    }
}
