//! Reads a journal up to its last whole batch.

use std::fs::File;
use std::io::{self, Read};

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::SchemaRef;

use super::frame::{Frame, FrameReader};
use crate::guard::guarded;

/// Reads one journal.
#[derive(Debug)]
pub(crate) struct JournalReader {
    frames: FrameReader,
    decoder: StreamDecoder,
    is_ended: bool,
    is_torn: bool,
}

impl JournalReader {
    /// Returns a reader of a file.
    pub(crate) fn new(file: File) -> io::Result<Self> {
        let length = file.metadata()?.len();
        Ok(Self::from_stream(Box::new(file), length))
    }

    /// Returns a reader of a stream of `length` bytes.
    pub(crate) fn from_stream(stream: Box<dyn Read + Send>, length: u64) -> Self {
        Self {
            frames: FrameReader::new(stream, length),
            decoder: StreamDecoder::new(),
            is_ended: false,
            is_torn: false,
        }
    }

    /// Returns the schema, once the first batch was read or the end reached.
    pub(crate) fn schema(&self) -> Option<SchemaRef> {
        self.decoder.schema()
    }

    /// Returns the bytes of the messages read so far, after decompression.
    pub(crate) fn unfolded_bytes(&self) -> u64 {
        self.frames.unfolded_bytes()
    }

    /// Returns true if the stream ended within a message.
    pub(crate) fn is_torn(&self) -> bool {
        self.is_torn
    }

    /// Reads the next whole batch; `None` at the end.
    pub(crate) fn next(&mut self) -> io::Result<Option<RecordBatch>> {
        while !self.is_ended {
            let mut message = match self.frames.next()? {
                Frame::Message(message) => message,
                Frame::End => {
                    self.is_ended = true;
                    break;
                }
                Frame::Torn => {
                    (self.is_ended, self.is_torn) = (true, true);
                    break;
                }
            };
            while !message.is_empty() {
                match guarded(|| self.decoder.decode(&mut message)) {
                    Ok(Some(batch)) => return Ok(Some(batch)),
                    Ok(None) => {}
                    // Blocks that did not reach the disk before a power cut, or worse.
                    Err(_) => {
                        (self.is_ended, self.is_torn) = (true, true);
                        break;
                    }
                }
            }
        }
        Ok(None)
    }
}
