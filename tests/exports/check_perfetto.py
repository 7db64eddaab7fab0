"""Parses traces with Perfetto's own protobuf definitions, and compares slices, instants and flows with rows.

Usage: check_perfetto.py OBIT_REPLAY CASE...

Perfetto's trace processor is a program that its package downloads, so it does not run here.
"""

import sys
import unicodedata
from collections import Counter
from pathlib import Path

import duckdb
from common import EVENTS, ORIGIN, Findings, check_cases, documented, export, fields_of, nanoseconds, rows
from google.protobuf.unknown_fields import UnknownFieldSet
from perfetto.protos.perfetto.trace.perfetto_trace_pb2 import BUILTIN_CLOCK_BOOTTIME, BUILTIN_CLOCK_REALTIME, Trace, TrackEvent

OWN = {
    "container_create": "Created",
    "container_exit": "Exited",
    "container_remove": "Removed",
    "existing_container": "Found Alive",
    "disagreement": "End Disputed",
}


def plain(annotation):
    """Returns the value of an argument as Python has it."""
    if annotation.array_values:
        return [plain(element) for element in annotation.array_values]
    return getattr(annotation, annotation.WhichOneof("value"))


def arguments(event) -> dict:
    return {argument.name: plain(argument) for argument in event.debug_annotations}


def check(program: str, case: str, findings: Findings) -> None:
    trace = Trace.FromString(export(program, case, "perfetto"))
    tracks, events, clocks = {}, [], []
    for packet in trace.packet:
        findings.true(packet.trusted_packet_sequence_id, f"{case}: a sequence")
        for message in (packet, packet.track_event, packet.track_descriptor, packet.clock_snapshot):
            findings.equal(len(UnknownFieldSet(message)), 0, f"{case}: unknown fields")
        if packet.HasField("track_descriptor"):
            track = packet.track_descriptor
            findings.true(track.uuid not in tracks, f"{case}: a track described once")
            findings.true(not track.parent_uuid or track.parent_uuid in tracks, f"{case}: a parent before {track.name!r}")
            findings.true(all(unicodedata.category(letter) not in ("Cc", "Cf") for letter in track.name), f"{case}: {track.name!r}")
            tracks[track.uuid] = track
        elif packet.HasField("clock_snapshot"):
            read = {clock.clock_id: clock.timestamp for clock in packet.clock_snapshot.clocks}
            clocks.append((read[BUILTIN_CLOCK_BOOTTIME], read[BUILTIN_CLOCK_REALTIME]))
        else:
            findings.equal(packet.timestamp_clock_id, BUILTIN_CLOCK_BOOTTIME, f"{case}: clock of an event")
            findings.true(packet.track_event.track_uuid in tracks, f"{case}: a track before its events")
            events.append(packet)

    # Clocks are those of the log, read by another program, whose times have microseconds.
    files = [str(path) for path in sorted(Path(case).glob("raw/**/events-*.parquet"))]
    if files and not list(Path(case).glob("journal/events-*")):
        query = "SELECT boot_ns, epoch_us(ts) FROM read_parquet($1) WHERE kind = 'clock' ORDER BY seq"
        findings.equal([(boot, wall // 1000) for boot, wall in clocks], duckdb.execute(query, [files]).fetchall(), f"{case}: clock snapshots")

    tables = rows(program, case)
    lives = Counter(row["container_id"] for row in tables["container_create"])
    # Slices: on each track they begin before they end.
    open_slices, ended = Counter(), Counter()
    for packet in sorted(events, key=lambda packet: packet.timestamp):
        event = packet.track_event
        if event.type == TrackEvent.TYPE_SLICE_BEGIN:
            findings.true(arguments(event).get("container_id"), f"{case}: a slice has its container")
            open_slices[event.track_uuid] += 1
        elif event.type == TrackEvent.TYPE_SLICE_END:
            open_slices[event.track_uuid] -= 1
            ended[event.track_uuid] += 1
            findings.true(open_slices[event.track_uuid] >= 0, f"{case}: a slice ends after it began")
    begun = Counter(arguments(packet.track_event)["container_id"] for packet in events if packet.track_event.type == TrackEvent.TYPE_SLICE_BEGIN)
    for id, count in lives.items():
        findings.true(begun[id] >= count, f"{case}: a slice for each of {count} lives of {id}")
    removed_alone = 0
    exits = {(row["container_id"], row.get("created_seq")) for row in tables["container_exit"]}
    for row in tables["container_remove"]:
        removed_alone += (row["container_id"], row.get("created_seq")) not in exits
    findings.true(ended.total() <= len(tables["container_exit"]) + removed_alone, f"{case}: {ended.total()} slices end")

    # Flows: each comes from a killer, and ends at an exit.
    starts = Counter(flow for packet in events for flow in packet.track_event.flow_ids)
    ends = Counter(flow for packet in events for flow in packet.track_event.terminating_flow_ids)
    findings.equal(starts, ends, f"{case}: flows")
    findings.equal(starts.total(), sum("killed_by_pid" in row for row in tables["container_exit"]), f"{case}: flows from killers")

    mapping = documented("perfetto")
    for table in EVENTS:
        own = [p for p in events if p.track_event.name == OWN[table] and "seq" in arguments(p.track_event)]
        findings.equal(len(own), len(tables[table]), f"{case}: instants of {table}")
        for row, packet in zip(tables[table], own):
            found = arguments(packet.track_event)
            where = f"{case}: {table} {row['seq']}"
            for column, value in row.items():
                if column == "labels":
                    value = [f"{key}={label}" for key, label in value.items()]
                for field in fields_of(column, mapping):
                    if field == "timestamp":
                        findings.equal(packet.timestamp, value, f"{where}: timestamp")
                    elif value != []:
                        findings.equal(found.get(field.removeprefix("debug.")), value, f"{where}: {field}")
            findings.true(all(name in found for name in ORIGIN if name in row), f"{where}: origin")
            # Steps of the order lie as far from the row as by the wall clock.
            track = packet.track_event.track_uuid
            for at in row.get("requested_at", []):
                boot = row["boot_ns"] + nanoseconds(at) - nanoseconds(row["ts"])
                same = [p for p in events if p.track_event.track_uuid == track and p.track_event.name == "End Ordered" and p.timestamp == boot]
                findings.true(boot < 0 or same, f"{where}: a step of the order at {at}")


if __name__ == "__main__":
    sys.exit(check_cases(check))
