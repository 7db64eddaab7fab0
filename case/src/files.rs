//! The calls that writing a case makes to the file system, and nothing else: so that each of them can be made to fail in
//! a test, and what is left can be looked at.

use std::fmt;
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;

use crate::error::Error;

/// A folder that a case is written into. None of its calls follows a link or replaces anything, but [`Folder::replace`].
pub trait Folder: fmt::Debug + Send + Sync {
    /// Its path, for messages.
    fn path(&self) -> &Path;

    /// Makes a folder in it that is not there yet.
    ///
    /// # Errors
    /// [`Error::Io`], as for every call here.
    fn make_folder(&self, name: &str) -> Result<Arc<dyn Folder>, Error>;

    /// Makes a file that is not there yet.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn create_file(&self, name: &str) -> Result<Box<dyn OutputFile>, Error>;

    /// Opens a file for reading; its length in bytes is given beside it.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn read_file(&self, name: &str) -> Result<(Box<dyn Read + Send>, u64), Error>;

    /// Gives a file another name, which must be free.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn rename(&self, from: &str, to: &str) -> Result<(), Error>;

    /// Gives a file another name, in place of the file that has it.
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

    /// Brings the names in it to disk (`fsync` of the directory).
    ///
    /// # Errors
    /// [`Error::Io`]
    fn sync(&self) -> Result<(), Error>;

    /// The names in it that are UTF-8, sorted; no others are a case's.
    ///
    /// # Errors
    /// [`Error::Io`]
    fn names(&self) -> Result<Vec<String>, Error>;
}

/// A file being written.
pub trait OutputFile: Write + fmt::Debug + Send {
    /// Brings contents and length to disk (`fdatasync`). After an error it is not known what is there: Linux reports a
    /// failed write-back once and then takes the pages for written, so the same bytes have to be written again.
    ///
    /// # Errors
    /// The operating system's.
    fn sync(&mut self) -> std::io::Result<()>;

    /// Cuts the file to a length; what is written next follows there.
    ///
    /// # Errors
    /// The operating system's.
    fn truncate(&mut self, length: u64) -> std::io::Result<()>;
}

/// The hidden name of a file that is not complete.
pub(crate) fn partial(name: &str) -> String {
    format!(".{name}.partial")
}

/// Whether a name is that of a file that was being written.
pub(crate) fn is_partial(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".partial")
}

/// Writes a small file under its name at once, in place of the one that has it: whole or not at all.
pub(crate) fn write_whole(folder: &dyn Folder, name: &str, bytes: &[u8]) -> Result<(), Error> {
    let path = folder.path().join(name);
    let partial = partial(name);
    // One may be left of an attempt that failed.
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
