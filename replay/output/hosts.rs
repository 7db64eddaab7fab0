//! The hosts that rows of several cases come from, and how far their clocks may be trusted.

use obit_analysis::clock_quality::ClockQuality;
use obit_analysis::origin::RowOrigin;
use obit_case::Case;
use obit_schema::text::time;

use super::messages::say;

/// Characters of a machine id that tell hosts of one name apart.
const MACHINE_ID_CHARACTERS: usize = 8;

/// Returns the name of each case's host, with the beginning of its machine id where another host
/// has the same name.
pub fn host_names(origins: &[RowOrigin]) -> Vec<String> {
    let name = |origin: &RowOrigin| {
        let host = origin.host.as_deref().unwrap_or("-");
        let has_namesake =
            origins.iter().any(|other| other.host == origin.host && other.machine_id != origin.machine_id);
        if !has_namesake {
            return host.to_owned();
        }
        let machine: String = origin.machine_id.iter().flat_map(|id| id.chars()).take(MACHINE_ID_CHARACTERS).collect();
        format!("{host}/{machine}")
    };
    origins.iter().map(name).collect()
}

/// Says how far the clock of each host may be off: rows of several hosts are in their order.
pub fn say_clock_errors(cases: &[Case]) {
    let origins: Vec<_> = cases.iter().map(RowOrigin::of).collect();
    for (host, case) in host_names(&origins).iter().zip(cases) {
        say(&format!("{host}: {} ({})", clock_text(ClockQuality::of(case)), case.path().display()));
    }
}

/// Returns how far a clock may be trusted, in words.
pub fn clock_text(quality: ClockQuality) -> String {
    let error = match (quality.is_synchronized, quality.max_error_ns) {
        (Some(true), Some(error)) => {
            format!("wall clock kept by a reference, off by {} at most", time::duration(error))
        }
        (Some(true), None) => "wall clock kept by a reference".to_owned(),
        (Some(false), _) => "wall clock not kept by a reference: it may be off by any time".to_owned(),
        (None, _) => "the case does not tell how well the wall clock was kept".to_owned(),
    };
    match quality.greatest_step_ns {
        Some(step) => format!("{error}; somebody set it, by {} at most", time::duration(step)),
        None => error,
    }
}
