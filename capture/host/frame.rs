//! Messages over a stream: the length in 4 bytes, the most significant first, and the bytes.

use std::io::{self, ErrorKind, Read, Write};

/// First byte of an answer that holds what was asked for.
const ANSWERED: u8 = b'+';
/// First byte of an answer that holds the reason of a refusal.
const REFUSED: u8 = b'-';

/// Writes a message.
///
/// # Errors
/// The stream's, or a message that is too long for its length.
pub fn write(stream: &mut impl Write, message: &[u8]) -> io::Result<()> {
    let length = u32::try_from(message.len()).map_err(|_| io::Error::from(ErrorKind::FileTooLarge))?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(message)
}

/// Reads a message; `None` at the end of the stream.
///
/// # Errors
/// The stream's, or a message of more than `max_bytes`.
pub fn read(stream: &mut impl Read, max_bytes: u64) -> io::Result<Option<Vec<u8>>> {
    let mut length = [0; 4];
    match stream.read_exact(&mut length) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    }
    let length = u64::from(u32::from_be_bytes(length));
    if length > max_bytes {
        return Err(ErrorKind::FileTooLarge.into());
    }
    let mut message = Vec::new();
    stream.take(length).read_to_end(&mut message)?;
    match message.len() as u64 == length {
        true => Ok(Some(message)),
        false => Err(ErrorKind::UnexpectedEof.into()),
    }
}

/// Makes the message of an answer.
pub fn encode_answer(answer: Result<&str, &str>) -> Vec<u8> {
    let (first, text) = match answer {
        Ok(text) => (ANSWERED, text),
        Err(why) => (REFUSED, why),
    };
    [&[first], text.as_bytes()].concat()
}

/// Returns the answer that a message holds, or `None` if it holds none.
pub fn decode_answer(message: &[u8]) -> Option<Result<String, String>> {
    let (first, text) = message.split_first()?;
    let text = String::from_utf8_lossy(text).into_owned();
    match *first {
        ANSWERED => Some(Ok(text)),
        REFUSED => Some(Err(text)),
        _ => None,
    }
}
