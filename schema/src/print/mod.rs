//! Values and rows as text, the same from both programs.

pub mod cell;
pub mod json;
pub mod jsonl;
pub mod time;
