//! The page of a report: what it holds ([`contents`]), its columns ([`columns`]), and the HTML file
//! around them ([`page`]). `README.md` beside this file has the reasons.

pub mod columns;
pub mod contents;
mod gather;
pub mod page;

pub use gather::gather;
