//! The page of a report: its facts are those of `derive`, and a browser shows them.

mod browser;
mod data;
mod facts;
