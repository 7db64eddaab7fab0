//! Prints one line for each container that exits or is removed, as it happens.

use std::io::{self, Write};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::ValueEnum;
use obit_derivation::Row;
use obit_derivation::row::{Death, Identity};
use obit_filter::RowFilter;
use obit_schema::encode::RowsBuilder;
use obit_schema::text::printable;
use obit_schema::text::{json_lines, row_words, time};

use crate::pipeline::Progress;

/// The format of printed ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowFormat {
    /// A line for people
    Text,
    /// A JSON object a line: `event`, then the columns of that derived table
    Jsonl,
}

/// Longest time that the end of a recording waits for whoever reads the lines.
const PATIENCE: Duration = Duration::from_secs(2);

/// The thread that prints ends.
pub struct Follower {
    done: Receiver<Result<()>>,
}

impl Follower {
    /// Starts the thread, which prints the rows that the filter leaves. Each row that is printed or
    /// left out is counted.
    ///
    /// # Errors
    /// The thread cannot be started.
    pub fn start(
        ends: Receiver<Row>,
        format: FollowFormat,
        filter: RowFilter,
        progress: Arc<Progress>,
    ) -> Result<Self> {
        let (finished, done) = sync_channel(1);
        let follow = move || {
            let _ = finished.send(print(&ends, format, &filter, &progress));
        };
        thread::Builder::new().name("obit-follow".into()).spawn(follow).context("cannot start a thread")?;
        Ok(Self { done })
    }

    /// Waits until the last line is printed, or for some time if nobody reads it.
    ///
    /// # Errors
    /// A row cannot be printed.
    pub fn finish(self) -> Result<()> {
        match self.done.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => Ok(()),
            Err(RecvTimeoutError::Disconnected) => Err(anyhow!("the thread that prints ends has failed")),
        }
    }
}

/// Prints ends until there are no more. A closed standard output is no error: the recording goes
/// on.
fn print(ends: &Receiver<Row>, format: FollowFormat, filter: &RowFilter, progress: &Progress) -> Result<()> {
    let mut output = io::stdout().lock();
    while let Ok(row) = ends.recv() {
        if !filter.matches(&row) {
            progress.printed();
            continue;
        }
        let line = match format {
            FollowFormat::Text => text(&row),
            FollowFormat::Jsonl => json(&row)?,
        };
        let printed = writeln!(output, "{line}").and_then(|()| output.flush());
        progress.printed();
        if printed.is_err() {
            break;
        }
    }
    // Nobody waits for these lines any more: they do not count as missing.
    for _ in ends {
        progress.printed();
    }
    Ok(())
}

fn json(row: &Row) -> Result<String> {
    let mut builder = RowsBuilder::new();
    builder.append(row);
    let mut lines = Vec::new();
    for (table, batch) in builder.finish().context("cannot encode a row")? {
        lines.extend(format!("{{\"event\":\"{table}\",").into_bytes());
        let start = lines.len();
        json_lines::write(&batch, &mut lines).context("cannot write a row as JSON")?;
        // The object goes on where the first name stands.
        lines.remove(start);
    }
    // JSON is UTF-8, so this loses nothing.
    Ok(String::from_utf8_lossy(&lines).trim_end().to_owned())
}

/// Formats an exit or a removal as a line for people. Nothing else is followed.
fn text(row: &Row) -> String {
    let (Identity { runtime, container_id, container_name, image_name, pod_name, conflicts, .. }, ts) =
        (row.identity(), row.ts());
    let runtime = runtime.map_or("unknown runtime", |runtime| runtime.as_str());
    let mut line =
        format!("{} UTC {runtime} {}", time::to_millisecond(ts.0), printable(row_words::short_id(container_id)));
    for name in [container_name, image_name, pod_name].into_iter().flatten() {
        line.push(' ');
        line.push_str(&printable(name));
    }
    let flags = match row {
        Row::Exit(exit) => {
            line.push_str(" exited");
            push_lifetime(&mut line, exit.lifetime_ns, exit.created_seq.is_some());
            push_death(&mut line, &exit.death);
            [(exit.inferred, "inferred: the end of its init was not seen"), (exit.after_gap, AFTER_GAP)]
        }
        Row::Remove(removal) => {
            line.push_str(" removed");
            push_lifetime(&mut line, removal.lifetime_ns, removal.created_seq.is_some());
            push_death(&mut line, &removal.death);
            if let Some(actor) = &removal.removed_by {
                line.push_str(&format!(", removed by {}", printable(&row_words::task(actor))));
            }
            [(removal.inferred, "inferred: its removal was not seen"), (removal.after_gap, AFTER_GAP)]
        }
        Row::Create(_) | Row::Existing(_) | Row::Disagreement(_) => [(false, ""); 2],
    };
    for (_, flag) in flags.iter().chain(&[(!conflicts.is_empty(), "claims conflict")]).filter(|(set, _)| *set) {
        line.push_str(&format!(" [{flag}]"));
    }
    line
}

const AFTER_GAP: &str = "events were lost during its life";

fn push_lifetime(line: &mut String, lifetime_ns: Option<u64>, is_begun_here: bool) {
    match lifetime_ns {
        Some(lifetime_ns) => line.push_str(&format!(" after {}", time::duration(lifetime_ns))),
        None if is_begun_here => {}
        None => line.push_str(" (begun before the capture)"),
    }
}

fn push_death(line: &mut String, death: &Death) {
    let unknown = || "cause not known".to_owned();
    line.push_str(&format!(", {}", row_words::cause(death).unwrap_or_else(unknown)));
    for (lead, who) in [("killed by", row_words::killer(death)), ("ordered by", row_words::orderer(death))] {
        if let Some(who) = who {
            line.push_str(&format!(", {lead} {}", printable(&who)));
        }
    }
}
