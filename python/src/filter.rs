//! Filters as Python gives them: names and values of the options that `obit-replay` has.

use std::fmt::Display;
use std::str::FromStr;

use obit_analysis::filter::{RowFilter, TimeArgument};
use obit_analysis::span::CaseSpan;
use obit_derivation::WallNs;
use obit_derivation::identity::Engine;
use obit_derivation::row::Cause;
use pyo3::PyResult;

use crate::errors::bad_argument;

/// Options of a filter, each with its values. A row must fit each option, and one value of it.
pub type FilterOptions = Vec<(String, Vec<String>)>;

/// Makes the filter of some options, for cases of this span.
pub fn row_filter(options: &FilterOptions, span: CaseSpan) -> PyResult<RowFilter> {
    let mut filter = RowFilter::default();
    for (option, values) in options {
        for value in values {
            add(&mut filter, option, value, span)?;
        }
    }
    Ok(filter)
}

/// Adds the value of an option to a filter.
fn add(filter: &mut RowFilter, option: &str, value: &str, span: CaseSpan) -> PyResult<()> {
    let identity = &mut filter.identity;
    match option {
        "container" => identity.containers.push(parsed(option, value)?),
        "name" => identity.names.push(parsed(option, value)?),
        "pod" => identity.pods.push(parsed(option, value)?),
        "namespace" => identity.namespaces.push(parsed(option, value)?),
        "image" => identity.images.push(parsed(option, value)?),
        "runtime" => identity.runtimes.push(known(option, value, Engine::from_name(value))?),
        "cause" => filter.causes.push(known(option, value, Cause::from_name(value))?),
        "exit_code" => filter.exit_codes.push(parsed(option, value)?),
        "killed_by" => filter.killers.push(parsed(option, value)?),
        "since" => filter.since = Some(moment(value, span)?),
        "until" => filter.until = Some(moment(value, span)?),
        "last" => match value.parse() {
            Ok(time @ TimeArgument::BeforeEnd(_)) => filter.since = Some(time.resolve(span)),
            _ => return Err(bad_argument(&format!("last={value}: give a duration, as 10m, 1h30m or 2d"))),
        },
        _ => {
            return Err(bad_argument(&format!(
                "no filter is named {option}; there are container, name, pod, namespace, image, runtime, cause, \
                 exit_code, killed_by, since, until, last"
            )));
        }
    }
    Ok(())
}

/// Parses a moment.
pub fn moment(text: &str, span: CaseSpan) -> PyResult<WallNs> {
    Ok(parsed::<TimeArgument>("the time", text)?.resolve(span))
}

fn parsed<T: FromStr>(option: &str, value: &str) -> PyResult<T>
where
    T::Err: Display,
{
    value.parse().map_err(|why| bad_argument(&format!("{option}={value}: {why}")))
}

fn known<T>(option: &str, value: &str, found: Option<T>) -> PyResult<T> {
    found.ok_or_else(|| bad_argument(&format!("{option}={value}: there is no such {option}")))
}
