//! Columns of nulls.

use std::any::TypeId;

use arrow_array::{Array, ArrayRef, new_null_array};

use super::column_type::ColumnType;

/// A column of nulls of each type: most columns of most batches are such, and share these.
#[derive(Debug, Default)]
pub struct NullColumns(Vec<(TypeId, ArrayRef)>);

impl NullColumns {
    /// Returns this many nulls of a type.
    pub(super) fn array<T: ColumnType>(&mut self, rows: usize) -> ArrayRef {
        let id = TypeId::of::<T>();
        let enough = self.0.iter().position(|(of, nulls)| *of == id && nulls.len() >= rows);
        if let Some((_, nulls)) = enough.and_then(|at| self.0.get(at)) {
            return nulls.slice(0, rows);
        }
        let nulls = new_null_array(&T::data_type(), rows.next_power_of_two());
        let first = nulls.slice(0, rows);
        self.0.retain(|(of, _)| *of != id);
        self.0.push((id, nulls));
        first
    }
}
