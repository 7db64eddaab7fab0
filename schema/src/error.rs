//! Errors between rows and Arrow batches. An error holds facts; its text says what failed, on what.

use arrow_schema::ArrowError;

use crate::text::printable;

/// An error between rows and Arrow batches.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A column has another type.
    #[error("column {column} of {table} is {}, not {expected}: another program wrote this file", printable(found))]
    ColumnType {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
        /// The type in the file.
        found: String,
        /// The type in a case.
        expected: &'static str,
    },
    /// A column that must be there is not.
    #[error("column {column} of {table} is missing: another program wrote this file")]
    ColumnMissing {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A column that must have a value in each row holds nulls.
    #[error("column {column} of {table} holds nulls, which it must not")]
    ColumnNull {
        /// The table.
        table: &'static str,
        /// The column.
        column: &'static str,
    },
    /// A row lacks a value that its kind must have.
    #[error("a row lacks {column}, which its kind must have")]
    ValueMissing {
        /// The column.
        column: &'static str,
    },
    /// A record was given to the builder of another table.
    #[error("record {seq} does not belong into {table}")]
    WrongTable {
        /// The table.
        table: &'static str,
        /// The record.
        seq: u64,
    },
    /// A derived table was asked for records.
    #[error("{table} holds derived rows, not records")]
    NotRaw {
        /// The table.
        table: &'static str,
    },
    /// Arrow refused the columns of a batch.
    #[error("cannot make a batch of {table}: {source}")]
    Encode {
        /// The table.
        table: &'static str,
        /// The reason.
        source: ArrowError,
    },
    /// A value of this type has no canonical text.
    #[error(
        "column {} has values of type {}, which the digest does not define",
        printable(column),
        printable(data_type)
    )]
    Digest {
        /// The column.
        column: String,
        /// The type.
        data_type: String,
    },
}
