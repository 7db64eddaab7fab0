//! The fold.
/// The fold.
#[derive(Debug, Default)]
pub struct Fold;
