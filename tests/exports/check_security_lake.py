"""Reads the Parquet of a lake with DuckDB, and compares its events with the lines of the same export.

Usage: check_security_lake.py OBIT_REPLAY CASE...

check_ocsf.py compares these lines with rows, and with the schema of OCSF.
"""

import json
import sys
import tempfile
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import duckdb
from common import Findings, check_cases, export_lines, run

PARTITION = {"region": "eu-central-1", "accountId": "123456789012"}


def plain(value):
    """Returns a value of a table as JSON has it: what is null is left out."""
    match value:
        case dict():
            return {name: plain(member) for name, member in value.items() if member is not None}
        case list():
            return [plain(element) for element in value]
        case Decimal():
            return int(value)
    return value


def in_order(events: list[dict]) -> list[str]:
    return sorted(json.dumps(event, sort_keys=True) for event in events)


def check(program: str, case: str, findings: Findings) -> None:
    lines = [json.loads(line) for line in export_lines(program, case, "ocsf")]
    with tempfile.TemporaryDirectory() as scratch:
        lake = Path(scratch) / "lake"
        run(program, "export", case, "--to", "ocsf", "--security-lake", "/".join(PARTITION.values()), "--output", str(lake))
        found = []
        for path in sorted(lake.glob("**/*.parquet")):
            folder = dict(part.split("=") for part in path.parent.relative_to(lake).parts)
            day = folder.pop("eventDay")
            findings.equal(folder, PARTITION, f"{case}: {path}")
            table = duckdb.execute("SELECT * FROM read_parquet($1, hive_partitioning = false)", [str(path)])
            names = [column[0] for column in table.description]
            events = [plain(dict(zip(names, row))) for row in table.fetchall()]
            times = [event["time"] for event in events]
            findings.equal(times, sorted(times), f"{case}: order of {path.name}")
            days = {datetime.fromtimestamp(time // 1000, timezone.utc).strftime("%Y%m%d") for time in times}
            findings.equal(days, {day}, f"{case}: days of {path.name}")
            found += events
        findings.true(found or not lines, f"{case}: events")
        for event, line in zip(in_order(found), in_order(lines)):
            findings.equal(event, line, f"{case}: an event")
        findings.equal(len(found), len(lines), f"{case}: events")


if __name__ == "__main__":
    sys.exit(check_cases(check))
