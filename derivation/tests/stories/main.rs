//! The fold, told as short stories: a log, record by record, and the rows that come of it.

mod kit;

mod death;
mod disagreement;
mod hostile;
mod lives;
mod losses;
mod names;
mod processes;
mod reuse;
mod segments;
mod sources;
mod usage;
