//! Numbers as decimal text, several digits at a time: rows are mostly numbers, and tens of millions of them are hashed.

/// 10^8: what eight digits hold.
const EIGHT: u64 = 100_000_000;
/// 10^16.
const SIXTEEN: u64 = EIGHT * EIGHT;
/// The digit zero in each byte.
const ZEROS: u64 = u64::from_ne_bytes([b'0'; 8]);

/// Appends the digits of a number.
#[inline]
pub(super) fn push(out: &mut Vec<u8>, number: u64) {
    match number {
        0..EIGHT => push_first(out, text(number)),
        EIGHT..SIXTEEN => {
            push_first(out, text(number / EIGHT));
            out.extend_from_slice(&eight(number));
        }
        SIXTEEN.. => {
            push_first(out, text(number / SIXTEEN));
            out.extend_from_slice(&eight(number / EIGHT));
            out.extend_from_slice(&eight(number));
        }
    }
}

/// Appends the netstring of a number's digits.
#[inline]
pub(super) fn push_netstring(out: &mut Vec<u8>, number: u64) {
    // The most frequent: places in the log, and ids.
    if number < EIGHT {
        let digits = text(number);
        out.extend_from_slice(&[b'0' + digits.1 as u8, b':']);
        push_first(out, digits);
    } else {
        push_long(out, number);
    }
    out.push(b',');
}

/// Appends the length of a number's digits, which are nine at least, a colon, and these.
fn push_long(out: &mut Vec<u8>, number: u64) {
    let (tail, head) = if number < SIXTEEN { (8, number / EIGHT) } else { (16, number / SIXTEEN) };
    let head = text(head);
    push_first(out, text((head.1 + tail) as u64));
    out.push(b':');
    push_first(out, head);
    if tail > 8 {
        out.extend_from_slice(&eight(number / EIGHT));
    }
    out.extend_from_slice(&eight(number));
}

/// Appends the first bytes. All are copied, and what is too much is cut off: that is a few instructions, where a copy of so many
/// bytes is a call.
#[inline]
fn push_first(out: &mut Vec<u8>, (bytes, count): ([u8; 8], usize)) {
    let end = out.len() + count;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

/// A number below 10^8 as text, and how many digits it has.
#[inline]
fn text(number: u64) -> ([u8; 8], usize) {
    let digits = eight_digits(number);
    // Of zero, the last digit stays.
    let zeros = (digits.trailing_zeros() / 8).min(7);
    (((digits | ZEROS) >> (8 * zeros)).to_le_bytes(), 8 - zeros as usize)
}

/// The last eight digits of a number as text.
#[inline]
fn eight(number: u64) -> [u8; 8] {
    (eight_digits(number % EIGHT) | ZEROS).to_le_bytes()
}

/// The digits of a number below 10^8, a byte each, the first one lowest.
///
/// All halves are split at once: two numbers of four digits in 32 bits each, four of two in 16 bits each, eight of one in 8. The
/// factors are 2^20 / 100 and 2^10 / 10, rounded up, which is exact for numbers as small.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let fours = (number / 10_000) | ((number % 10_000) << 32);
    let hundreds = ((fours * 10_486) >> 20) & 0x0000_007f_0000_007f;
    let twos = hundreds | ((fours - hundreds * 100) << 16);
    let tens = ((twos * 103) >> 10) & 0x000f_000f_000f_000f;
    tens | ((twos - tens * 10) << 8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(number: u64) -> String {
        let (mut digits, mut framed) = (Vec::new(), Vec::new());
        push(&mut digits, number);
        push_netstring(&mut framed, number);
        let digits = String::from_utf8(digits).expect("digits");
        assert_eq!(framed, format!("{}:{digits},", digits.len()).into_bytes());
        digits
    }

    #[test]
    fn every_number_of_four_digits_in_each_half() {
        for half in 0..10_000 {
            for number in [half, half * 10_000, half * EIGHT, half * 10_000 * EIGHT, half / 10 * SIXTEEN] {
                assert_eq!(text(number), number.to_string());
            }
        }
    }

    #[test]
    fn powers_of_ten_and_their_neighbours() {
        for power in (0..20).map(|exponent| 10_u64.pow(exponent)) {
            for number in [power - 1, power, power + 1, u64::MAX - power] {
                assert_eq!(text(number), number.to_string());
            }
        }
    }

    proptest! {
        #[test]
        fn any_number(number: u64, shift in 0..64) {
            let number = number >> shift;
            prop_assert_eq!(text(number), number.to_string());
        }
    }
}
