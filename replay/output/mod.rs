//! Output: rows as a table for people, as JSON lines or CSV for programs, as Parquet for both; and
//! the texts that commands print.

pub mod activity;
pub mod attachments;
mod batch_writer;
mod cell_table;
pub mod columns;
pub mod containers;
mod csv;
pub mod destination;
pub mod differences;
pub mod evidence;
pub mod excerpt;
pub mod format;
pub mod hosts;
pub mod json;
mod jsonl;
pub mod messages;
mod pager;
mod parquet;
pub mod problems;
pub mod rows;
pub mod security_lake;
pub mod table;
pub mod terminal;
