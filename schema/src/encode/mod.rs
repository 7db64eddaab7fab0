//! Records and rows into Arrow batches. A builder is used again after each batch.

mod cgroupfs;
mod events;
pub(crate) mod rows;
mod runtime;

pub use cgroupfs::CgroupfsBuilder;
pub use events::EventsBuilder;
pub use rows::RowsBuilder;
pub use runtime::RuntimeBuilder;

use obit_derivation::Seq;
use obit_derivation::record::Body;

/// Declares the builder of one table; it gets its `append` beside it.
macro_rules! table_builder {
    ($(#[$doc:meta])* $name:ident, $table:expr) => {
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name {
            columns: Builders,
        }

        impl $name {
            /// Empty.
            pub fn new() -> Self {
                Self { columns: Builders::new() }
            }

            /// Rows gathered since the last batch.
            pub fn len(&self) -> usize {
                self.columns.rows()
            }

            /// Whether no row was gathered since the last batch.
            pub fn is_empty(&self) -> bool {
                self.len() == 0
            }

            /// The batch of what was gathered, which may be no row at all; the builder is empty afterwards.
            ///
            /// # Errors
            /// Arrow refuses the columns; that would be a fault of the builder.
            pub fn finish(&mut self) -> Result<RecordBatch, Error> {
                RecordBatch::try_new($table.schema(), self.columns.finish())
                    .map_err(|source| Error::Encode { table: $table.name(), source })
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new()
            }
        }
    };
}
use table_builder;

/// What a record says, and where it came first if it comes again.
fn carried<'r, 'a>(body: &'r Body<'a>) -> (Option<Seq>, &'r Body<'a>) {
    match body {
        Body::Carried(carried) => (Some(carried.from), &carried.body),
        body => (None, body),
    }
}
