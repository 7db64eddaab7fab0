"""Compares the rows that each filter of `obit-replay derive` leaves with those of a WHERE of DuckDB, byte by byte.

Usage: filters.py OBIT_REPLAY CASE...

The rows of a case are written as JSON lines without a filter, and DuckDB chooses among these lines. What it is asked for
comes from the values of the case. Ends with 1 and a line for each filter that leaves other rows.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

EVENTS = ("container_create", "container_exit", "container_remove", "disagreement", "existing_container")

# Columns that decide, as DuckDB is to read them; times as text, since DuckDB's have microseconds only.
COLUMNS = {
    name: "VARCHAR"
    for name in "runtime container_id ts container_name pod_name pod_namespace pod_uid containerd_namespace image_name image_id "
    "image_digest cause killed_by_comm".split()
} | {"exit_code": "INTEGER", "killed_by_pid": "UINTEGER", "lifetime_ns": "UBIGINT", "killed_by_argv": "VARCHAR[]"}

OF_ENDS = {"cause", "exit_code", "killed_by_comm", "killed_by_pid"}

# An image's reference, and what is left of it without digest, tag, registry and folder.
WHOLE = "image_name", "regexp_replace(image_name, '@.*$', '')", "regexp_replace(regexp_replace(image_name, '@.*$', ''), ':[^/]*$', '')"
SHORT = [f"regexp_replace({form}, '^(docker[.]io/)?(library/)?', '')" for form in WHOLE]
IMAGE_FORMS = ", ".join([*WHOLE, *SHORT])
PROGRAM = "CASE WHEN regexp_full_match(killed_by_comm, '[0-9]{1,3}') THEN regexp_extract(killed_by_argv[1], '[^/]*$') ELSE killed_by_comm END"


def text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def filters(connection: duckdb.DuckDBPyConnection, event: str) -> list[tuple[list[str], str]]:
    """Returns arguments of the program, each with the WHERE that means the same."""

    def values(column: str, most: int = 3) -> list:
        if column in OF_ENDS and event not in ("container_exit", "container_remove"):
            return []
        found = connection.sql(f"SELECT DISTINCT {column} FROM rows WHERE {column} IS NOT NULL ORDER BY ALL LIMIT {most}").fetchall()
        return [value for (value,) in found]

    asked = []
    for id in values("container_id"):
        asked.append((["--container", id], f"container_id = {text(id)}"))
        if len(id) > 12:
            asked.append((["--container", id[:6]], f"starts_with(container_id, {text(id[:6])})"))
    names = values("container_name")
    for name in names:
        asked.append((["--name", name], f"container_name = {text(name)}"))
        asked.append((["--name", name[:2] + "*"], f"starts_with(container_name, {text(name[:2])})"))
    if len(names) > 1:
        asked.append((["--name", names[0], "--name", names[1]], f"container_name IN ({text(names[0])}, {text(names[1])})"))
    for pod in values("pod_name"):
        asked.append((["--pod", pod], f"pod_name = {text(pod)}"))
        asked.append((["--pod", f"*/{pod}"], f"pod_name = {text(pod)} AND pod_namespace IS NOT NULL"))
    for uid in values("pod_uid", 1):
        asked.append((["--pod", uid], f"pod_uid = {text(uid)}"))
    for namespace in set(values("pod_namespace") + values("containerd_namespace")):
        where = f"pod_namespace IS NOT DISTINCT FROM {text(namespace)} OR containerd_namespace IS NOT DISTINCT FROM {text(namespace)}"
        asked.append((["--namespace", namespace], where))
    for image in values("image_name"):
        for form in (image, image.split(":")[0]):
            asked.append((["--image", form], f"{text(form)} IN ({IMAGE_FORMS})"))
    for image in values("image_id", 1):
        asked.append((["--image", image], f"image_id = {text(image)}"))
    for runtime in values("runtime", 10):
        asked.append((["--runtime", runtime], f"runtime = {text(runtime)}"))
    causes = values("cause", 10)
    for cause in causes:
        asked.append((["--cause", cause], f"cause = {text(cause)}"))
    if len(causes) > 1:
        asked.append((["--cause", ",".join(causes[:2])], f"cause IN ({text(causes[0])}, {text(causes[1])})"))
    for code in values("exit_code"):
        asked.append((["--exit-code", str(code)], f"exit_code = {code}"))
        if names:
            asked.append((["--exit-code", str(code), "--name", names[0]], f"exit_code = {code} AND container_name = {text(names[0])}"))
    for pid in values("killed_by_pid"):
        asked.append((["--killed-by", str(pid)], f"killed_by_pid = {pid}"))
    for comm in values("killed_by_comm"):
        asked.append((["--killed-by", comm], f"{text(comm)} IN (killed_by_comm, {PROGRAM})"))
        asked.append((["--killed-by", comm + "*"], f"starts_with(killed_by_comm, {text(comm)}) OR starts_with({PROGRAM}, {text(comm)})"))
    times = values("ts", 100)
    for time in times[:: max(1, len(times) // 3)]:
        asked.append((["--since", time], f"ts >= {text(time)}"))
        asked.append((["--until", time], f"ts <= {text(time)}"))
        asked.append((["--since", time, "--until", times[-1]], f"ts BETWEEN {text(time)} AND {text(times[-1])}"))
    return asked


def lines(program: str, case: str, event: str, arguments: list[str]) -> list[str]:
    command = [program, "derive", case, "--event", event, "--format", "jsonl", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"{command}: exit code {done.returncode}: {done.stderr}")
    return done.stdout.splitlines()


def check(program: str, case: str, event: str) -> tuple[int, list[str]]:
    whole = lines(program, case, event, [])
    if not whole:
        return 0, []
    connection = duckdb.connect()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rows.jsonl"
        path.write_text("".join(line + "\n" for line in whole), encoding="utf-8")
        connection.read_json(str(path), columns=COLUMNS, format="newline_delimited").create("unnumbered")
    connection.sql("CREATE TABLE rows AS SELECT row_number() OVER () AS line, * FROM unnumbered")
    wrong = []
    asked = [(arguments, f"WHERE {where} ORDER BY line") for arguments, where in filters(connection, event)]
    asked.append((["--sort=container_id,-ts"], "ORDER BY container_id, ts DESC NULLS LAST, line"))
    if event in ("container_exit", "container_remove"):
        asked.append((["--sort=-lifetime_ns", "--limit", "3"], "ORDER BY lifetime_ns DESC NULLS LAST, line LIMIT 3"))
    for arguments, rest in asked:
        expected = [whole[line - 1] for (line,) in connection.sql(f"SELECT line FROM rows {rest}").fetchall()]
        found = lines(program, case, event, arguments)
        if found != expected:
            wrong.append(f"{case} {event} {' '.join(arguments)}: {len(found)} rows, of which {rest!r} has {len(expected)}, or others")
    return len(asked), wrong


def main() -> int:
    program, *cases = sys.argv[1:]
    total, wrong = 0, []
    for case in cases:
        for event in EVENTS:
            count, more = check(program, case, event)
            total += count
            wrong += more
    print(f"{total} filters")
    print("\n".join(wrong))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
