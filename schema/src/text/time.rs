//! Times and durations as text. All times are UTC and come from records: nothing here reads a
//! clock.

use chrono::{DateTime, Datelike as _, Timelike as _};

/// Formats a time by RFC 3339 with nine digits and `Z`. No nanosecond is lost, and the order of
/// texts is that of times for the years 0 to 9999; an `i64` of nanoseconds reaches from 1677 to
/// 2262.
pub fn rfc3339(ns_since_epoch: i64) -> String {
    let mut text = Vec::with_capacity(RFC3339_BYTES);
    push_rfc3339(&mut text, ns_since_epoch);
    // Only digits and punctuation were written, so no byte is replaced.
    String::from_utf8_lossy(&text).into_owned()
}

/// Bytes of a time by RFC 3339 as [`rfc3339`] writes it.
const RFC3339_BYTES: usize = 30;

/// Appends the text that [`rfc3339`] gives.
pub fn push_rfc3339(out: &mut Vec<u8>, ns_since_epoch: i64) {
    let time = DateTime::from_timestamp_nanos(ns_since_epoch);
    let (date, clock, ns) = (time.date_naive(), time.num_seconds_from_midnight(), time.nanosecond());
    let year = date.year().unsigned_abs();
    let mut text = *b"yyyy-mm-ddThh:mm:ss.nnnnnnnnnZ";
    let mut put = |at: usize, two_digits: u32| {
        text[at] = b'0' + (two_digits / 10 % 10) as u8;
        text[at + 1] = b'0' + (two_digits % 10) as u8;
    };
    put(0, year / 100);
    put(2, year % 100);
    put(5, date.month());
    put(8, date.day());
    put(11, clock / 3_600);
    put(14, clock / 60 % 60);
    put(17, clock % 60);
    put(20, ns / 10_000_000);
    put(22, ns / 100_000 % 100);
    put(24, ns / 1_000 % 100);
    put(26, ns / 10 % 100);
    text[28] = b'0' + (ns % 10) as u8;
    out.extend_from_slice(&text);
}

/// Formats a time for people: milliseconds, and a space where RFC 3339 has its `T`.
pub fn to_millisecond(ns_since_epoch: i64) -> String {
    DateTime::from_timestamp_nanos(ns_since_epoch).format("%Y-%m-%d %H:%M:%S%.3f").to_string()
}

/// Formats a time for names of files: ISO 8601's basic format, to the second.
pub fn basic(ns_since_epoch: i64) -> String {
    DateTime::from_timestamp_nanos(ns_since_epoch).format("%Y%m%dT%H%M%SZ").to_string()
}

/// Formats a duration for people, two units at most: `412µs`, `3.250s`, `4m12s`, `3d04h`.
pub fn duration(ns: u64) -> String {
    let seconds = ns / 1_000_000_000;
    match seconds {
        0 if ns < 1_000_000 => format!("{}µs", ns / 1_000),
        0 => format!("{}ms", ns / 1_000_000),
        1..60 => format!("{seconds}.{:03}s", ns / 1_000_000 % 1_000),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{}d{:02}h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_nanosecond_is_written() {
        assert_eq!(rfc3339(0), "1970-01-01T00:00:00.000000000Z");
        // 2009-02-13T23:31:30Z is the well-known second 1234567890.
        assert_eq!(rfc3339(1_234_567_890_000_000_001), "2009-02-13T23:31:30.000000001Z");
        // One nanosecond before the epoch.
        assert_eq!(rfc3339(-1), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(basic(1_234_567_890_000_000_001), "20090213T233130Z");
    }

    #[test]
    fn the_ends_of_the_range_are_written_too() {
        assert_eq!(rfc3339(i64::MIN).len(), 30);
        assert_eq!(rfc3339(i64::MAX).len(), 30);
    }

    #[test]
    fn people_get_milliseconds() {
        assert_eq!(to_millisecond(1_234_567_890_012_999_999), "2009-02-13 23:31:30.012");
    }

    #[test]
    fn durations_take_the_unit_that_fits() {
        let second = 1_000_000_000;
        assert_eq!(duration(0), "0µs");
        assert_eq!(duration(999_999), "999µs");
        assert_eq!(duration(1_000_000), "1ms");
        assert_eq!(duration(second + 5_000_000), "1.005s");
        assert_eq!(duration(60 * second), "1m00s");
        assert_eq!(duration(3_600 * second + 59 * 60 * second), "1h59m");
        assert_eq!(duration(86_400 * second * 2 + 3 * 3_600 * second), "2d03h");
        assert!(duration(u64::MAX).ends_with('h'));
    }
}
