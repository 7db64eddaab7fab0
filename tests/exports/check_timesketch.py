"""Gives exports to Timesketch's own importer and to the functions by which its server reads a file.

Usage: check_timesketch.py OBIT_REPLAY CASE...

The server's functions are those of the package `timesketch`; no server runs. Each row must come back whole, and each instant
that a row knows must be one event at that time.
"""

import io
import json
import sys
from collections import Counter

from common import Findings, check_cases, documented, export_lines, fields_of, nanoseconds, rows
from timesketch.lib import utils as server
from timesketch_import_client.importer import ImportStreamer

INSTANTS = {"created_at": "created", "started_at": "started", "emptied_at": "emptied", "exited_at": "exited"}
OWN = {
    "container_create": "created",
    "container_exit": "exited",
    "container_remove": "removed",
    "existing_container": "found_alive",
    "disagreement": "disputed",
}


def expected_instants(tables: dict[str, list[dict]]) -> Counter:
    """Returns the instants that rows know, by container, kind and time."""
    instants = set()
    disputed = Counter()
    for table, found in tables.items():
        for row in found:
            id = row["container_id"]
            if table == "disagreement":
                disputed[(id, "disputed", nanoseconds(row["ts"]))] += 1
                continue
            instants.add((id, OWN[table], nanoseconds(row["ts"])))
            for column, kind in INSTANTS.items():
                if column in row and not (table == "container_exit" and column == "exited_at"):
                    instants.add((id, kind, nanoseconds(row[column])))
            if row.get("oom_killed") and "exited_at" in row:
                instants.add((id, "oom_killed", nanoseconds(row["exited_at"])))
            for place, at in enumerate(row.get("requested_at", [])):
                instants.add((id, f"order_step {place}", nanoseconds(at)))
    counted = Counter((id, kind.split(" ")[0], at) for id, kind, at in instants)
    return counted + disputed


def check(program: str, case: str, findings: Findings) -> None:
    lines = export_lines(program, case, "timesketch")
    events = [json.loads(line) for line in lines]
    tables = rows(program, case)
    kind = lambda event: event["data_type"].removeprefix("obit:container:")  # noqa: E731
    found = Counter((event["container_id"], kind(event), event["timestamp_ns"]) for event in events)
    findings.equal(found, expected_instants(tables), f"{case}: instants")

    # The server reads a file of these lines.
    read = list(server.read_and_validate_jsonl(io.StringIO("".join(line + "\n" for line in lines))))
    findings.equal(len(read), len(lines), f"{case}: events that the server reads")
    for event, seen in zip(events, read):
        findings.equal(nanoseconds(event["datetime"]), event["timestamp_ns"], f"{case}: datetime")
        # Its microseconds come by way of a float.
        findings.true(abs(seen["timestamp"] - event["timestamp_ns"] // 1000) <= 1, f"{case}: {seen['timestamp']} of the server")
        findings.equal(seen["tag"], event["tag"], f"{case}: tags")

    # The importer makes of them what it would send.
    streamer = ImportStreamer()
    for event in events:
        sent = dict(event)
        streamer._fix_dict(sent)
        time = sent.pop("datetime")
        findings.equal(time[:26], event["datetime"][:26], f"{case}: datetime of the importer")
        findings.equal(sent, {name: value for name, value in event.items() if name != "datetime"}, f"{case}: the importer")

    mapping = documented("timesketch")
    own = {}
    for event in events:
        if kind(event) == OWN[event["obit_table"]]:
            own.setdefault(event["obit_table"], []).append(event)
    for table, expected in tables.items():
        for row in expected:
            same = [one for one in own.get(table, []) if (one["seq"], one["container_id"]) == (row["seq"], row["container_id"])]
            findings.true(len(same) >= 1, f"{case}: an event of {table} {row['seq']} {row['container_id']}")
            if len(same) != 1:
                continue
            for column, value in row.items():
                if column == "labels":
                    value = [f"{key}={label}" for key, label in value.items()]
                for field in fields_of(column, mapping):
                    findings.equal(same[0].get(field), value, f"{case}: {table} {row['seq']} {column}")


if __name__ == "__main__":
    sys.exit(check_cases(check))
