//! The command itself: looks, tries a real load of the BPF program, and prints.

use std::io::{self, Write};

use anyhow::{Context, Result};

use super::{CheckOptions, Item, examine, render_table};
use crate::Outcome;
use crate::cli::{CheckArgs, CheckFormat};
use crate::sources::kernel::probe::{Probe, ProbeOptions};

/// Ring buffer of the attempt: a power of two, and a page even where pages have 64 KiB.
const RING_BUFFER_BYTES: u32 = 1 << 20;

/// Runs the command.
///
/// # Errors
/// If the report cannot be written.
pub fn run(args: &CheckArgs) -> Result<Outcome> {
    let options = CheckOptions { output: args.output.clone(), btf: args.btf.clone(), ..CheckOptions::default() };
    let mut report = examine(&options);
    report.push(if report.can_capture() {
        load(&ProbeOptions { ring_buffer_bytes: RING_BUFFER_BYTES, btf: options.btf })
    } else {
        Item::missing("BPF load", "not tried: a check above failed")
    });
    let text = match args.format {
        CheckFormat::Table => render_table(&report),
        CheckFormat::Json => format!("{:#}\n", report.to_json()),
    };
    io::stdout().write_all(text.as_bytes()).context("cannot write the report to standard output")?;
    Ok(if report.can_capture() { Outcome::Complete } else { Outcome::NotHere })
}

/// Loads and attaches the program, and detaches it at once.
fn load(options: &ProbeOptions) -> Item {
    match Probe::attach(options) {
        Ok(probe) => Item::ok("BPF load", format!("loads and attaches ({})", probe.attach_type().as_str())),
        Err(error) => Item::failed("BPF load", "does not load or attach", format!("{:#}", anyhow::Error::new(error))),
    }
}
