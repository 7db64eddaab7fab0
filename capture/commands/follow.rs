//! Prints one line for each container that ends, as it ends.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;

use anyhow::{Context, Result};
use clap::ValueEnum;
use obit_derivation::Row;
use obit_derivation::row::{Cause, ContainerRemove};
use obit_schema::encode::RowsBuilder;
use obit_schema::text::printable;
use obit_schema::text::{json_lines, time};

/// The format of printed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowFormat {
    /// A line for people
    Text,
    /// A JSON object a line, with the columns of derived/container_remove
    Jsonl,
}

/// Prints ends until there are no more. A closed standard output is no error: the recording goes
/// on.
pub fn run(ends: &Receiver<ContainerRemove>, format: FollowFormat) -> Result<()> {
    let mut output = io::stdout().lock();
    while let Ok(removal) = ends.recv() {
        let line = match format {
            FollowFormat::Text => text(&removal),
            FollowFormat::Jsonl => json(removal)?,
        };
        if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    // Empty the queue, or the sender would count these ends as not printed.
    for _ in ends {}
    Ok(())
}

fn json(removal: ContainerRemove) -> Result<String> {
    let mut builder = RowsBuilder::new();
    builder.append(&Row::Remove(removal));
    let mut lines = Vec::new();
    for (_, batch) in builder.finish().context("cannot encode a row")? {
        json_lines::write(&batch, &mut lines).context("cannot write a row as JSON")?;
    }
    // JSON is UTF-8, so this loses nothing.
    Ok(String::from_utf8_lossy(&lines).trim_end().to_owned())
}

/// Shortens an id of 64 digits to 12, as engines print it; returns any other as it is.
fn short(container_id: &str) -> &str {
    let is_digest = container_id.len() == 64 && container_id.bytes().all(|digit| digit.is_ascii_hexdigit());
    if is_digest { &container_id[..12] } else { container_id }
}

/// Formats an end as a line for people.
fn text(removal: &ContainerRemove) -> String {
    let identity = &removal.identity;
    let ended = time::to_millisecond(removal.ts.0);
    let runtime = identity.runtime.map_or("unknown runtime", |runtime| runtime.as_str());
    let mut line = format!("{ended} UTC {runtime} {}", printable(short(&identity.container_id)));
    for name in [&identity.container_name, &identity.image_name, &identity.pod_name].into_iter().flatten() {
        line.push(' ');
        line.push_str(&printable(name));
    }
    match removal.lifetime_ns {
        Some(lifetime_ns) => line.push_str(&format!(" after {}", time::duration(lifetime_ns))),
        None => line.push_str(" (begun before the capture)"),
    }
    if removal.death.cause != Cause::Unknown {
        line.push_str(&format!(", {}", removal.death.cause));
    }
    if let Some(code) = removal.death.exit_code {
        line.push_str(&format!(" {code}"));
    }
    if let Some(actor) = &removal.removed_by {
        line.push_str(&format!(", removed by {}[{}]", printable(&actor.comm), actor.pid));
    }
    let flags = [
        (removal.never_started == Some(true), "never started"),
        (removal.inferred, "inferred: its removal was not seen"),
        (removal.after_gap, "events were lost during its life"),
        (!identity.conflicts.is_empty(), "claims conflict"),
    ];
    for (_, flag) in flags.iter().filter(|(set, _)| *set) {
        line.push_str(&format!(" [{flag}]"));
    }
    line
}
