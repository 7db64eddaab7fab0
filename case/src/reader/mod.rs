//! Reads a case. Everything in it may be damaged or hostile: the reader takes what can be read and
//! names the rest as [`crate::Problem`]s.

mod batches;
mod bounds;
mod budget;
mod case;
mod filter;
mod folders;
mod footer;
mod hashing;
mod levels;
mod matching;
mod nulls;
mod part_file;
mod part_info;
mod prefetch;
mod records;
mod scan;
mod segments;
mod sums;
mod thrift;
mod unlisted;

pub use self::batches::TableBatches;
pub use self::case::Case;
pub use self::filter::IdMatch;
pub(crate) use self::hashing::sha256;
pub use self::matching::RecordFilter;
pub use self::part_info::{PartInfo, PartSource};
pub use self::records::Records;
pub use crate::threads::ReadThreads;
