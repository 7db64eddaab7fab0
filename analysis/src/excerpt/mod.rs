//! Excerpts: a smaller case with the records that some containers' rows rest on, and the proof that
//! these records stand in the whole case.

mod check;
mod commitments;
mod disclosure;
mod extract;
mod selection;
mod text_columns;

pub use check::{ExcerptEvidence, check};
pub use disclosure::{DisclosedText, Disclosure, DisclosureCheck, MAX_BYTES as MAX_DISCLOSURE_BYTES};
pub use extract::{ExtractOptions, ExtractSummary, extract};
pub use selection::SelectionScope;
pub use text_columns::TextColumns;
