//! The declaration of columns.

/// Declares a group of columns in file order: each with its documentation, its type and whether it
/// is `required` or `optional`. A member that is itself a group is marked `columns`.
macro_rules! columns {
    ($(#[doc = $about:literal])+ $group:ident {
        $($(#[doc = $doc:literal])* $name:ident: $type:ident $need:ident,)+
    }) => {
        $(#[doc = $about])+
        #[derive(Debug)]
        pub struct $group;

        /// The values of a row.
        #[derive(Default)]
        pub struct Row<'a> {
            $(pub $name: Option<<$type as $crate::column::Member>::Values<'a>>,)+
        }

        /// A builder for each column.
        #[derive(Debug)]
        pub struct Builders {
            $(pub $name: <$type as $crate::column::Member>::Builders,)+
        }

        /// A reader for each column.
        #[derive(Debug)]
        pub struct Readers {
            $(pub $name: <$type as $crate::column::Member>::Readers,)+
        }

        impl $crate::column::Member for $group {
            type Values<'a> = Row<'a>;
            type Builders = Builders;
            type Readers = Readers;

            fn declare(_: &'static str, _: bool, _: &'static str, columns: &mut Vec<$crate::column::Column>) {
                $(<$type>::declare(
                    stringify!($name),
                    $crate::column::is_nullable!($need),
                    concat!($($doc, "\n"),*),
                    columns,
                );)+
            }
            fn builders() -> Builders {
                Builders { $($name: <$type>::builders(),)+ }
            }
            fn put(builders: &mut Builders, row: usize, values: Row<'_>) {
                $(if let Some(value) = values.$name {
                    <$type>::put(&mut builders.$name, row, value);
                })+
            }
            fn finish(
                builders: &mut Builders,
                rows: usize,
                nulls: &mut $crate::column::NullColumns,
                arrays: &mut Vec<arrow_array::ArrayRef>,
            ) {
                $(<$type as $crate::column::Member>::finish(&mut builders.$name, rows, nulls, arrays);)+
            }
            fn find(
                _: &'static str,
                _: bool,
                table: &'static str,
                batch: &arrow_array::RecordBatch,
            ) -> Result<Readers, $crate::error::Error> {
                Ok(Readers {
                    $($name: <$type>::find(stringify!($name), $crate::column::is_nullable!($need), table, batch)?,)+
                })
            }
            fn matches(readers: &Readers, row: usize, values: Option<Row<'_>>) -> bool {
                let values = values.unwrap_or_default();
                $(<$type>::matches(&readers.$name, row, values.$name))&&+
            }
        }
    };
}
pub(crate) use columns;

/// Turns `required` or `optional` into a boolean.
macro_rules! is_nullable {
    (required) => {
        false
    };
    (optional) => {
        true
    };
    (columns) => {
        false
    };
}
pub(crate) use is_nullable;
