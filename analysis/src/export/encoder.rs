//! The interface of the formats.

use std::io::{self, Write};

use obit_case::Case;

use super::row::RowBatch;

/// Writes rows in one format. An encoder keeps no rows: what it holds does not grow with them.
pub trait RowEncoder {
    /// Writes what comes before the rows of a case.
    ///
    /// # Errors
    /// The output cannot be written.
    fn begin_case(&mut self, _case: &Case, _output: &mut dyn Write) -> io::Result<()> {
        Ok(())
    }

    /// Writes the rows of a batch.
    ///
    /// # Errors
    /// The output cannot be written.
    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()>;
}
