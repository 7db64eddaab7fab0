//! Work that Ctrl-C ends, without the interpreter's lock.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::thread::{self, ThreadId};
use std::time::Duration;

use obit_analysis::Error;
use pyo3::types::PyAnyMethods as _;
use pyo3::{PyResult, Python};

use crate::errors::{OWN_FAULT, ObitError, exception};

/// Time between two looks at signals. Python's own handlers run at these looks.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Runs work on a thread of its own while this one looks at signals. After Ctrl-C the work goes on
/// to its end, unseen: it only reads.
pub fn run<T: Send + 'static>(py: Python<'_>, work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> PyResult<T> {
    let (sender, mut receiver) = sync_channel(1);
    let spawned = thread::Builder::new().name("obit".to_owned()).spawn(move || {
        let done = catch_unwind(AssertUnwindSafe(work));
        // Nobody waits any more after Ctrl-C.
        let _ = sender.send(done);
    });
    spawned.map_err(|why| ObitError::new_err(format!("cannot start a thread: {why}")))?;
    loop {
        let waited;
        (waited, receiver) = py.detach(move || (receiver.recv_timeout(LOOK_EVERY), receiver));
        match waited {
            Ok(Ok(done)) => return done.map_err(|error| exception(&error)),
            Ok(Err(_)) | Err(RecvTimeoutError::Disconnected) => {
                return Err(ObitError::new_err(OWN_FAULT));
            }
            Err(RecvTimeoutError::Timeout) => py.check_signals()?,
        }
    }
}

/// The thread on which a consumer asked for a stream. Signals are looked at on no other: one that
/// works for a thread which holds the interpreter's lock would wait for it forever.
#[derive(Clone, Copy, Debug)]
pub struct ConsumerThread(ThreadId);

impl ConsumerThread {
    /// Returns the thread that runs now.
    pub fn current() -> Self {
        Self(thread::current().id())
    }

    /// Returns true if this is the consumer's thread and a signal's handler raised an exception,
    /// Ctrl-C's for example. The interpreter raises it again once the consumer returns.
    pub fn is_interrupted(self) -> bool {
        if thread::current().id() != self.0 {
            return false;
        }
        let look = |py: Python<'_>| {
            let is_interrupted = py.check_signals().is_err();
            if is_interrupted {
                // What the consumer makes of an error of the stream is not KeyboardInterrupt.
                let _ = py.import("_thread").and_then(|module| module.call_method0("interrupt_main"));
            }
            is_interrupted
        };
        Python::try_attach(look).unwrap_or(false)
    }
}
