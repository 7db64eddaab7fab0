//! Reads Thrift's compact protocol (thrift-compact-protocol.md) without building anything: it tells
//! how deep and how large the metadata of a Parquet file is before the library believes it.

/// Deepest nesting of structures, lists and maps that is followed. Parquet's own metadata has eight
/// levels.
const MAX_DEPTH: u32 = 32;

/// Type of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ThriftKind {
    /// A truth value. In a structure its type is its value; in a list it takes a byte.
    Bool,
    Byte,
    /// A number of 16, 32 or 64 bits.
    Integer,
    Double,
    Binary,
    List,
    Map,
    Struct,
}

impl ThriftKind {
    fn of(nibble: u8) -> Option<Self> {
        Some(match nibble {
            1 | 2 => Self::Bool,
            3 => Self::Byte,
            4..=6 => Self::Integer,
            7 => Self::Double,
            8 => Self::Binary,
            9 | 10 => Self::List,
            11 => Self::Map,
            12 => Self::Struct,
            _ => return None,
        })
    }
}

/// A reader of bytes from the front. Each method returns `None` if the bytes do not fit the
/// protocol or end too early.
#[derive(Clone, Copy, Debug)]
pub(super) struct CompactReader<'a> {
    bytes: &'a [u8],
}

impl<'a> CompactReader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes }
    }

    /// Returns the number of bytes that are left.
    pub(super) fn left(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(count)?;
        self.bytes = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1)?.first().copied()
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// Reads an integer of any width.
    pub(super) fn integer(&mut self) -> Option<i64> {
        let value = self.varint()?;
        Some((value >> 1) as i64 ^ -((value & 1) as i64))
    }

    /// Reads the head of a structure's next field; `Some(None)` at the end of the structure. `last`
    /// is the number of the field before, 0 at first.
    pub(super) fn field(&mut self, last: &mut i64) -> Option<Option<(i64, ThriftKind)>> {
        let head = self.byte()?;
        if head == 0 {
            return Some(None);
        }
        *last = match head >> 4 {
            0 => self.integer()?,
            delta => last.checked_add(delta.into())?,
        };
        Some(Some((*last, ThriftKind::of(head & 0xf)?)))
    }

    /// Reads the head of a list: the type and the number of its elements. Each takes a byte at
    /// least.
    pub(super) fn list(&mut self) -> Option<(ThriftKind, usize)> {
        let head = self.byte()?;
        let count = match head >> 4 {
            15 => usize::try_from(self.varint()?).ok()?,
            count => count.into(),
        };
        (count <= self.left()).then_some(())?;
        Some((ThriftKind::of(head & 0xf)?, count))
    }

    /// Skips a field's value.
    pub(super) fn skip(&mut self, kind: ThriftKind) -> Option<()> {
        // A truth value in a structure has no bytes.
        if kind == ThriftKind::Bool { Some(()) } else { self.skip_at(kind, 0) }
    }

    fn skip_at(&mut self, kind: ThriftKind, depth: u32) -> Option<()> {
        (depth < MAX_DEPTH).then_some(())?;
        match kind {
            ThriftKind::Bool | ThriftKind::Byte => self.take(1).map(drop),
            ThriftKind::Integer => self.varint().map(drop),
            ThriftKind::Double => self.take(8).map(drop),
            ThriftKind::Binary => {
                let length = usize::try_from(self.varint()?).ok()?;
                self.take(length).map(drop)
            }
            ThriftKind::List => {
                let (kind, count) = self.list()?;
                (0..count).try_for_each(|_| self.skip_at(kind, depth + 1))
            }
            ThriftKind::Map => {
                let count = usize::try_from(self.varint()?).ok()?;
                if count == 0 {
                    return Some(());
                }
                (count <= self.left()).then_some(())?;
                let kinds = self.byte()?;
                let (key, value) = (ThriftKind::of(kinds >> 4)?, ThriftKind::of(kinds & 0xf)?);
                (0..count).try_for_each(|_| {
                    self.skip_at(key, depth + 1)?;
                    self.skip_at(value, depth + 1)
                })
            }
            ThriftKind::Struct => {
                let mut last = 0;
                while let Some((_, kind)) = self.field(&mut last)? {
                    if kind != ThriftKind::Bool {
                        self.skip_at(kind, depth + 1)?;
                    }
                }
                Some(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_the_protocol_has_them() {
        // ZigZag: 0, -1, 1, -2, ..., in seven bits each, the lowest first.
        for (bytes, value) in [(&[0][..], 0), (&[1], -1), (&[2], 1), (&[0x80, 1], 64), (&[0xff, 1], -128)] {
            assert_eq!(CompactReader::new(bytes).integer(), Some(value), "{bytes:?}");
        }
        assert_eq!(CompactReader::new(&[0x80]).integer(), None, "it goes on, and does not");
        assert_eq!(CompactReader::new(&[0xff; 11]).integer(), None, "longer than any number");
    }

    #[test]
    fn a_structure_is_passed_over_field_by_field() {
        // 1: a list of two texts; 2: true; 20, by its full number: a structure with a double; end.
        let bytes = [
            0x19, 0x28, 1, b'a', 2, b'b', b'c', // field 1
            0x11, // field 2
            0x0c, 40, 0x17, 0, 0, 0, 0, 0, 0, 0, 0, 0, // field 20
            0, 0xaa,
        ];
        let mut compact = CompactReader::new(&bytes);
        compact.skip(ThriftKind::Struct).unwrap();
        assert_eq!(compact.left(), 1);
        for end in 0..bytes.len() - 1 {
            assert_eq!(CompactReader::new(&bytes[..end]).skip(ThriftKind::Struct), None, "cut after {end}");
        }
    }

    #[test]
    fn depth_and_counts_are_bounded() {
        // A list of one list, of one list, ...
        let deep = [0x19; 10_000];
        assert_eq!(CompactReader::new(&deep).skip(ThriftKind::List), None);
        // A list that claims 2^35 structures.
        assert_eq!(CompactReader::new(&[0xfc, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 0, 0]).list(), None);
    }
}
