//! `obit-capture check`: what would work on this host and what would not.
//!
//! [`examine`] only looks; [`run`] also tries a real load of the BPF program, and prints.

mod btf;
mod cgroups;
mod kernel;
mod opening;
mod privileges;
pub(crate) mod report;
mod runtimes;
mod space;
mod table;

use std::io::{self, Write};
use std::path::Path;

use anyhow::{Context, Result};

use self::report::{CheckFormat, CheckItem, CheckReport};
use crate::Outcome;
use crate::cli::CheckArgs;
use crate::host::hierarchies::Hierarchies;
use crate::sources::kernel::probe::{Probe, ProbeOptions};

/// Size of the ring buffer of the trial load: a power of two, and a multiple of the page size even
/// where pages have 64 KiB.
const RING_BUFFER_BYTES: u32 = 1 << 20;

/// Runs the command.
///
/// # Errors
/// The report cannot be written.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    let mut report = examine(&args.output, args.btf.as_deref());
    report.push(if report.can_capture() {
        load(&ProbeOptions { ring_buffer_bytes: RING_BUFFER_BYTES, btf: args.btf.clone() })
    } else {
        CheckItem::missing("BPF load", "not tried: a check above failed")
    });
    let text = match args.format {
        CheckFormat::Table => table::render(&report),
        CheckFormat::Json => format!("{:#}\n", report.to_json()),
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the report to standard output")?;
    Ok(if report.can_capture() { Outcome::Complete } else { Outcome::NotHere })
}

/// Looks at everything that a capture depends on. `output` is where a case would be written and
/// need not exist; `btf` is type information to use in place of the kernel's own.
fn examine(output: &Path, btf: Option<&Path>) -> CheckReport {
    let mut report = CheckReport::default();
    let hierarchies = Hierarchies::read();
    report.items.extend(kernel::examine(btf));
    report.items.extend(privileges::examine());
    report.push(opening::examine());
    report.items.extend(cgroups::examine(&hierarchies));
    report.items.extend(runtimes::examine(Path::new("/"), hierarchies.as_ref().ok()));
    report.push(space::examine(output));
    report
}

/// Loads and attaches the program, and detaches it at once.
fn load(options: &ProbeOptions) -> CheckItem {
    match Probe::attach(options) {
        Ok(probe) => CheckItem::ok("BPF load", format!("loads and attaches ({})", probe.attach_type().as_str())),
        Err(error) => {
            CheckItem::failed("BPF load", "does not load or attach", format!("{:#}", anyhow::Error::new(error)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::report::CheckStatus;
    use super::*;

    #[test]
    fn this_host_gets_a_report_in_which_every_shortcoming_has_an_advice() {
        let report = examine(Path::new("."), None);
        for expected in ["kernel", "BTF", "tracepoints", "CAP_BPF", "disk space", "docker", "cgroups"] {
            assert!(report.items.iter().any(|item| item.name == expected), "{expected} is missing: {report:#?}");
        }
        for item in &report.items {
            let needs_advice = matches!(item.status, CheckStatus::Warning | CheckStatus::Failed);
            assert_eq!(item.advice.is_some(), needs_advice, "{item:?}");
        }
    }
}
