//! raw/runtime: what container runtimes and their files said, a row for each question.

use super::answer::Answer;
use super::declare::table;
use crate::column::{Text, Timestamp, U64};

table!(
    /// raw/runtime: what container runtimes and their files said, a row for each question.
    Runtime {
        /// Place in the total order of the case.
        seq: U64 required,
        /// When the answer (or its failure) was there, by the wall clock.
        ts: Timestamp required,
        /// The same moment, ns of CLOCK_BOOTTIME.
        boot_ns: U64 required,
        /// Who is speaking: `docker`, `containerd`, `cri`, `podman`, `oci_state` or `oci_bundle`.
        source: Text required,
        /// What was asked or read, e.g. a file's path; escaped.
        request: Text required,
        /// How it went: `ok`, `not_found`, `timeout`, `refused`, `denied`, `invalid` or `dropped`. The columns after
        /// `container_id` mean something only with `ok`.
        outcome: Text required,
        /// How long the answer took, in ns.
        latency_ns: U64 required,
        answer: Answer columns,
        /// The answer itself with secrets left out: no environment, no process arguments.
        document: Text optional,
        /// Of an answer of an earlier segment that comes again at the head of this one: its place then. `ts` and `boot_ns` are of
        /// then, and `document` is left out.
        carried_from_seq: U64 optional,
    }
);
