//! The declaration of a table.

/// Declares a table: its columns in file order, each with its documentation, its type and whether it may be null.
macro_rules! table {
    ($name:literal { $($(#[doc = $doc:literal])+ $column:ident: $type:ident $null:ident,)+ }) => {
        #[allow(unused_imports)] // no table has a column of every type
        use $crate::column::{AncestorList, Bool, CgroupPathList, Column, ColumnType, Gathered, I32, I64, Nulls, PidList, SeqList, StepTimeList, Text, TextList, TextMap, Timestamp, U32, U64, View, Written};

        /// The columns, in file order.
        pub(crate) const COLUMNS: &[Column] = &[$(Column {
            name: stringify!($column),
            type_name: <$type as ColumnType>::NAME,
            data_type: <$type as ColumnType>::data_type,
            nullable: $crate::column::is_nullable!($null),
            doc: concat!($($doc, "\n"),+),
        },)+];

        /// One row to append.
        #[derive(Default)]
        pub(crate) struct Row<'a> {
            $(pub(crate) $column: Option<<$type as ColumnType>::Value<'a>>,)+
        }

        /// A builder for each column.
        #[derive(Debug)]
        pub(crate) struct Builders {
            rows: usize,
            nulls: Nulls,
            $($column: Gathered<$type>,)+
        }

        #[allow(dead_code)] // a table's rows are appended whole or cell by cell
        impl Builders {
            /// Empty.
            pub(crate) fn new() -> Self {
                Self { rows: 0, nulls: Nulls::default(), $($column: Gathered::new(),)+ }
            }

            /// Rows gathered so far.
            pub(crate) fn rows(&self) -> usize {
                self.rows
            }

            /// Appends a row.
            pub(crate) fn push(&mut self, row: Row<'_>) {
                $(if let Some(value) = row.$column {
                    self.$column.put(self.rows, value);
                })+
                self.rows += 1;
            }

            /// Appends a row that is all null until its cells are set.
            pub(crate) fn add(&mut self) -> NewRow<'_> {
                let row = self.rows;
                self.rows += 1;
                NewRow { columns: self, row }
            }

            /// The columns gathered, in file order; empty afterwards.
            pub(crate) fn finish(&mut self) -> Vec<arrow_array::ArrayRef> {
                let rows = std::mem::take(&mut self.rows);
                vec![$(self.$column.finish(rows, &mut self.nulls),)+]
            }
        }

        /// The last row of what is gathered. What is null in it costs nothing: see [`Gathered`].
        #[allow(dead_code)] // as above
        pub(crate) struct NewRow<'b> {
            columns: &'b mut Builders,
            row: usize,
        }

        #[allow(dead_code)] // as above
        impl NewRow<'_> {
            $(
                /// Sets a cell, which must not be set already.
                #[inline(always)] // of what is not there not more than a look is left
                pub(crate) fn $column(&mut self, value: Option<<$type as ColumnType>::Value<'_>>) {
                    if let Some(value) = value {
                        self.columns.$column.put(self.row, value);
                    }
                }
            )+
        }

        /// Each column of a batch as it was written, to compare rows with.
        #[derive(Debug)]
        #[allow(dead_code)] // rows of derived tables are compared, not records
        pub(crate) struct WrittenColumns {
            $($column: Written<$type>,)+
        }

        #[allow(dead_code)] // as above
        impl WrittenColumns {
            /// Finds the columns by name; `None` if one is not as this build writes it.
            pub(crate) fn of(batch: &arrow_array::RecordBatch) -> Option<Self> {
                let mut columns = COLUMNS.iter();
                Some(Self { $($column: Written::find($name, columns.next()?, batch)?,)+ })
            }

            /// Whether that row, which the batch must have, is this.
            pub(crate) fn has(&self, at: usize, row: &Row<'_>) -> bool {
                $(self.$column.has(at, row.$column))&&+
            }
        }

        /// A view of each column.
        #[derive(Debug)]
        #[allow(dead_code)] // some columns are for people and for other programs only
        pub(crate) struct Views {
            $(pub(crate) $column: View<$type>,)+
        }

        #[allow(dead_code)] // derived tables are read cell by cell
        impl Views {
            /// Finds the columns by name.
            pub(crate) fn new(batch: &arrow_array::RecordBatch) -> Result<Self, $crate::error::Error> {
                let mut columns = COLUMNS.iter();
                Ok(Self { $($column: match columns.next() {
                    Some(column) => View::find($name, column, batch)?,
                    None => return Err($crate::error::Error::ColumnMissing { table: $name, column: stringify!($column) }),
                },)+ })
            }
        }
    };
}
pub(crate) use table;

/// `required` or `optional` as a boolean.
macro_rules! is_nullable {
    (required) => {
        false
    };
    (optional) => {
        true
    };
}
pub(crate) use is_nullable;
