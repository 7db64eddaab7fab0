//! A stream of rows, which Python programs take over by Arrow's C interface.

use std::collections::VecDeque;
use std::ffi::CStr;
use std::sync::{Mutex, PoisonError};

use arrow_array::RecordBatchReader as _;
use arrow_array::ffi::FFI_ArrowSchema;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_schema::{ArrowError, SchemaRef};
use obit_schema::text::json_lines;
use pyo3::types::{PyAnyMethods as _, PyCapsule};
use pyo3::{Bound, Py, PyAny, PyErr, PyResult, Python, pyclass, pymethods};

use crate::errors::{DamagedCase, ObitError, text};
use crate::readers::{MetProblems, RowsReader, StreamError};

/// Names of the capsules, by Arrow's PyCapsule interface.
const STREAM_CAPSULE: &CStr = c"arrow_array_stream";
const SCHEMA_CAPSULE: &CStr = c"arrow_schema";

/// Rows of one table in batches, made while they are read. It can be read once: by any library that
/// knows Arrow's C interface, or as dictionaries, one by one.
#[pyclass(module = "obit", name = "Stream")]
pub struct Stream {
    schema: SchemaRef,
    met: MetProblems,
    state: Mutex<StreamState>,
}

enum StreamState {
    Unread(Box<RowsReader>),
    /// Rows are given as dictionaries.
    Rows {
        reader: Box<RowsReader>,
        lines: VecDeque<String>,
    },
    Taken,
}

impl Stream {
    /// Makes a stream of what a reader reads.
    pub fn new(reader: RowsReader, met: MetProblems) -> Self {
        Self { schema: reader.schema(), met, state: Mutex::new(StreamState::Unread(Box::new(reader))) }
    }

    fn take(&self) -> PyResult<RowsReader> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match std::mem::replace(&mut *state, StreamState::Taken) {
            StreamState::Unread(reader) => Ok(reader.for_this_thread()),
            _ => Err(ObitError::new_err("this stream was read already, and can be read once: derive again")),
        }
    }

    /// Returns the next row as a line of JSON.
    fn next_line(&self) -> Result<Option<String>, LineError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let StreamState::Unread(_) = &*state
            && let StreamState::Unread(reader) = std::mem::replace(&mut *state, StreamState::Taken)
        {
            let reader = Box::new(reader.for_this_thread());
            *state = StreamState::Rows { reader, lines: VecDeque::new() };
        }
        let StreamState::Rows { reader, lines } = &mut *state else { return Err(LineError::Taken) };
        loop {
            if let Some(line) = lines.pop_front() {
                return Ok(Some(line));
            }
            let Some(batch) = reader.next() else { return Ok(None) };
            let batch = batch.map_err(LineError::Arrow)?;
            let mut bytes = Vec::new();
            json_lines::write(&batch, &mut bytes).map_err(|why| LineError::Arrow(ArrowError::from(why)))?;
            lines.extend(String::from_utf8_lossy(&bytes).lines().map(str::to_owned));
        }
    }
}

/// The reasons why there is no next row.
enum LineError {
    Taken,
    Arrow(ArrowError),
}

#[pymethods]
impl Stream {
    /// Hands the stream over as a capsule of Arrow's C interface.
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A hint only: a producer may give the schema that it has.
        drop(requested_schema);
        let stream = FFI_ArrowArrayStream::new(Box::new(py.detach(|| self.take())?));
        PyCapsule::new_with_value(py, stream, STREAM_CAPSULE)
    }

    /// Returns the schema as a capsule of Arrow's C interface. The stream stays unread.
    fn __arrow_c_schema__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyCapsule>> {
        let schema =
            FFI_ArrowSchema::try_from(self.schema.as_ref()).map_err(|error| ObitError::new_err(text(&error)))?;
        PyCapsule::new_with_value(py, schema, SCHEMA_CAPSULE)
    }

    /// Names of the columns, in their order.
    #[getter]
    fn column_names(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    /// The problems that were met, in words: all of them once the stream is read.
    #[getter]
    fn problems(&self) -> Vec<String> {
        self.met.list().into_iter().map(|problem| problem.text).collect()
    }

    fn __iter__(stream: Py<Self>) -> Py<Self> {
        stream
    }

    /// Returns the next row: a dictionary with what `derive --format jsonl` prints.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyAny>>> {
        match py.detach(|| self.next_line()) {
            Ok(Some(line)) => Ok(Some(py.import("json")?.call_method1("loads", (line,))?)),
            Ok(None) => Ok(None),
            Err(LineError::Taken) => {
                Err(ObitError::new_err("this stream was read already, and can be read once: derive again"))
            }
            Err(LineError::Arrow(error)) => {
                // Ctrl-C's exception, if that was the reason.
                py.check_signals()?;
                Err(stream_exception(&error))
            }
        }
    }
}

/// Makes the exception of a stream that ended early.
fn stream_exception(error: &ArrowError) -> PyErr {
    let own = match error {
        ArrowError::ExternalError(cause) => cause.downcast_ref::<StreamError>(),
        _ => None,
    };
    match own {
        Some(damaged @ StreamError::Damaged(_)) => DamagedCase::new_err(damaged.to_string()),
        _ => ObitError::new_err(text(error)),
    }
}
