"""What the checks of all formats share: the program, rows, and the fields that docs/exports.md promises."""

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

EVENTS = ("container_create", "container_exit", "container_remove", "disagreement", "existing_container")
ORIGIN = ("host", "machine_id", "boot_id", "case_id")
TIMES = ("ts", "created_at", "started_at", "emptied_at", "exited_at", "value_at", "other_value_at")


def run(*command: str) -> bytes:
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: exit code {done.returncode}: {done.stderr.decode()}")
    return done.stdout


def export(program: str, case: str, name: str) -> bytes:
    return run(program, "export", case, "--to", name)


def export_lines(program: str, case: str, name: str) -> list[str]:
    """Returns the lines of an export, in which nothing may steer a terminal."""
    text = export(program, case, name).decode()
    for character in set(text) - {"\n"}:
        if unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp"):
            raise SystemExit(f"{case}: {name}: {character!r} stands in the output as it is")
    return text.split("\n")[:-1]


def rows(program: str, case: str) -> dict[str, list[dict]]:
    """Returns the derived rows, by table, each with its origin and without what is null."""
    tables = {}
    for event in EVENTS:
        names = [*ORIGIN, *json.loads(run(program, "schema", event))["properties"]]
        lines = run(program, "derive", case, "--event", event, "--format", "jsonl", "--columns", ",".join(names)).decode()
        found = (json.loads(line) for line in lines.splitlines())
        tables[event] = [{name: value for name, value in row.items() if value is not None} for row in found]
    return tables


def nanoseconds(text: str) -> int:
    """Returns a time of RFC 3339 with nine digits as nanoseconds since 1970."""
    from datetime import datetime, timezone

    seconds, fraction = re.fullmatch(r"(.*)\.(\d{9})Z", text).groups()
    whole = datetime.fromisoformat(seconds).replace(tzinfo=timezone.utc)
    return int(whole.timestamp()) * 1_000_000_000 + int(fraction)


def documented(name: str) -> dict[str, list[str]]:
    """Returns the fields that each column becomes, as docs/exports.md lists them; `*` stands for any other column."""
    document = (Path(__file__).parents[2] / "docs/exports.md").read_text(encoding="utf-8")
    table = document.split(f"<!-- fields: {name} -->\n")[1].split("<!-- end -->")[0]
    fields: dict[str, list[str]] = {}
    for line in table.splitlines()[2:]:
        column, field, _ = (cell.strip().strip("`") for cell in line.strip("|").split("|"))
        fields.setdefault(column, []).append(field)
    return fields


def fields_of(column: str, mapping: dict[str, list[str]]) -> list[str]:
    return mapping.get(column) or [mapping["*"][0].replace("COLUMN", column)]


class Findings:
    """Counts checks and keeps the first contradictions."""

    def __init__(self) -> None:
        self.checks, self.wrong = 0, []

    def equal(self, found, expected, where: str) -> None:
        self.checks += 1
        if found != expected and len(self.wrong) < 20:
            self.wrong.append(f"{where}: {found!r}, not {expected!r}")

    def true(self, holds: bool, where: str) -> None:
        self.equal(bool(holds), True, where)

    def end(self) -> int:
        print(f"{self.checks} checks")
        print("\n".join(self.wrong))
        return 1 if self.wrong or not self.checks else 0


def check_cases(check: Callable[[str, str, Findings], None]) -> int:
    """Checks each case that the command line names after the program, and returns the exit code."""
    program, *cases = sys.argv[1:]
    findings = Findings()
    for case in cases:
        check(program, case, findings)
    return findings.end()
