//! Reads files that a user names: a list of signers, a policy. The path may lead to anything, and a
//! device has no end.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

/// Reads a file of at most so many bytes.
///
/// # Errors
/// The error of the operating system, or that the file is longer.
pub fn read(path: &Path, max_bytes: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let length = File::open(path)?.take(max_bytes.saturating_add(1)).read_to_end(&mut bytes)?;
    match length as u64 <= max_bytes {
        true => Ok(bytes),
        false => Err(io::Error::other(format!("it has more than {max_bytes} bytes"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_refused() {
        let file = tempfile::NamedTempFile::new().expect("a file");
        std::fs::write(file.path(), "1234").expect("writable");
        assert_eq!(read(file.path(), 4).expect("it fits"), b"1234");
        assert!(read(file.path(), 3).is_err());
        let error = read(Path::new("/dev/zero"), 1 << 20).expect_err("it is endless").to_string();
        assert_eq!(error, "it has more than 1048576 bytes");
    }
}
