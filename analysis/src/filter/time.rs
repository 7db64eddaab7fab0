//! Moments as people write them: absolute, or relative to the end of a case.

use std::str::FromStr;

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};
use obit_derivation::WallNs;

use crate::span::CaseSpan;

const SECOND_NS: i64 = 1_000_000_000;
const DAY_NS: i64 = 86_400 * SECOND_NS;

/// Units of a duration, each with its nanoseconds.
const UNITS: [(&str, i64); 6] = [
    ("ms", 1_000_000),
    ("s", SECOND_NS),
    ("m", 60 * SECOND_NS),
    ("h", 3_600 * SECOND_NS),
    ("d", DAY_NS),
    ("w", 7 * DAY_NS),
];

/// A moment as an argument names it. All times are UTC unless they have an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeArgument {
    /// `2026-11-30T03:10:00Z`, `2026-11-30 03:10`, `2026-11-30`: this moment; a date is its
    /// midnight.
    At(WallNs),
    /// `10m`, `1h30m`: so long before the case's end.
    BeforeEnd(TimeDelta),
    /// `03:10`, `03:10:30`: the last such time of day that is not after the case's end.
    TimeOfDay(NaiveTime),
    /// `today`, `yesterday`: the midnight so many days before that of the day of the case's end.
    DaysBack(u8),
    /// `start`: the start of the case.
    Start,
    /// `end`: the end of the case.
    End,
}

/// A text is no moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "give RFC 3339 (2026-11-30T03:10:00Z), a date, a time of day (03:10, UTC), a time before the case's end (10m, 1h30m, \
     2d), today, yesterday, start or end"
)]
pub struct TimeArgumentError;

impl FromStr for TimeArgument {
    type Err = TimeArgumentError;

    fn from_str(text: &str) -> Result<Self, TimeArgumentError> {
        match text {
            "start" => return Ok(Self::Start),
            "end" | "now" => return Ok(Self::End),
            "today" => return Ok(Self::DaysBack(0)),
            "yesterday" => return Ok(Self::DaysBack(1)),
            _ => {}
        }
        let of_day = ["%H:%M:%S%.f", "%H:%M"].into_iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
        if let Some(time) = of_day {
            return Ok(Self::TimeOfDay(time));
        }
        let at = absolute(text).and_then(|time| time.timestamp_nanos_opt());
        at.map(|ns| Self::At(WallNs(ns))).or_else(|| duration(text).map(Self::BeforeEnd)).ok_or(TimeArgumentError)
    }
}

/// Parses a time with a date.
fn absolute(text: &str) -> Option<DateTime<chrono::Utc>> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Some(time.to_utc());
    }
    if let Ok(date) = NaiveDate::parse_from_str(text, "%Y-%m-%d") {
        return Some(date.and_time(NaiveTime::MIN).and_utc());
    }
    ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
        .into_iter()
        .find_map(|form| NaiveDateTime::parse_from_str(text, form).ok())
        .map(|time| time.and_utc())
}

/// Parses a duration: numbers, each with its unit.
pub(crate) fn duration(text: &str) -> Option<TimeDelta> {
    let mut total = 0_i64;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|character: char| !character.is_ascii_digit())?;
        let number: i64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..].find(|character: char| character.is_ascii_digit()).unwrap_or(rest.len() - digits);
        let unit = &rest[digits..digits + unit_end];
        let (_, unit_ns) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
        total = total.checked_add(number.checked_mul(unit_ns)?)?;
        rest = &rest[digits + unit_end..];
    }
    (!text.is_empty()).then(|| TimeDelta::nanoseconds(total))
}

impl TimeArgument {
    /// Returns the moment in a case of this span.
    pub fn resolve(self, span: CaseSpan) -> WallNs {
        let end = span.end.0;
        let midnight = end - end.rem_euclid(DAY_NS);
        WallNs(match self {
            Self::At(WallNs(ns)) => ns,
            // More than 292 years, which is before any case.
            Self::BeforeEnd(time) => end.saturating_sub(time.num_nanoseconds().unwrap_or(i64::MAX)),
            Self::TimeOfDay(time) => {
                let of_day = time.signed_duration_since(NaiveTime::MIN).num_nanoseconds().unwrap_or_default();
                let at = midnight.saturating_add(of_day);
                if at <= end { at } else { at.saturating_sub(DAY_NS) }
            }
            Self::DaysBack(days) => midnight.saturating_sub(i64::from(days) * DAY_NS),
            Self::Start => span.start.0,
            Self::End => end,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use obit_schema::text::time::rfc3339;

    /// Resolves a text in a case that lasted from the second 1234567890 (2009-02-13T23:31:30Z) for
    /// ten minutes.
    fn resolved(text: &str) -> String {
        let start = 1_234_567_890 * SECOND_NS;
        let span = CaseSpan { start: WallNs(start), end: WallNs(start + 600 * SECOND_NS) };
        let at = text.parse::<TimeArgument>().unwrap_or_else(|error| panic!("{text}: {error}")).resolve(span);
        rfc3339(at.0).replace(".000000000Z", "Z")
    }

    #[test]
    fn moments_are_absolute_or_relative_to_the_end() {
        for (text, moment) in [
            ("2009-02-13T23:31:30Z", "2009-02-13T23:31:30Z"),
            ("2009-02-14T00:31:30.25+01:00", "2009-02-13T23:31:30.250000000Z"),
            ("2009-02-13 23:31", "2009-02-13T23:31:00Z"),
            ("2009-02-13T23:31:05", "2009-02-13T23:31:05Z"),
            ("2009-02-13", "2009-02-13T00:00:00Z"),
            ("10m", "2009-02-13T23:31:30Z"),
            ("1h30m", "2009-02-13T22:11:30Z"),
            ("250ms", "2009-02-13T23:41:29.750000000Z"),
            ("23:41", "2009-02-13T23:41:00Z"),
            ("23:42", "2009-02-12T23:42:00Z"),
            ("03:10:30", "2009-02-13T03:10:30Z"),
            ("today", "2009-02-13T00:00:00Z"),
            ("yesterday", "2009-02-12T00:00:00Z"),
            ("start", "2009-02-13T23:31:30Z"),
            ("end", "2009-02-13T23:41:30Z"),
        ] {
            assert_eq!(resolved(text), moment, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in ["", "10", "m", "10x", "10m5", "-10m", "tomorrow", "2009-13-01", "25:00", "99999999999999999999d"] {
            assert_eq!(text.parse::<TimeArgument>(), Err(TimeArgumentError), "{text}");
        }
        // Out of range of the clock, but no overflow.
        assert!(resolved("100000d").starts_with("17"));
    }
}
