//! The declaration of a table.

use arrow_array::RecordBatch;

use super::table::Table;
use crate::column::Member;
use crate::error::Error;

/// The columns of a whole table.
pub trait TableColumns: Member {
    /// The table.
    const TABLE: Table;

    /// Finds the columns in a batch.
    ///
    /// # Errors
    /// A column is missing, of another type, or null although it must not be.
    fn read(batch: &RecordBatch) -> Result<Self::Readers, Error> {
        Self::find("", false, Self::TABLE.name(), batch)
    }
}

/// Declares the columns of a table as [`columns!`] does. The name is that of the table.
macro_rules! table {
    ($(#[doc = $about:literal])+ $table:ident $columns:tt) => {
        $crate::column::columns!($(#[doc = $about])+ $table $columns);

        impl $crate::tables::declare::TableColumns for $table {
            const TABLE: $crate::tables::table::Table = $crate::tables::table::Table::$table;
        }
    };
}
pub(crate) use table;
