//! Perfetto: a trace with a track for each container, to be opened at ui.perfetto.dev, alone or
//! over an ftrace or perf recording of the same host.

mod arguments;
mod proto;
mod tracks;

use std::collections::HashMap;
use std::io::{self, Write};

use obit_case::Case;
use obit_schema::kind;
use obit_schema::text::shortened;
use obit_schema::value::{Cells, Value};
use prost::Message as _;
use prost::encoding::{WireType, encode_key, encode_varint, encoded_len_varint};

use super::encoder::RowEncoder;
use super::instant::{Instant, InstantFinder, InstantKind};
use super::mapping::{FieldMapping, maps, table_members};
use super::row::{ExportRow, RowBatch};
use super::sentence::write_sentence;
use arguments::EventArguments;
use proto::{
    CLOCK_BOOTTIME, CLOCK_REALTIME, ClockValue, TraceClocks, TracePacket, TrackDescriptor, TrackEvent, TrackEventType,
};
use tracks::{TrackMap, number};

/// The columns that place an event; any other is an argument of the event of the row.
pub const MAPPINGS: &[FieldMapping] = &[maps("boot_ns", "timestamp", "Perfetto, TracePacket")];

/// Tag and type of `Trace.packet`, of which a trace is the repetition.
const PACKET_TAG: u8 = 1 << 3 | 2;

/// Field of a packet that its event is.
const TRACK_EVENT: u32 = 11;

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
    arguments: EventArguments,
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
        let mut columns = table_members(batch, MAPPINGS, &["boot_ns"], "");
        columns.retain(|(_, cells)| !cells.are_null());
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
            // First, as the killer's event is one of its own.
            let is_exit = instant.is_of_row && instant.kind == InstantKind::Exited;
            let flow = if is_exit { self.push_killer(row, track, at) } else { None };
            self.arguments.push_text("message", Some(&self.message));
            self.arguments.push_text("order_step", instant.step);
            if instant.is_of_row {
                let origin = row.origin;
                for (name, text) in [
                    ("host", &origin.host),
                    ("machine_id", &origin.machine_id),
                    ("boot_id", &origin.boot_id),
                    ("case_id", &origin.case_id),
                ] {
                    self.arguments.push_text(name, text.as_deref());
                }
                self.arguments.push_columns(columns, row.index);
            }
            let name = instant.kind.title().trim_start_matches("Container ");
            let event = event(TrackEventType::Instant, track, Some(name));
            self.push_event(at, &TrackEvent { terminating_flow_ids: flow.into_iter().collect(), ..event });
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
        for (name, text) in [
            ("container_id", id),
            ("container_name", row.container_name()),
            ("image_name", row.image_name()),
            ("runtime", row.runtime()),
            ("pod_name", row.pod_name()),
            ("pod_namespace", row.pod_namespace()),
        ] {
            self.arguments.push_text(name, text);
        }
        let name = shortened(row.container_name().or(id).unwrap_or_default(), 120);
        self.push_event(at, &event(TrackEventType::Begin, track, Some(&name)));
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
        self.arguments.push_text("cause", row.cause());
        self.arguments.push("exit_code", row.exit_code().map_or(Value::Null, Value::I64));
        let signal = row.exit_signal().and_then(|signal| i64::try_from(signal).ok());
        self.arguments.push("exit_signal", signal.map_or(Value::Null, Value::I64));
        self.push_event(at, &event(TrackEventType::End, track, None));
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
        let event = event(TrackEventType::Instant, killer, Some(&name));
        self.push_event(at, &TrackEvent { flow_ids: vec![flow], ..event });
        Some(flow)
    }

    fn push_tracks(&mut self, tracks: Vec<TrackDescriptor>) {
        for track in tracks {
            self.push_packet(TracePacket { track_descriptor: Some(track), ..TracePacket::default() });
        }
    }

    fn push_clocks(&mut self, ts: i64, boot_ns: u64) {
        let Ok(ts) = u64::try_from(ts) else { return };
        let clock = |clock_id, timestamp| ClockValue { clock_id: Some(clock_id), timestamp: Some(timestamp) };
        let clocks = vec![clock(CLOCK_BOOTTIME, boot_ns), clock(CLOCK_REALTIME, ts)];
        let clock_snapshot = Some(TraceClocks { clocks, primary_trace_clock: Some(CLOCK_BOOTTIME) });
        self.push_packet(TracePacket { clock_snapshot, ..TracePacket::default() });
    }

    /// Appends an event with the arguments collected for it, and forgets these.
    fn push_event(&mut self, at: u64, event: &TrackEvent) {
        let packet = TracePacket {
            timestamp: Some(at),
            timestamp_clock_id: Some(CLOCK_BOOTTIME),
            trusted_packet_sequence_id: Some(SEQUENCE),
            ..TracePacket::default()
        };
        let event_len = (event.encoded_len() + self.arguments.fields().len()) as u64;
        let packet_len = packet.encoded_len() as u64 + 1 + encoded_len_varint(event_len) as u64 + event_len;
        self.bytes.push(PACKET_TAG);
        encode_varint(packet_len, &mut self.bytes);
        packet.encode_raw(&mut self.bytes);
        encode_key(TRACK_EVENT, WireType::LengthDelimited, &mut self.bytes);
        encode_varint(event_len, &mut self.bytes);
        event.encode_raw(&mut self.bytes);
        self.bytes.extend_from_slice(self.arguments.fields());
        self.arguments.clear();
    }

    fn push_packet(&mut self, packet: TracePacket) {
        let packet = TracePacket { trusted_packet_sequence_id: Some(SEQUENCE), ..packet };
        self.bytes.push(PACKET_TAG);
        encode_varint(packet.encoded_len() as u64, &mut self.bytes);
        packet.encode_raw(&mut self.bytes);
    }
}

fn event(kind: TrackEventType, track: u64, name: Option<&str>) -> TrackEvent {
    TrackEvent {
        r#type: Some(kind as u32),
        track_uuid: Some(track),
        categories: vec!["container".to_owned()],
        name: name.map(str::to_owned),
        ..TrackEvent::default()
    }
}

/// Returns a time of the wall clock as one of the boot clock, by the distance that both have at the
/// row; `None` before the boot.
fn boot_time(row: &ExportRow<'_>, at: i64) -> Option<u64> {
    let distance = i128::from(at) - i128::from(row.ts()?);
    u64::try_from(i128::from(row.boot_ns()?) + distance).ok()
}
