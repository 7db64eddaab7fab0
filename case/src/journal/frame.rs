//! Cuts an Arrow IPC stream into messages without trusting a length.

use std::fmt;
use std::io::{BufReader, Read};

use arrow_buffer::Buffer;
use arrow_ipc::{Message, MessageHeader, RecordBatch as BatchHeader, root_as_message};

/// Longest message that is read, in bytes. The writer's are some megabytes at most.
const MAX_MESSAGE_BYTES: u64 = 128 << 20;
/// Longest message after decompression, in bytes.
const MAX_UNCOMPRESSED_BYTES: u64 = 128 << 20;
/// First bytes of each message.
pub(super) const CONTINUATION: [u8; 4] = [0xff; 4];

/// The next item of a stream.
pub(super) enum Frame {
    /// A whole message, as the decoder wants it.
    Message(Buffer),
    /// The end of the file, or the end mark.
    End,
    /// Bytes that are no whole message.
    Torn,
}

/// Cuts a stream into messages.
pub(super) struct FrameReader {
    file: BufReader<Box<dyn Read + Send>>,
    remaining: u64,
    /// Bytes of the messages read so far, after decompression.
    unfolded_bytes: u64,
}

impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").field("remaining", &self.remaining).finish_non_exhaustive()
    }
}

impl FrameReader {
    /// Returns a reader of a stream of `length` bytes.
    pub(super) fn new(stream: Box<dyn Read + Send>, length: u64) -> Self {
        Self { file: BufReader::new(stream), remaining: length, unfolded_bytes: 0 }
    }

    /// Reads the next message.
    pub(super) fn next(&mut self) -> std::io::Result<Frame> {
        if self.remaining == 0 {
            return Ok(Frame::End);
        }
        let mut prefix = [0; 8];
        if !self.fill(&mut prefix)? {
            return Ok(Frame::Torn);
        }
        let [marker, size] = [prefix.first_chunk::<4>(), prefix.last_chunk::<4>()].map(|word| word.copied());
        let size = u32::from_le_bytes(size.unwrap_or_default());
        if marker != Some(CONTINUATION) {
            return Ok(Frame::Torn);
        }
        if size == 0 {
            return Ok(Frame::End);
        }
        if u64::from(size) > self.remaining.min(MAX_MESSAGE_BYTES) {
            return Ok(Frame::Torn);
        }
        let mut bytes = prefix.to_vec();
        let head_end = prefix.len() + size as usize;
        bytes.resize(head_end, 0);
        if !self.fill(bytes.get_mut(prefix.len()..).unwrap_or_default())? {
            return Ok(Frame::Torn);
        }
        let body_length = root_as_message(bytes.get(prefix.len()..).unwrap_or_default())
            .ok()
            .and_then(|message| u64::try_from(message.bodyLength()).ok())
            .filter(|length| *length <= self.remaining.min(MAX_MESSAGE_BYTES));
        let Some(body_length) = body_length.and_then(|length| usize::try_from(length).ok()) else {
            return Ok(Frame::Torn);
        };
        bytes.resize(head_end + body_length, 0);
        if !self.fill(bytes.get_mut(head_end..).unwrap_or_default())? {
            return Ok(Frame::Torn);
        }
        let (head, body) = bytes.split_at(head_end);
        let message = root_as_message(head.get(prefix.len()..).unwrap_or_default());
        let unfolded = message.ok().and_then(|message| unfolded_bytes(&message, body));
        match unfolded.filter(|bytes| *bytes <= MAX_UNCOMPRESSED_BYTES) {
            Some(unfolded) => {
                self.unfolded_bytes = self.unfolded_bytes.saturating_add(unfolded);
                Ok(Frame::Message(Buffer::from_vec(bytes)))
            }
            None => Ok(Frame::Torn),
        }
    }

    /// Returns the bytes of the messages read so far, after decompression.
    pub(super) fn unfolded_bytes(&self) -> u64 {
        self.unfolded_bytes
    }

    /// Fills the buffer. Returns false if the file ends before.
    fn fill(&mut self, buffer: &mut [u8]) -> std::io::Result<bool> {
        if buffer.len() as u64 > self.remaining {
            self.remaining = 0;
            return Ok(false);
        }
        self.remaining -= buffer.len() as u64;
        match self.file.read_exact(buffer) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => Ok(false),
            read => read.map(|()| true),
        }
    }
}

/// Returns the bytes of a message after decompression; `None` if journals hold no messages of this
/// kind.
fn unfolded_bytes(message: &Message<'_>, body: &[u8]) -> Option<u64> {
    match message.header_type() {
        MessageHeader::Schema => Some(body.len() as u64),
        MessageHeader::RecordBatch => uncompressed_bytes(&message.header_as_record_batch()?, body),
        _ => None,
    }
}

/// Returns the bytes of a batch's buffers after decompression; `None` if they do not lie within the
/// body. A compressed buffer begins with its uncompressed length in 8 bytes, -1 if it is stored as
/// it is (Message.fbs, `BodyCompression`).
fn uncompressed_bytes(batch: &BatchHeader<'_>, body: &[u8]) -> Option<u64> {
    let mut total = 0_u64;
    for buffer in batch.buffers().into_iter().flatten() {
        let start = usize::try_from(buffer.offset()).ok()?;
        let length = usize::try_from(buffer.length()).ok()?;
        let bytes = body.get(start..start.checked_add(length)?)?;
        let stored = bytes.len() as u64;
        let uncompressed = match (batch.compression(), bytes.first_chunk::<8>()) {
            (None, _) => stored,
            (Some(_), None) if stored == 0 => 0,
            (Some(_), None) => return None,
            (Some(_), Some(prefix)) => match i64::from_le_bytes(*prefix) {
                -1 => stored,
                length => u64::try_from(length).ok()?,
            },
        };
        total = total.checked_add(uncompressed)?;
    }
    Some(total)
}
