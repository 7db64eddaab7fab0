//! raw/runtime: answers of container runtimes and contents of their files, one row for each
//! question.

use super::answer::Answer;
use super::declare::table;
use crate::column::{Text, Timestamp, U64};

table!(
    /// raw/runtime: answers of container runtimes and contents of their files, one row for each
    /// question.
    Runtime {
        /// Place in the total order of the case.
        seq: U64 required,
        /// Time of the answer, or of its failure, by the wall clock.
        ts: Timestamp required,
        /// Time of the answer, or of its failure, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        /// Source of the answer; see "Values of enums".
        source: Text required,
        /// The request, e.g. a file's path; escaped.
        request: Text required,
        /// Outcome of the question: `ok`, `not_found`, `timeout`, `refused`, `denied`, `invalid` or
        /// `dropped`. The columns after `container_id` mean something only with `ok`.
        outcome: Text required,
        /// Time from the question to the answer, in ns.
        latency_ns: U64 required,
        answer: Answer columns,
        /// The answer itself with secrets left out: no environment, no process arguments.
        document: Text optional,
        /// First `seq` of an answer of an earlier segment that comes again at the head of this one.
        /// `ts` and `boot_ns` are those of the first row, and `document` is left out.
        carried_from_seq: U64 optional,
    }
);
