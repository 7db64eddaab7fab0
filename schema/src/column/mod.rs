//! The columns that tables declare: their types, builders and readers.
//!
//! A list of columns is declared once, with [`columns!`]. The declaration gives the columns, their
//! builders and their readers, so that no two of them disagree about a column. Columns that several
//! tables have are declared once, as a group that each of these tables names.

mod ancestors;
mod builder;
mod cgroup_paths;
mod column_type;
mod declare;
mod elements;
mod lists;
mod map;
mod member;
mod nulls;
mod plain;
mod reader;
mod text;
mod types;

pub(crate) use ancestors::AncestorList;
pub(crate) use cgroup_paths::CgroupPathList;
pub(crate) use declare::{columns, is_nullable};
pub(crate) use lists::{PidList, SeqList, StepTimeList};
pub(crate) use map::{Pairs, TextMap};
pub use member::Column;
pub(crate) use member::Member;
pub(crate) use nulls::NullColumns;
pub(crate) use plain::{Bool, I32, I64, Timestamp, U32, U64};
pub(crate) use reader::ColumnReader;
pub(crate) use text::{Text, TextList, Texts};
pub(crate) use types::same_type;
pub use types::with_text_views;
