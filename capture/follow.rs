//! One line for each container that ends, as it ends.

use std::io::{self, Write};
use std::sync::mpsc::Receiver;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, SecondsFormat};
use obit_derivation::Row;
use obit_derivation::row::ContainerRemove;
use obit_schema::encode::RowsBuilder;
use obit_schema::text::printable;

use crate::cli::FollowFormat;

/// Prints the ends among the rows until there are no more. A reader that went away is no error: the case goes on.
pub fn run(rows: &Receiver<Row>, format: FollowFormat) -> Result<()> {
    let mut output = io::stdout().lock();
    while let Ok(row) = rows.recv() {
        let Row::Remove(removal) = &row else { continue };
        let line = match format {
            FollowFormat::Text => text(removal),
            FollowFormat::Jsonl => json(&row)?,
        };
        if writeln!(output, "{line}").and_then(|()| output.flush()).is_err() {
            break;
        }
    }
    // The sender must not find the queue full because nobody prints any more.
    for _ in rows {}
    Ok(())
}

fn json(row: &Row) -> Result<String> {
    let mut builder = RowsBuilder::new();
    builder.append(row);
    let batches = builder.finish().context("cannot encode a row")?;
    let lines: Result<Vec<String>, _> =
        batches.iter().map(|(_, batch)| Ok::<_, anyhow::Error>(format!("{batch:?}"))).collect();
    Ok(lines.context("cannot write a row as JSON")?.join("\n"))
}

/// The end as a line for people.
fn text(removal: &ContainerRemove) -> String {
    let identity = &removal.identity;
    let ended = DateTime::from_timestamp_nanos(removal.ts.0).to_rfc3339_opts(SecondsFormat::Millis, true);
    let runtime = identity.runtime.map_or("unknown runtime", |runtime| runtime.as_str());
    let mut line = format!("{ended} {runtime} {}", printable(&identity.container_id));
    for name in [&identity.container_name, &identity.image_name, &identity.pod_name].into_iter().flatten() {
        line.push(' ');
        line.push_str(&printable(name));
    }
    match removal.lifetime_ns {
        Some(lifetime_ns) => line.push_str(&format!(" after {}", lifetime(Duration::from_nanos(lifetime_ns)))),
        None => line.push_str(" (begun before the capture)"),
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

/// A length of time in its two largest units.
fn lifetime(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{}ms", time.as_millis()),
        1..60 => format!("{seconds}.{:03}s", time.subsec_millis()),
        60..3600 => format!("{}m{}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h{}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d{}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lifetimes_show_two_units() {
        for (milliseconds, shown) in
            [(0, "0ms"), (999, "999ms"), (1_500, "1.500s"), (61_000, "1m1s"), (3_660_000, "1h1m"), (90_000_000, "1d1h")]
        {
            assert_eq!(lifetime(Duration::from_millis(milliseconds)), shown);
        }
    }
}
