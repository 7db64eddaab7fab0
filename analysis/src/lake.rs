//! Rows in the types that every engine of a data lake takes: times in microseconds, integers that
//! are signed.
//!
//! Spark, Iceberg and Delta refuse times in nanoseconds, or cut them silently, and know no unsigned
//! integers. Each time column here is followed by one named `…_ns`, the same time as a number of
//! nanoseconds since 1970, so nothing is lost.

use std::sync::Arc;

use arrow_array::cast::AsArray as _;
use arrow_array::types::{Int64Type, TimestampNanosecondType, UInt32Type, UInt64Type};
use arrow_array::{Array, ArrayRef, Int64Array, ListArray, RecordBatch, StructArray, TimestampMicrosecondArray};
use arrow_schema::{ArrowError, DataType, Field, FieldRef, Fields, Schema, SchemaRef, TimeUnit};

/// Nanoseconds of a microsecond.
const MICROSECOND_NS: i64 = 1_000;

/// Ending of the name of the column that holds a time in nanoseconds.
const NS_ENDING: &str = "_ns";

/// Returns the schema of a batch after [`lake_batch`].
pub fn lake_schema(schema: &Schema) -> SchemaRef {
    let mut fields = Vec::new();
    for field in schema.fields() {
        fields.push(lake_field(field));
        if is_time(field.data_type()) {
            let name = format!("{}{NS_ENDING}", field.name());
            fields.push(Arc::new(Field::new(name, DataType::Int64, field.is_nullable())));
        }
    }
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// Converts the columns of a batch. A time is rounded down to a microsecond.
///
/// # Errors
/// [`ArrowError::CastError`] if an unsigned number is greater than any signed one: a wrong id is
/// worse than none.
pub fn lake_batch(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let schema = batch.schema();
    let mut columns = Vec::new();
    for (field, column) in schema.fields().iter().zip(batch.columns()) {
        columns.push(lake_array(field.name(), column)?);
        if is_time(field.data_type()) {
            let ns = column.as_primitive::<TimestampNanosecondType>();
            columns.push(Arc::new(ns.reinterpret_cast::<Int64Type>()) as ArrayRef);
        }
    }
    RecordBatch::try_new(lake_schema(&schema), columns)
}

fn is_time(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Timestamp(TimeUnit::Nanosecond, _))
}

fn lake_field(field: &Field) -> FieldRef {
    Arc::new(field.clone().with_data_type(lake_type(field.data_type())))
}

fn lake_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::UInt32 | DataType::UInt64 => DataType::Int64,
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => DataType::Timestamp(TimeUnit::Microsecond, zone.clone()),
        DataType::List(element) => DataType::List(lake_field(element)),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(|field| lake_field(field)).collect::<Fields>()),
        other => other.clone(),
    }
}

fn lake_array(name: &str, array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match array.data_type() {
        DataType::UInt32 => Arc::new(array.as_primitive::<UInt32Type>().unary::<_, Int64Type>(i64::from)),
        DataType::UInt64 => {
            let signed = |value: u64| {
                i64::try_from(value).map_err(|_| {
                    ArrowError::CastError(format!("{name}: {value} is greater than any signed number of 64 bits"))
                })
            };
            Arc::new(array.as_primitive::<UInt64Type>().try_unary::<_, Int64Type, _>(signed)?) as ArrayRef
        }
        DataType::Timestamp(TimeUnit::Nanosecond, zone) => {
            let us: Int64Array =
                array.as_primitive::<TimestampNanosecondType>().unary(|ns| ns.div_euclid(MICROSECOND_NS));
            let us: TimestampMicrosecondArray = us.reinterpret_cast();
            Arc::new(us.with_timezone_opt(zone.clone()))
        }
        DataType::List(element) => {
            let list = array.as_list::<i32>();
            let values = lake_array(name, list.values())?;
            Arc::new(ListArray::try_new(lake_field(element), list.offsets().clone(), values, list.nulls().cloned())?)
        }
        DataType::Struct(fields) => {
            let members = array.as_struct();
            let columns = members.columns().iter().map(|column| lake_array(name, column)).collect::<Result<_, _>>()?;
            let fields: Fields = fields.iter().map(|field| lake_field(field)).collect();
            Arc::new(StructArray::try_new(fields, columns, members.nulls().cloned())?)
        }
        _ => Arc::clone(array),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::{TimestampNanosecondArray, UInt64Array};
    use obit_schema::Table;

    fn one_column(name: &str, column: ArrayRef) -> RecordBatch {
        RecordBatch::try_from_iter([(name, column)]).expect("a batch")
    }

    #[test]
    fn a_time_keeps_its_nanoseconds_beside_it() {
        let times = TimestampNanosecondArray::from(vec![1_999, -1]).with_timezone("UTC");
        let batch = lake_batch(&one_column("ts", Arc::new(times))).expect("small numbers");
        let us = batch.column(0).as_primitive::<arrow_array::types::TimestampMicrosecondType>();
        // Rounded down, also before 1970.
        assert_eq!(us.values().as_ref(), [1, -1]);
        assert_eq!(batch.schema().field(1).name(), "ts_ns");
        assert_eq!(batch.column(1).as_primitive::<Int64Type>().values().as_ref(), [1_999, -1]);
    }

    #[test]
    fn an_id_that_does_not_fit_is_an_error() {
        let fits = one_column("cgroup_id", Arc::new(UInt64Array::from(vec![i64::MAX as u64])));
        assert_eq!(lake_batch(&fits).expect("it fits").column(0).as_primitive::<Int64Type>().value(0), i64::MAX);
        let too_great = one_column("cgroup_id", Arc::new(UInt64Array::from(vec![1 << 63])));
        let error = lake_batch(&too_great).expect_err("a cast that would wrap").to_string();
        assert!(error.contains("cgroup_id") && error.contains("9223372036854775808"), "{error}");
    }

    #[test]
    fn no_table_keeps_a_type_that_lakes_refuse() {
        fn refused(data_type: &DataType) -> bool {
            match data_type {
                DataType::UInt32 | DataType::UInt64 | DataType::Timestamp(TimeUnit::Nanosecond, _) => true,
                DataType::List(element) | DataType::Map(element, _) => refused(element.data_type()),
                DataType::Struct(fields) => fields.iter().any(|field| refused(field.data_type())),
                _ => false,
            }
        }
        for table in Table::ALL {
            let exact = table.schema();
            let lake = lake_schema(&exact);
            assert!(lake.fields().len() > exact.fields().len(), "{table} has a time");
            assert_eq!(lake.fields().iter().find(|field| refused(field.data_type())), None, "{table}");
            let converted = lake_batch(&RecordBatch::new_empty(exact)).expect("no rows");
            assert_eq!(converted.schema(), lake, "{table}");
        }
    }
}
