"""Reads each table of a case by its folder, as DuckDB, pandas and pyarrow do who know nothing of obit.

Usage: folders.py CASE OBIT_REPLAY

Ends with 1 and one line about the first folder that does not give one table, whole: its columns, the rows that case.json
counts, and those that `obit-replay derive` derives. Docs/case-format.md ("Patterns") promises it.
"""

import json
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas
import pyarrow.dataset

RAW = ("cgroupfs", "events", "runtime")
DERIVED = ("container_create", "container_exit", "container_remove", "disagreement", "existing_container")


class Broken(Exception):
    """A folder that is not one table."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise Broken(message)


def derived(case: Path, obit_replay: str, table: str) -> list[tuple[int, str]]:
    line = [obit_replay, "derive", str(case), "--event", table, "--format", "jsonl"]
    done = subprocess.run(line, capture_output=True, text=True, check=True)
    rows = map(json.loads, done.stdout.splitlines())
    return sorted((row["seq"], row["container_id"]) for row in rows)


def check_table(case: Path, obit_replay: str, kind: str, table: str) -> int:
    manifest = json.loads((case / "case.json").read_text(encoding="utf-8"))
    kept = [part for part in (manifest.get("dropped") or {}).get("kept", []) if part["table"] == table]
    listed = [part for part in manifest["parts"] if part["table"] == table] + kept
    folder = case / kind / table
    files = sorted(folder.iterdir())
    expect({str(file.relative_to(case)) for file in files} == {part["file"] for part in listed}, f"{folder}: other files than in case.json")
    columns = {tuple(duckdb.sql(f"SELECT * FROM '{file}'").columns) for file in files}
    expect(len(columns) == 1, f"{folder}: {len(columns)} different lists of columns")
    rows = sum(part["rows"] for part in listed)
    by_each = {
        "DuckDB": len(duckdb.sql(f"SELECT * FROM '{folder}/*.parquet'").fetchall()),
        "DuckDB, recursive": len(duckdb.sql(f"SELECT * FROM '{case}/**/{table}-*.parquet'").fetchall()),
        "pandas": len(pandas.read_parquet(folder, dtype_backend="pyarrow")),
        "pyarrow": pyarrow.dataset.dataset(folder).count_rows(),
    }
    expect(set(by_each.values()) == {rows}, f"{folder}: case.json counts {rows} rows, found: {by_each}")
    if table in DERIVED:
        gone = [str(case / part["file"]) for part in kept]
        found = duckdb.sql(f"SELECT seq, container_id FROM read_parquet('{folder}/*.parquet', filename = true) WHERE filename NOT IN {gone or ['']}")
        expect(sorted(found.fetchall()) == derived(case, obit_replay, table), f"{folder}: other rows than are derived")
    return rows


def check_mixed(case: Path) -> None:
    """Expects that the pattern which mixed the tables of format 1 finds nothing."""
    for kind in ("raw", "derived"):
        try:
            duckdb.sql(f"SELECT * FROM '{case}/{kind}/*.parquet'")
        except duckdb.IOException:
            continue
        raise Broken(f"{case}/{kind}: holds parts beside the folders of tables")


def main() -> int:
    case, obit_replay = Path(sys.argv[1]), sys.argv[2]
    try:
        check_mixed(case)
        rows = [check_table(case, obit_replay, kind, table) for kind, tables in (("raw", RAW), ("derived", DERIVED)) for table in tables]
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    print(f"{sum(rows)} rows in {len(rows)} folders")
    return 0


if __name__ == "__main__":
    sys.exit(main())
