//! One value of an Arrow array, whatever its type: for output, comparison and the digest.

use std::fmt;
use std::ops::Range;

use arrow::array::{
    Array, AsArray, BooleanArray, Int64Array, ListArray, MapArray, StringArray, StructArray, TimestampNanosecondArray,
    UInt32Array, UInt64Array,
};
use arrow::datatypes::{DataType, TimeUnit};

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
    /// Of a type that no table of this version has.
    Unsupported(&'a DataType),
}

/// The value in that row of an array; null past the end.
pub fn cell(array: &dyn Array, row: usize) -> Value<'_> {
    if row >= array.len() || array.is_null(row) {
        return Value::Null;
    }
    read(array, row).unwrap_or(Value::Unsupported(array.data_type()))
}

/// The value in a row that is there and not null; `None` of a type that no table has.
fn read(array: &dyn Array, row: usize) -> Option<Value<'_>> {
    let any = array.as_any();
    Some(match array.data_type() {
        DataType::Boolean => Value::Bool(any.downcast_ref::<BooleanArray>()?.value(row)),
        DataType::UInt32 => Value::U64(any.downcast_ref::<UInt32Array>()?.value(row).into()),
        DataType::UInt64 => Value::U64(any.downcast_ref::<UInt64Array>()?.value(row)),
        DataType::Int64 => Value::I64(any.downcast_ref::<Int64Array>()?.value(row)),
        DataType::Int32 => Value::I64(array.as_primitive_opt::<arrow::datatypes::Int32Type>()?.value(row).into()),
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Value::TimestampNs(any.downcast_ref::<TimestampNanosecondArray>()?.value(row))
        }
        DataType::Utf8 => Value::Str(any.downcast_ref::<StringArray>()?.value(row)),
        DataType::List(_) => {
            let list = any.downcast_ref::<ListArray>()?;
            Value::List(List { values: list.values(), range: Span::new(list.value_offsets(), row)? })
        }
        DataType::Struct(_) => Value::Struct(StructValue { array: any.downcast_ref::<StructArray>()?, row }),
        DataType::Map(..) => {
            let map = any.downcast_ref::<MapArray>()?;
            let range = Span::new(map.value_offsets(), row)?;
            Value::Map(MapValue { keys: map.keys(), values: map.values(), range })
        }
        _ => return None,
    })
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
    values: &'a dyn Array,
    range: Span,
}

impl<'a> List<'a> {
    /// The elements, in order.
    pub fn iter(self) -> impl ExactSizeIterator<Item = Value<'a>> + use<'a> {
        self.range.rows().map(move |row| cell(self.values, row))
    }

    /// How many there are.
    pub fn len(self) -> usize {
        self.range.rows().len()
    }

    /// Whether there are none.
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
    /// The fields with their names, in the order declared.
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
    keys: &'a dyn Array,
    values: &'a dyn Array,
    range: Span,
}

impl<'a> MapValue<'a> {
    /// The entries, in the order stored.
    pub fn iter(self) -> impl ExactSizeIterator<Item = (Value<'a>, Value<'a>)> + use<'a> {
        self.range.rows().map(move |row| (cell(self.keys, row), cell(self.values, row)))
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
