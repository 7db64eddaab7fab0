//! Reading a case. Everything in it may be damaged or hostile: what can still be read is read, the rest is named.

mod batches;
mod bounds;
mod case;
mod filter;
mod hashing;
mod matching;
mod nulls;
mod part_file;
mod prefetch;
mod problem_log;
mod records;
mod scan;
mod sums;
mod thrift;

pub use batches::TableBatches;
pub use case::{Case, PartInfo, PartSource};
pub use filter::IdMatch;
pub(crate) use hashing::sha256;
pub use matching::RecordFilter;
pub use prefetch::ReadThreads;
pub use records::Records;
