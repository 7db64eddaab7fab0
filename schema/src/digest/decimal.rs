//! Numbers as decimal text, several digits at a time: rows are mostly numbers, and tens of millions of them are hashed.

/// The digits of a number, the first ones first.
#[derive(Clone, Copy)]
pub(super) struct Decimal {
    /// At most four digits, where the number has more than sixteen.
    head: [u8; 4],
    head_len: usize,
    tail: [u8; 16],
    tail_len: usize,
}

/// 10^8: what eight digits hold.
const EIGHT: u64 = 100_000_000;
/// 10^16.
const SIXTEEN: u64 = EIGHT * EIGHT;
/// The digit zero in each byte.
const ZEROS: u128 = u128::from_ne_bytes([b'0'; 16]);

impl Decimal {
    #[inline]
    pub(super) fn of(number: u64) -> Self {
        if number >= SIXTEEN {
            // Less than 1,845.
            let head = eight_digits(number / SIXTEEN) >> 32;
            let zeros = head.trailing_zeros() / 8;
            let head = (head >> (zeros * 8)) as u32 | ZEROS as u32;
            let tail = sixteen_digits(number % SIXTEEN) | ZEROS;
            let head_len = 4 - zeros as usize;
            return Self { head: head.to_le_bytes(), head_len, tail: tail.to_le_bytes(), tail_len: 16 };
        }
        let (digits, places) = match number < EIGHT {
            true => (u128::from(eight_digits(number)), 8),
            false => (sixteen_digits(number), 16),
        };
        // Of zero, the last digit stays.
        let zeros = (digits.trailing_zeros() / 8).min(places - 1);
        let tail = digits >> (zeros * 8) | ZEROS;
        Self { head: [0; 4], head_len: 0, tail: tail.to_le_bytes(), tail_len: (places - zeros) as usize }
    }

    /// How many digits they are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.head_len + self.tail_len
    }

    /// Appends them. Whole arrays are copied, and what is too much is cut off: that is one instruction, where a copy of so many
    /// bytes is a call.
    #[inline]
    pub(super) fn push(&self, out: &mut Vec<u8>) {
        let begin = out.len();
        if self.head_len > 0 {
            out.extend_from_slice(&self.head);
            out.truncate(begin + self.head_len);
        }
        out.extend_from_slice(&self.tail);
        out.truncate(begin + self.len());
    }
}

/// The digits of a number below 10^16, a byte each, the first one lowest.
#[inline]
fn sixteen_digits(number: u64) -> u128 {
    u128::from(eight_digits(number / EIGHT)) | u128::from(eight_digits(number % EIGHT)) << 64
}

/// The digits of a number below 10^8, a byte each, the first one lowest.
///
/// All halves are split at once: two numbers of four digits in 32 bits each, four of two in 16 bits each, eight of one in 8. The
/// factors are 2^20 / 100 and 2^10 / 10, rounded up, which is exact for numbers as small.
#[inline]
fn eight_digits(number: u64) -> u64 {
    let fours = number / 10_000 | (number % 10_000) << 32;
    let hundreds = (fours * 10_486) >> 20 & 0x0000_007f_0000_007f;
    let twos = hundreds | (fours - hundreds * 100) << 16;
    let tens = (twos * 103) >> 10 & 0x000f_000f_000f_000f;
    tens | (twos - tens * 10) << 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(number: u64) -> String {
        let (mut out, digits) = (Vec::new(), Decimal::of(number));
        digits.push(&mut out);
        assert_eq!(digits.len(), out.len());
        String::from_utf8(out).expect("digits")
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
