//! Text of a case, the same in both programs: names as they are kept, and values, rows and times as
//! they are printed.

mod cell;
mod compare;
mod escape;
pub mod json;
pub mod json_lines;
mod printable;
pub mod row_words;
mod size;
pub mod time;

pub use cell::Cell;
pub use compare::are_same;
pub(crate) use compare::is_same_text;
pub use escape::{escape, unescape};
pub use printable::{is_hazard, printable, shortened};
pub use size::size;
