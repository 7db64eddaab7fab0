//! case.json.tsr: a time stamp over case.json by somebody else (RFC 3161), beside its signature.
//!
//! What the stamp is over and when it was made are read here. Whether its signature holds, and
//! whose it is, is for `openssl ts -verify`: authorities sign with many kinds of keys.

use der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef};
use der::{Decode as _, Reader, SliceReader, Tag, TagNumber, Tagged as _};
use serde::Serialize;
use sha2::{Digest as _, Sha256, Sha384, Sha512};

/// Name of the file.
pub const FILE_NAME: &str = "case.json.tsr";

/// Longest time stamp that is read, in bytes. One with all certificates has some thousand.
pub const MAX_BYTES: u64 = 1 << 20;

/// A signed message (RFC 5652, `id-signedData`).
const SIGNED_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.7.2");
/// What a time stamp signs (RFC 3161, `id-ct-TSTInfo`).
const TST_INFO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.1.4");
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
const SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.2");
const SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.3");

/// The last PKIStatus with which a stamp is granted: `grantedWithMods`.
const GRANTED_WITH_MODS: u8 = 1;

/// A time stamp.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TimeStamp {
    /// Time by the authority's clock: RFC 3339, UTC.
    pub at: String,
    /// The authority's policy, an object identifier.
    pub policy: String,
    /// The stamp's serial number, in lower-case hex.
    pub serial: String,
    #[serde(skip)]
    algorithm: ObjectIdentifier,
    #[serde(skip)]
    imprint: Vec<u8>,
}

impl TimeStamp {
    /// Parses an authority's answer (RFC 3161, `TimeStampResp`).
    ///
    /// # Errors
    /// The reason why it is none, or holds no stamp.
    pub fn parse(answer: &[u8]) -> Result<Self, String> {
        read_answer(answer).map_err(|error| format!("it is no answer of a time-stamp authority: {error}"))?
    }

    /// Checks that the stamp is over this text.
    ///
    /// # Errors
    /// The reason why it is not.
    pub fn check(&self, text: &[u8]) -> Result<(), String> {
        let found = match self.algorithm {
            SHA256 => Sha256::digest(text).to_vec(),
            SHA384 => Sha384::digest(text).to_vec(),
            SHA512 => Sha512::digest(text).to_vec(),
            other => return Err(format!("it is over a digest of kind {other}: check it with openssl ts -verify")),
        };
        if found == self.imprint { Ok(()) } else { Err("it is over another text".to_owned()) }
    }
}

/// Reads an answer. The inner error is about a well-formed one.
fn read_answer(answer: &[u8]) -> der::Result<Result<TimeStamp, String>> {
    let mut reader = SliceReader::new(answer)?;
    let answer = AnyRef::decode(&mut reader)?;
    reader.finish()?;
    answer.sequence(|answer: &mut SliceReader<'_>| {
        let status = AnyRef::decode(answer)?.sequence(|status: &mut SliceReader<'_>| {
            let code = u8::decode(status)?;
            rest(status)?;
            Ok::<_, der::Error>(code)
        })?;
        if status > GRANTED_WITH_MODS || answer.is_finished() {
            rest(answer)?;
            return Ok(Err(format!("the authority refused, with status {status}")));
        }
        AnyRef::decode(answer)?.sequence(|token: &mut SliceReader<'_>| {
            expect_oid(token, SIGNED_DATA)?;
            explicit(token)?.sequence(read_signed_data)
        })
    })
}

/// Reads a `SignedData` (RFC 5652, section 5.1).
fn read_signed_data(data: &mut SliceReader<'_>) -> der::Result<Result<TimeStamp, String>> {
    let _version = u8::decode(data)?;
    let _algorithms = AnyRef::decode(data)?;
    let info = AnyRef::decode(data)?.sequence(|content: &mut SliceReader<'_>| {
        expect_oid(content, TST_INFO)?;
        explicit(content)?.decode_as::<&OctetStringRef>()
    })?;
    rest(data)?;
    AnyRef::from_der(info.as_bytes())?.sequence(read_info)
}

/// Reads a `TSTInfo` (RFC 3161, section 2.4.2).
fn read_info(info: &mut SliceReader<'_>) -> der::Result<Result<TimeStamp, String>> {
    let _version = u8::decode(info)?;
    let policy: ObjectIdentifier = ObjectIdentifier::decode(info)?;
    let policy = policy.to_string();
    let (algorithm, imprint) = AnyRef::decode(info)?.sequence(|imprint: &mut SliceReader<'_>| {
        let algorithm = AnyRef::decode(imprint)?.sequence(|algorithm: &mut SliceReader<'_>| {
            let identifier = ObjectIdentifier::decode(algorithm)?;
            rest(algorithm)?;
            Ok::<_, der::Error>(identifier)
        })?;
        Ok::<_, der::Error>((algorithm, <&OctetStringRef>::decode(imprint)?.as_bytes().to_vec()))
    })?;
    let serial = AnyRef::decode(info)?;
    serial.tag().assert_eq(Tag::Integer)?;
    let serial = serial.value().iter().map(|byte| format!("{byte:02x}")).collect();
    let at = AnyRef::decode(info)?;
    at.tag().assert_eq(Tag::GeneralizedTime)?;
    let at = rfc3339(at.value());
    rest(info)?;
    let at = at.ok_or_else(|| "its time cannot be read".to_owned());
    Ok(at.map(|at| TimeStamp { at, policy, serial, algorithm, imprint }))
}

fn expect_oid(reader: &mut SliceReader<'_>, expected: ObjectIdentifier) -> der::Result<()> {
    match ObjectIdentifier::decode(reader)? {
        found if found == expected => Ok(()),
        oid => Err(der::ErrorKind::OidUnknown { oid }.into()),
    }
}

/// Reads a value that is tagged `[0] EXPLICIT`.
fn explicit<'a>(reader: &mut SliceReader<'a>) -> der::Result<AnyRef<'a>> {
    let tagged = AnyRef::decode(reader)?;
    tagged.tag().assert_eq(Tag::ContextSpecific { constructed: true, number: TagNumber(0) })?;
    AnyRef::from_der(tagged.value())
}

/// Passes over everything else in a sequence.
fn rest(reader: &mut SliceReader<'_>) -> der::Result<()> {
    while !reader.is_finished() {
        AnyRef::decode(reader)?;
    }
    Ok(())
}

/// Returns the text of a GeneralizedTime, `YYYYMMDDhhmmss[.fraction]Z`, as RFC 3339 has it.
fn rfc3339(time: &[u8]) -> Option<String> {
    let time = std::str::from_utf8(time).ok()?.strip_suffix('Z')?;
    let (seconds, fraction) = time.split_once('.').map_or((time, None), |(whole, part)| (whole, Some(part)));
    let are_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if seconds.len() != 14 || !are_digits(seconds) || !fraction.is_none_or(|part| are_digits(part) && part.len() <= 9) {
        return None;
    }
    let part = |from: usize, to: usize| seconds.get(from..to);
    let (date, clock) =
        ([part(0, 4)?, part(4, 6)?, part(6, 8)?].join("-"), [part(8, 10)?, part(10, 12)?, part(12, 14)?].join(":"));
    let fraction = fraction.map_or_else(String::new, |part| format!(".{part}"));
    Some(format!("{date}T{clock}{fraction}Z"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_rfc_3161_writes_them() {
        assert_eq!(rfc3339(b"20261130192500Z").as_deref(), Some("2026-11-30T19:25:00Z"));
        assert_eq!(rfc3339(b"20261130192500.125Z").as_deref(), Some("2026-11-30T19:25:00.125Z"));
        for other in ["", "Z", "20261130192500", "2026113019250Z", "2026113019250\u{e9}Z", "20261130192500.Z"] {
            assert_eq!(rfc3339(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_is_no_answer_is_refused_whatever_it_claims() {
        for bytes in [&[][..], &[0x30], &[0x30, 0x84, 0xff, 0xff, 0xff, 0xff], &[0x30, 0x80, 0, 0], &[0x02, 0x01, 0x00]]
        {
            assert!(TimeStamp::parse(bytes).is_err(), "{bytes:?}");
        }
        // A refusal: status 2, without a token.
        let refused = TimeStamp::parse(&[0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x02]).expect_err("refused");
        assert!(refused.contains("status 2"), "{refused}");
    }
}
