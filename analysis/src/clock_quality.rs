//! The quality of a recording host's wall clock, by the readings that the case has of it.

use obit_case::Case;
use obit_schema::kind;
use obit_schema::value::{self, Value};

/// The quality of a host's wall clock during a capture.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ClockQuality {
    /// True if a reference such as NTP kept the clock whenever it was read; `None` if no reading
    /// tells.
    pub is_synchronized: Option<bool>,
    /// Greatest error that any reading allows, in nanoseconds.
    pub max_error_ns: Option<u64>,
    /// Greatest change that somebody made to the clock, either way, in nanoseconds.
    pub greatest_step_ns: Option<u64>,
}

impl ClockQuality {
    /// Reads the quality from the records of a case. What cannot be read tells nothing.
    pub fn of(case: &Case) -> Self {
        let mut quality = Self::default();
        for batch in case.clock_readings().filter_map(Result::ok) {
            let column = |name: &str| batch.column_by_name(name);
            for row in 0..batch.num_rows() {
                let cell = |name: &str| column(name).map_or(Value::Null, |array| value::cell(array.as_ref(), row));
                if cell("kind") != Value::Str(kind::CLOCK) {
                    continue;
                }
                if let Value::Bool(is_synchronized) = cell("clock_synchronized") {
                    quality.is_synchronized = Some(is_synchronized && quality.is_synchronized.unwrap_or(true));
                }
                if let Value::U64(error) = cell("clock_max_error_ns") {
                    quality.max_error_ns = quality.max_error_ns.max(Some(error));
                }
                if let (Value::I64(step), Value::Str("set")) = (cell("clock_step_ns"), cell("clock_reason")) {
                    quality.greatest_step_ns = quality.greatest_step_ns.max(Some(step.unsigned_abs()));
                }
            }
        }
        quality
    }
}
