//! JSON lines: one object a row, every column in the order of the schema.

use std::io::{self, Write};

use arrow::array::RecordBatch;
use serde::ser::{Serialize, SerializeMap, Serializer};

use super::cell::Cell;
use super::json;

/// Writes each row of the batch on a line of its own.
pub fn write(batch: &RecordBatch, output: &mut impl Write) -> io::Result<()> {
    for row in 0..batch.num_rows() {
        json::write(&Object { batch, row }, output)?;
        output.write_all(b"\n")?;
    }
    Ok(())
}

struct Object<'a> {
    batch: &'a RecordBatch,
    row: usize,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut object = serializer.serialize_map(Some(self.batch.num_columns()))?;
        for (field, column) in self.batch.schema_ref().fields().iter().zip(self.batch.columns()) {
            object.serialize_entry(field.name(), &Cell::new(column.as_ref(), self.row))?;
        }
        object.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, StringArray, UInt32Array};
    use std::sync::Arc;

    #[test]
    fn one_line_a_row_and_every_column_in_order() {
        let text: ArrayRef = Arc::new(StringArray::from(vec![Some("a\nb"), None]));
        let number: ArrayRef = Arc::new(UInt32Array::from(vec![None, Some(0)]));
        let batch =
            RecordBatch::try_from_iter_with_nullable([("z", text, true), ("a", number, true)]).expect("a batch");
        let mut output = Vec::new();
        write(&batch, &mut output).expect("a Vec takes all");
        let expected = "{\"z\":\"a\\nb\",\"a\":null}\n{\"z\":null,\"a\":0}\n";
        assert_eq!(String::from_utf8(output).expect("UTF-8"), expected);
    }
}
