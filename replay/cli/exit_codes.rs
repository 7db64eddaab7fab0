//! What the exit codes mean.

/// The end of each command's help.
pub const EXIT_CODES: &str = "\
Exit codes:
  0  done; for verify and diff: the rows are the same
  1  verify and diff only: rows differ; for verify also: files were changed, or
     what was asked for is not proven
  2  the case, the input or the command line could not be used; standard error
     says what to do";
