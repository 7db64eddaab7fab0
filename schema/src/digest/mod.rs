//! The canonical digest of derived tables: over rows and their values, not over the bytes of
//! Parquet files.
//!
//! `docs/case-format.md` defines it, with a worked example, so that another program can compute
//! it. With `netstring(x)` = decimal length of `x` in bytes, `:`, `x`, `,` :
//!
//! - a row is, for each column that is not null, in byte order of the columns' names,
//!   `netstring(name) netstring(value)`;
//! - the digest of a table is SHA-256 over `netstring(table name)`, then `netstring(row)` for each
//!   row in file order;
//! - the digest of a case is SHA-256 over, for each derived table in byte order of their names,
//!   `netstring(table name) netstring(digest in lower-case hex)`; `container_exit` and
//!   `disagreement` are left out if they have no rows.
//!
//! Nulls are left out, so that a column which is added later changes no old digest.

mod row_text;
mod sha256;
mod table;

pub use sha256::{Digest, NotADigest};
pub use table::{TableDigest, TableDigests, case_digest};
