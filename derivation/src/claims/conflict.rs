//! Values that contradict each other about who a container is.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;

use super::claim::ClaimField;
use crate::record::{Source, WallNs};

/// Distance between two start times that are one: engines take the time at different moments of a
/// start.
pub(super) const START_TOLERANCE_NS: u64 = 1_000_000_000;

/// The matter of a conflict.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConflictSubject {
    ContainerId,
    Runtime,
    Text(ClaimField),
    InitPid,
    StartedAt,
}

impl ConflictSubject {
    /// Returns the name of the row's column.
    const fn as_str(self) -> &'static str {
        match self {
            Self::ContainerId => "container_id",
            Self::Runtime => "runtime",
            Self::Text(field) => field.as_str(),
            Self::InitPid => "init_pid",
            Self::StartedAt => "started_at",
        }
    }
}

/// A value that a source gave and that is not the row's: of another source, or withdrawn by a later
/// word of the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Conflict<'a> {
    pub source: Source,
    pub subject: ConflictSubject,
    pub value: Cow<'a, str>,
}

impl<'a> Conflict<'a> {
    pub fn new(source: Source, subject: ConflictSubject, value: impl Into<Cow<'a, str>>) -> Self {
        Self { source, subject, value: value.into() }
    }

    /// Returns the text for a row.
    pub fn text(&self) -> String {
        format!("{}: {} {}", self.source, self.subject.as_str(), self.value)
    }

    /// Copies the value, in exactly the room needed.
    pub fn into_owned(self) -> Conflict<'static> {
        let value: Box<str> = self.value.into();
        Conflict { source: self.source, subject: self.subject, value: Cow::Owned(value.into()) }
    }
}

/// Returns true if two texts of one field mean the same.
pub(super) fn is_same(field: ClaimField, a: &str, b: &str) -> bool {
    /// Engines write a digest with and without its algorithm.
    fn hex(digest: &str) -> &str {
        digest.strip_prefix("sha256:").unwrap_or(digest)
    }
    a == b
        || match field {
            ClaimField::ImageName => is_same_image(a, b),
            ClaimField::ImageId | ClaimField::ImageDigest => hex(a) == hex(b),
            _ => false,
        }
}

/// Returns true if two image references do not contradict each other. Engines write one image as
/// `busybox`, `busybox:latest` and `docker.io/library/busybox:latest`; a digest alone is no name.
fn is_same_image(a: &str, b: &str) -> bool {
    let (a, b) = (ImageReference::read(a), ImageReference::read(b));
    let (Some(a), Some(b)) = (a, b) else { return true };
    a.repository == b.repository
        && (a.digest.is_none() || b.digest.is_none() || a.digest == b.digest)
        && (a.tag.is_none() || b.tag.is_none() || a.tag == b.tag)
}

/// The parts of an image reference (distribution/reference, `normalize.go`).
struct ImageReference<'a> {
    repository: &'a str,
    /// The tag; `latest` if there is neither tag nor digest.
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> ImageReference<'a> {
    /// Reads a reference; `None` of a bare digest.
    fn read(text: &'a str) -> Option<Self> {
        let is_hex = |text: &str| text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if is_hex(text) || text.strip_prefix("sha256:").is_some_and(is_hex) {
            return None;
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (text, None),
        };
        // A colon before the last slash is that of a port.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        };
        let tag = tag.or_else(|| digest.is_none().then_some("latest"));
        let hub = ["docker.io/", "index.docker.io/"].iter().find_map(|hub| repository.strip_prefix(hub));
        let repository = hub.unwrap_or(repository);
        let official = repository.strip_prefix("library/").filter(|rest| !rest.contains('/'));
        Some(Self { repository: official.unwrap_or(repository), tag, digest })
    }
}

/// Writes a time as RFC 3339 does, in UTC. Years have four digits from 1678 to 2262, all that a
/// [`WallNs`] can hold.
pub(super) fn time_text(time: WallNs) -> String {
    const SECOND_NS: i64 = 1_000_000_000;
    const DAY_S: i64 = 86_400;
    let (seconds, ns) = (time.0.div_euclid(SECOND_NS), time.0.rem_euclid(SECOND_NS));
    let (days, second) = (seconds.div_euclid(DAY_S), seconds.rem_euclid(DAY_S));
    // Howard Hinnant's `civil_from_days`: years that begin in March, in eras of 400 years.
    let shifted = days.saturating_add(719_468);
    let (era, day_of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_of_year = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_of_year + 2) / 5 + 1;
    let month = if month_of_year < 10 { month_of_year + 3 } else { month_of_year - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ns:09}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_image_has_several_spellings() {
        let digest = |digit: &str| format!("sha256:{}", digit.repeat(64));
        let (one, other) = (digest("1"), digest("2"));
        for (a, b, same) in [
            ("busybox", "busybox:latest", true),
            ("busybox", "docker.io/library/busybox:latest", true),
            ("shop/web:2", "index.docker.io/shop/web:2", true),
            ("busybox:1", "busybox:2", false),
            ("busybox", "localhost/busybox", false),
            ("localhost:5000/busybox", "localhost:5000/busybox:latest", true),
            ("library/shop/web", "shop/web", false),
            (&one, "busybox", true),
            (&format!("busybox@{one}"), "docker.io/library/busybox:1", true),
            (&format!("busybox@{one}"), &format!("busybox@{other}"), false),
            (&format!("web@{one}"), "busybox:1", false),
        ] {
            assert_eq!(is_same_image(a, b), same, "{a} and {b}");
            assert_eq!(is_same_image(b, a), same, "{b} and {a}");
        }
    }

    #[test]
    fn a_time_is_written_in_utc() {
        for (ns, text) in [
            (0, "1970-01-01T00:00:00.000000000Z"),
            (-1, "1969-12-31T23:59:59.999999999Z"),
            (951_782_400_000_000_005, "2000-02-29T00:00:00.000000005Z"),
            (1_700_000_000_000_000_000, "2023-11-14T22:13:20.000000000Z"),
            (i64::MAX, "2262-04-11T23:47:16.854775807Z"),
            (i64::MIN, "1677-09-21T00:12:43.145224192Z"),
        ] {
            assert_eq!(time_text(WallNs(ns)), text);
        }
    }
}
