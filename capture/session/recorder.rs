//! The thread that writes the case.

use std::sync::Arc;
use std::sync::mpsc::Receiver;

use anyhow::{Context, Result};
use arrow::array::RecordBatch;
use obit_schema::manifest::{self, Manifest};
use obit_schema::print::time;
use obit_schema::tables::Table;
use obit_schema::writer::{CaseWriter, Summary};

use super::progress::Progress;
use crate::host::clock::ClockPair;

/// An order to the recorder.
#[derive(Debug)]
pub enum Order {
    /// Add these rows and bring them to disk.
    Append(Vec<(Table, RecordBatch)>),
    /// Seal everything; the capture ended at this moment.
    Close(ClockPair),
}

/// Writes until told to close. Without that order the case stays open, as after a crash.
pub fn run(mut writer: CaseWriter, orders: &Receiver<Order>, progress: &Arc<Progress>) -> Result<Option<Summary>> {
    while let Ok(order) = orders.recv() {
        match order {
            Order::Append(batches) => {
                for (table, batch) in &batches {
                    writer.append(*table, batch).with_context(|| format!("cannot record rows of {}", table.name()))?;
                }
                writer.sync().context("cannot bring the case to disk")?;
                progress.written(writer.bytes(), writer.manifest().parts.len() as u64);
            }
            Order::Close(at) => {
                let summary = writer.close(|manifest| end(manifest, at)).context("cannot close the case")?;
                progress.written(summary.bytes, summary.parts.len() as u64);
                return Ok(Some(summary));
            }
        }
    }
    Ok(None)
}

fn end(manifest: &mut Manifest, at: ClockPair) {
    manifest.ended_at = Some(time::rfc3339(at.wall.0));
    manifest.clocks.end = Some(pair(at));
}

/// The pair as the manifest keeps it.
pub fn pair(at: ClockPair) -> manifest::ClockPair {
    manifest::ClockPair { ts: at.wall, boot_ns: at.boot }
}
