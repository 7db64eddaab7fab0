//! The calls that writing a case makes to the file system, and no others. A test can make each of
//! them fail and look at what is left.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;

/// A folder that a case is written into. Its calls follow no link, and only [`Folder::replace`]
/// replaces anything.
pub trait Folder: fmt::Debug + Send + Sync {
    /// Returns the path, for messages.
    fn path(&self) -> &Path;

    /// Makes a folder in this one that is not there yet.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn make_folder(&self, name: &str) -> Result<Arc<dyn Folder>, Error>;

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn create_file(&self, name: &str) -> Result<Box<dyn OutputFile>, Error>;

    /// Opens a file for reading. Returns its length in bytes beside it.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn read_file(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error>;

    /// Renames a file; the new name must be free.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn rename(&self, from: &str, to: &str) -> Result<(), Error>;

    /// Renames a file in place of the file that has the new name.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn replace(&self, from: &str, to: &str) -> Result<(), Error>;

    /// Removes a file.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn remove_file(&self, name: &str) -> Result<(), Error>;

    /// Removes an empty folder.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn remove_folder(&self, name: &str) -> Result<(), Error>;

    /// Brings the names in this folder to disk (`fsync` of the directory).
    ///
    /// # Errors
    /// [`Error::Io`]
    fn sync(&self) -> Result<(), Error>;

    /// Lists the names that are UTF-8, sorted; no others are a case's.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn names(&self) -> Result<Vec<String>, Error>;
}

/// A file being written.
pub trait OutputFile: Write + fmt::Debug + Send {
    /// Brings contents and length to disk (`fdatasync`). After an error nobody knows what is there:
    /// Linux reports a failed write-back once and then takes the pages for written, so the caller
    /// has to write the same bytes again.
    ///
    /// # Errors
    /// The error of the operating system.
    fn sync(&mut self) -> std::io::Result<()>;

    /// Cuts the file to a length; the next write continues there.
    ///
    /// # Errors
    /// The error of the operating system.
    fn truncate(&mut self, length: u64) -> std::io::Result<()>;
}

/// Name of the file that keeps room on the disk for case.json while a case is open.
pub(crate) const RESERVE_NAME: &str = ".reserve";

/// Returns the hidden name of a file until it is complete.
pub(crate) fn partial(name: &str) -> String {
    format!(".{name}.partial")
}

/// Returns true for the name of a file that was not completed.
pub(crate) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// Writes a small file, whole or not at all, in place of the one that has its name.
pub(crate) fn write_whole(folder: &dyn Folder, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.path().join(name);
    let partial = partial(name);
    // An attempt that failed may have left one.
    let _ = folder.remove_file(&partial);
    let mut file = folder.create_file(&partial)?;
    let written = file.write_all(bytes).and_then(|()| file.sync());
    if written.is_err() {
        let _ = folder.remove_file(&partial);
    }
    written.map_err(Error::io("write", &path))?;
    folder.replace(&partial, name)?;
    folder.sync()
}
