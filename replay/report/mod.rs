//! The page of a report: what it holds ([`contents`]), its columns ([`columns`]), and the file
//! around them, HTML ([`page`]) or Markdown ([`markdown`]). `README.md` beside this file has the
//! reasons.

pub mod columns;
pub mod contents;
mod gather;
pub mod markdown;
pub mod page;

pub use gather::gather;
