//! A Parquet file that is read by position. The library's own reader of a [`File`] duplicates,
//! seeks, reads and closes it for each header and each page: eight system calls a page instead of
//! two.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use bytes::Bytes;
use parquet::errors::ParquetError;
use parquet::file::reader::{ChunkReader, Length};

/// Bytes that are read for a page's header, which takes some tens.
const HEADER_BYTES: usize = 256;

/// A Parquet file, and its length.
#[derive(Clone, Debug)]
pub(super) struct PartFile {
    file: Arc<File>,
    bytes: u64,
}

impl PartFile {
    pub(super) fn new(file: File) -> io::Result<Self> {
        let bytes = file.metadata()?.len();
        Ok(Self { file: Arc::new(file), bytes })
    }
}

impl Length for PartFile {
    fn len(&self) -> u64 {
        self.bytes
    }
}

impl ChunkReader for PartFile {
    type T = BufReader<FileReader>;

    fn get_read(&self, start: u64) -> Result<Self::T, ParquetError> {
        Ok(BufReader::with_capacity(HEADER_BYTES, FileReader { file: Arc::clone(&self.file), at: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes, ParquetError> {
        // Allocates nothing for bytes that are not there.
        if start.checked_add(length as u64).is_none_or(|end| end > self.bytes) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} are not all in the file")));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A reader of a file from some place on.
#[derive(Debug)]
pub(super) struct FileReader {
    file: Arc<File>,
    at: u64,
}

impl Read for FileReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_read_independently_and_nothing_beyond_the_end() {
        let named = tempfile::NamedTempFile::new().expect("a file");
        let content: Vec<u8> = (0..=255).cycle().take(1_000).collect();
        std::fs::write(named.path(), &content).expect("writable");
        let file = PartFile::new(named.reopen().expect("it is there")).expect("a regular file");
        assert_eq!(file.len(), 1_000);
        let (mut first, mut second) = (file.get_read(0).expect("a reader"), file.get_read(700).expect("a reader"));
        let mut two = [0; 2];
        second.read_exact(&mut two).expect("there");
        assert_eq!(two, content[700..702]);
        assert_eq!(file.get_bytes(500, 300).expect("there"), content[500..800]);
        let mut all = Vec::new();
        first.read_to_end(&mut all).expect("there");
        assert_eq!(all, content);
        assert_eq!(file.get_bytes(1_000, 0).expect("nothing"), b""[..]);
        for (start, length) in [(999, 2), (1_001, 0), (u64::MAX, 1), (0, usize::MAX)] {
            assert!(file.get_bytes(start, length).is_err(), "{length} at {start}");
        }
    }
}
