//! Perfetto: a trace with a track for each container, to be opened at ui.perfetto.dev, alone or
//! over an ftrace or perf recording of the same host.

mod annotation;
mod proto;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};

use obit_case::Case;
use obit_schema::kind;
use obit_schema::text::shortened;
use obit_schema::value::{Cells, Value};
use prost::Message as _;

use super::encoder::RowEncoder;
use super::instant::{Instant, InstantFinder, InstantKind};
use super::mapping::{FieldMapping, maps, table_members};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;
use annotation::{annotations, text_annotation};
use proto::{
    CLOCK_BOOTTIME, CLOCK_REALTIME, ClockValue, DebugAnnotation, TraceClocks, TracePacket, TrackDescriptor, TrackEvent,
    TrackEventType,
};
use tracks::{TrackMap, number};

/// The columns that place an event; any other is an argument of the event of the row.
pub const MAPPINGS: &[FieldMapping] = &[maps("boot_ns", "timestamp", "Perfetto, TracePacket")];

/// Tag and type of `Trace.packet`, of which a trace is the repetition.
const PACKET_TAG: u8 = 1 << 3 | 2;

/// The sequence of all packets: they come from one writer.
const SEQUENCE: u32 = 1;

/// Writes packets of a trace.
#[derive(Default)]
pub struct PerfettoEncoder {
    boot: Option<Option<String>>,
    tracks: TrackMap,
    instants: InstantFinder,
    /// Lives whose slices have begun and not ended, by track: the record of their creation.
    open: HashMap<u64, Vec<Option<u64>>>,
    message: String,
    bytes: Vec<u8>,
}

impl RowEncoder for PerfettoEncoder {
    /// Writes how the clocks of a case go together.
    fn begin_case(&mut self, case: &Case, output: &mut dyn Write) -> io::Result<()> {
        let boot = super::RowOrigin::of(case).boot_id;
        if self.boot.get_or_insert_with(|| boot.clone()) != &boot {
            return Err(io::Error::other(
                "the cases are of different boots, whose clocks have nothing in common: export each into a trace of its own",
            ));
        }
        for batch in case.clock_readings().filter_map(Result::ok) {
            let column =
                |name: &str| batch.column_by_name(name).map_or(Cells::NULL, |array| Cells::new(array.as_ref()));
            let (kinds, times, boots) = (column("kind"), column("ts"), column("boot_ns"));
            for row in 0..batch.num_rows() {
                if let (Value::Str(kind::CLOCK), Value::TimestampNs(ts), Value::U64(boot_ns)) =
                    (kinds.value(row), times.value(row), boots.value(row))
                {
                    self.push_clocks(ts, boot_ns);
                }
            }
        }
        output.write_all(&self.bytes)?;
        self.bytes.clear();
        Ok(())
    }

    fn encode(&mut self, batch: &RowBatch<'_>, output: &mut dyn Write) -> io::Result<()> {
        let columns = table_members(batch, MAPPINGS, &["boot_ns"], "");
        let mut found = Vec::new();
        for row in batch.rows() {
            self.instants.find(&row, &mut found);
            self.push_row(&row, &found, &columns);
            output.write_all(&self.bytes)?;
            self.bytes.clear();
        }
        Ok(())
    }
}

impl PerfettoEncoder {
    fn push_row(&mut self, row: &ExportRow<'_>, found: &[Instant<'_>], columns: &[(String, Cells<'_>)]) {
        let mut new = Vec::new();
        let track = self.tracks.container(row, &mut new);
        self.push_tracks(new);
        for instant in found {
            let Some(at) = boot_time(row, instant.at) else { continue };
            match instant.kind {
                InstantKind::Created | InstantKind::FoundAlive if instant.is_of_row => self.begin(row, track, at),
                InstantKind::Exited | InstantKind::Removed if instant.is_of_row => self.end(row, track, at),
                _ => {}
            }
            write_sentence(row, instant, &mut self.message);
            let mut arguments: Vec<_> = text_annotation("message", Some(&self.message)).into_iter().collect();
            arguments.extend(text_annotation("order_step", instant.step));
            let mut flows = Vec::new();
            if instant.is_of_row {
                let origin = row.origin;
                for (name, text) in [
                    ("host", &origin.host),
                    ("machine_id", &origin.machine_id),
                    ("boot_id", &origin.boot_id),
                    ("case_id", &origin.case_id),
                ] {
                    arguments.extend(text_annotation(name, text.as_deref()));
                }
                arguments.extend(annotations(columns, row.index));
                if instant.kind == InstantKind::Exited {
                    flows.extend(self.push_killer(row, track, at));
                }
            }
            let name = instant.kind.title().trim_start_matches("Container ");
            let event = event(TrackEventType::Instant, track, Some(name), arguments);
            self.push_event(at, TrackEvent { terminating_flow_ids: flows, ..event });
        }
    }

    /// Begins the slice of a life, unless it has begun: each segment of a recording finds those
    /// that are alive.
    fn begin(&mut self, row: &ExportRow<'_>, track: u64, at: u64) {
        let open = self.open.entry(track).or_default();
        let is_known = row.created_seq().is_none() && !open.is_empty();
        if !is_known {
            open.push(row.created_seq());
            self.push_begin(row, track, at);
        }
    }

    fn push_begin(&mut self, row: &ExportRow<'_>, track: u64, at: u64) {
        let id = row.container_id();
        let arguments = [
            ("container_id", id),
            ("container_name", row.container_name()),
            ("image_name", row.image_name()),
            ("runtime", row.runtime()),
            ("pod_name", row.pod_name()),
            ("pod_namespace", row.pod_namespace()),
        ];
        let arguments = arguments.into_iter().filter_map(|(name, text)| text_annotation(name, text)).collect();
        let name = shortened(row.container_name().or(id).unwrap_or_default(), 120);
        self.push_event(at, event(TrackEventType::Begin, track, Some(&name), arguments));
    }

    /// Ends the slice of a life, if it has not ended. Of a life whose beginning was filtered out
    /// the slice begins where its lifetime says.
    fn end(&mut self, row: &ExportRow<'_>, track: u64, at: u64) {
        let is_exit = row.table == obit_schema::Table::ContainerExit;
        let open = self.open.entry(track).or_default();
        let same = open.iter().rposition(|created| *created == row.created_seq());
        // A segment that carried the creation over has another number for it.
        match same.or_else(|| open.len().checked_sub(1).filter(|_| is_exit)) {
            Some(place) => _ = open.remove(place),
            None => match row.lifetime_ns().and_then(|lifetime| at.checked_sub(lifetime)).filter(|_| is_exit) {
                Some(began) => self.push_begin(row, track, began),
                None => return,
            },
        }
        if self.open.get(&track).is_some_and(Vec::is_empty) {
            self.open.remove(&track);
        }
        let mut arguments: Vec<_> = text_annotation("cause", row.cause()).into_iter().collect();
        let number = |name: &str, value: Option<i64>| {
            let int_value = Some(value?);
            Some(DebugAnnotation { name: Some(name.to_owned()), int_value, ..DebugAnnotation::default() })
        };
        arguments.extend(number("exit_code", row.exit_code()));
        arguments.extend(number("exit_signal", row.exit_signal().and_then(|signal| i64::try_from(signal).ok())));
        self.push_event(at, event(TrackEventType::End, track, None, arguments));
    }

    /// Puts who ended a container beside it, on the track of the killer's container or of the host.
    /// Returns the flow from there to the end.
    fn push_killer(&mut self, row: &ExportRow<'_>, track: u64, at: u64) -> Option<u64> {
        let (pid, comm) = (row.killed_by_pid()?, row.killed_by_comm().unwrap_or_default());
        let mut new = Vec::new();
        let killer = match row.killed_by_container_id() {
            Some(id) => self.tracks.other(id, &mut new),
            None => self.tracks.host(&mut new),
        };
        self.push_tracks(new);
        let flow = number(&["flow", &track.to_string(), &row.seq().unwrap_or_default().to_string()]);
        let name = format!(
            "{}[{pid}] ends {}",
            shortened(comm, 120),
            shortened(row.container_name().or(row.container_id())?, 120)
        );
        let event = event(TrackEventType::Instant, killer, Some(&name), Vec::new());
        self.push_event(at, TrackEvent { flow_ids: vec![flow], ..event });
        Some(flow)
    }

    fn push_tracks(&mut self, tracks: Vec<TrackDescriptor>) {
        for track in tracks {
            self.push(&TracePacket { track_descriptor: Some(track), ..TracePacket::default() });
        }
    }

    fn push_clocks(&mut self, ts: i64, boot_ns: u64) {
        let Ok(ts) = u64::try_from(ts) else { return };
        let clock = |clock_id, timestamp| ClockValue { clock_id: Some(clock_id), timestamp: Some(timestamp) };
        let clocks = vec![clock(CLOCK_BOOTTIME, boot_ns), clock(CLOCK_REALTIME, ts)];
        let clock_snapshot = Some(TraceClocks { clocks, primary_trace_clock: Some(CLOCK_BOOTTIME) });
        self.push(&TracePacket { clock_snapshot, ..TracePacket::default() });
    }

    fn push_event(&mut self, at: u64, event: TrackEvent) {
        self.push(&TracePacket {
            timestamp: Some(at),
            timestamp_clock_id: Some(CLOCK_BOOTTIME),
            track_event: Some(event),
            ..TracePacket::default()
        });
    }

    fn push(&mut self, packet: &TracePacket) {
        let packet = TracePacket { trusted_packet_sequence_id: Some(SEQUENCE), ..packet.clone() };
        self.bytes.push(PACKET_TAG);
        prost::encoding::encode_varint(packet.encoded_len() as u64, &mut self.bytes);
        packet.encode_raw(&mut self.bytes);
    }
}

fn event(kind: TrackEventType, track: u64, name: Option<&str>, arguments: Vec<DebugAnnotation>) -> TrackEvent {
    TrackEvent {
        r#type: Some(kind as u32),
        track_uuid: Some(track),
        categories: vec!["container".to_owned()],
        name: name.map(str::to_owned),
        debug_annotations: arguments,
        ..TrackEvent::default()
    }
}

/// Returns a time of the wall clock as one of the boot clock, by the distance that both have at the
/// row; `None` before the boot.
fn boot_time(row: &ExportRow<'_>, at: i64) -> Option<u64> {
    let distance = i128::from(at) - i128::from(row.ts()?);
    u64::try_from(i128::from(row.boot_ns()?) + distance).ok()
}
