//! Values of Arrow arrays of any type, for output, comparison and the digest.

use std::fmt;
use std::ops::Range;

use arrow_array::{
    Array, BooleanArray, Int32Array, Int64Array, ListArray, MapArray, StringArray, StringViewArray, StructArray,
    TimestampNanosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{DataType, TimeUnit};

/// A value, borrowed from its array.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Value<'a> {
    /// Absent.
    Null,
    /// True or false.
    Bool(bool),
    /// Unsigned, of 32 or 64 bits.
    U64(u64),
    /// Signed.
    I64(i64),
    /// Nanoseconds since 1970 in UTC.
    TimestampNs(i64),
    /// Text.
    Str(&'a str),
    /// Values in order.
    List(List<'a>),
    /// Named values, each name once.
    Struct(StructValue<'a>),
    /// Values by key, in the order stored.
    Map(MapValue<'a>),
    /// A value of a type that no table of this version has.
    Unsupported(&'a DataType),
}

/// Returns the value of a row of an array; null past the end.
pub fn cell(array: &dyn Array, row: usize) -> Value<'_> {
    Cells::new(array).value(row)
}

/// The values of an array. The array's type is looked at once, not for each value.
#[derive(Clone, Copy)]
pub struct Cells<'a>(TypedArray<'a>);

/// An array by its type.
#[derive(Clone, Copy)]
pub(crate) enum TypedArray<'a> {
    /// Nothing but nulls.
    Null,
    Bool(&'a BooleanArray),
    U32(&'a UInt32Array),
    U64(&'a UInt64Array),
    I32(&'a Int32Array),
    I64(&'a Int64Array),
    TimestampNs(&'a TimestampNanosecondArray),
    Str(&'a StringArray),
    StrView(&'a StringViewArray),
    List(&'a ListArray),
    Struct(&'a StructArray),
    Map(&'a MapArray),
    /// An array of a type that no table has.
    Unsupported(&'a dyn Array),
}

impl<'a> Cells<'a> {
    /// Nothing but nulls, of any length.
    pub const NULL: Self = Self(TypedArray::Null);

    /// Finds the type of an array.
    pub fn new(array: &'a dyn Array) -> Self {
        if array.null_count() == array.len() {
            return Self(TypedArray::Null);
        }
        Self(TypedArray::of(array).unwrap_or(TypedArray::Unsupported(array)))
    }

    /// Returns true if every value is null.
    pub fn are_null(self) -> bool {
        matches!(self.0, TypedArray::Null)
    }

    /// Returns the array, to read values of one type without the way through [`Value`].
    pub(crate) fn typed(self) -> TypedArray<'a> {
        self.0
    }

    /// Returns the value of a row; null past the end.
    #[inline]
    pub fn value(self, row: usize) -> Value<'a> {
        /// Returns true if a row has a value.
        fn has(array: &impl Array, row: usize) -> bool {
            row < array.len() && array.is_valid(row)
        }
        match self.0 {
            TypedArray::Bool(array) if has(array, row) => Value::Bool(array.value(row)),
            TypedArray::U32(array) if has(array, row) => Value::U64(array.value(row).into()),
            TypedArray::U64(array) if has(array, row) => Value::U64(array.value(row)),
            TypedArray::I32(array) if has(array, row) => Value::I64(array.value(row).into()),
            TypedArray::I64(array) if has(array, row) => Value::I64(array.value(row)),
            TypedArray::TimestampNs(array) if has(array, row) => Value::TimestampNs(array.value(row)),
            TypedArray::Str(array) if has(array, row) => Value::Str(array.value(row)),
            TypedArray::StrView(array) if has(array, row) => Value::Str(array.value(row)),
            TypedArray::List(array) if has(array, row) => match Span::new(array.value_offsets(), row) {
                Some(range) => Value::List(List { values: Self::new(array.values()), range }),
                None => Value::Null,
            },
            TypedArray::Struct(array) if has(array, row) => Value::Struct(StructValue { array, row }),
            TypedArray::Map(array) if has(array, row) => match Span::new(array.value_offsets(), row) {
                Some(range) => {
                    Value::Map(MapValue { keys: Self::new(array.keys()), values: Self::new(array.values()), range })
                }
                None => Value::Null,
            },
            TypedArray::Unsupported(array) if row < array.len() && !array.is_null(row) => {
                Value::Unsupported(array.data_type())
            }
            _ => Value::Null,
        }
    }
}

impl<'a> TypedArray<'a> {
    /// Returns `None` for a type that no table has.
    fn of(array: &'a dyn Array) -> Option<Self> {
        let any = array.as_any();
        Some(match array.data_type() {
            DataType::Boolean => Self::Bool(any.downcast_ref()?),
            DataType::UInt32 => Self::U32(any.downcast_ref()?),
            DataType::UInt64 => Self::U64(any.downcast_ref()?),
            DataType::Int32 => Self::I32(any.downcast_ref()?),
            DataType::Int64 => Self::I64(any.downcast_ref()?),
            DataType::Timestamp(TimeUnit::Nanosecond, _) => Self::TimestampNs(any.downcast_ref()?),
            DataType::Utf8 => Self::Str(any.downcast_ref()?),
            DataType::Utf8View => Self::StrView(any.downcast_ref()?),
            DataType::List(_) => Self::List(any.downcast_ref()?),
            DataType::Struct(_) => Self::Struct(any.downcast_ref()?),
            DataType::Map(..) => Self::Map(any.downcast_ref()?),
            _ => return None,
        })
    }
}

/// Rows of an array of elements.
#[derive(Clone, Copy)]
struct Span {
    start: usize,
    end: usize,
}

impl Span {
    fn new(offsets: &[i32], row: usize) -> Option<Self> {
        let at = |index: usize| offsets.get(index).and_then(|offset| usize::try_from(*offset).ok());
        Some(Self { start: at(row)?, end: at(row + 1)? })
    }

    fn rows(self) -> Range<usize> {
        self.start..self.end
    }
}

/// Elements of a list.
#[derive(Clone, Copy)]
pub struct List<'a> {
    values: Cells<'a>,
    range: Span,
}

impl<'a> List<'a> {
    /// Returns the elements, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Value<'a>> + use<'a> {
        self.range.rows().map(move |row| self.values.value(row))
    }

    /// Returns the number of elements.
    pub fn len(self) -> usize {
        self.range.rows().len()
    }

    /// Returns true if there is no element.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// Fields of a struct.
#[derive(Clone, Copy)]
pub struct StructValue<'a> {
    array: &'a StructArray,
    row: usize,
}

impl<'a> StructValue<'a> {
    /// Returns the fields with their names, in the order declared.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (&'a str, Value<'a>)> + use<'a> {
        let row = self.row;
        self.array
            .fields()
            .iter()
            .zip(self.array.columns())
            .map(move |(field, column)| (field.name().as_str(), cell(column, row)))
    }
}

/// Entries of a map.
#[derive(Clone, Copy)]
pub struct MapValue<'a> {
    keys: Cells<'a>,
    values: Cells<'a>,
    range: Span,
}

impl<'a> MapValue<'a> {
    /// Returns the entries, in the order stored.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        self.range.rows().map(move |row| (self.keys.value(row), self.values.value(row)))
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::U64(a), Self::U64(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::TimestampNs(a), Self::TimestampNs(b)) => a == b,
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::List(a), Self::List(b)) => a.iter().eq(b.iter()),
            (Self::Struct(a), Self::Struct(b)) => a.iter().eq(b.iter()),
            (Self::Map(a), Self::Map(b)) => a.iter().eq(b.iter()),
            _ => false,
        }
    }
}

impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("null"),
            Self::Bool(value) => value.fmt(f),
            Self::U64(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::TimestampNs(value) => write!(f, "{value} ns"),
            Self::Str(value) => fmt::Debug::fmt(value, f),
            Self::List(list) => f.debug_list().entries(list.iter()).finish(),
            Self::Struct(fields) => f.debug_map().entries(fields.iter()).finish(),
            Self::Map(map) => f.debug_map().entries(map.iter()).finish(),
            Self::Unsupported(data_type) => write!(f, "<{data_type}>"),
        }
    }
}
