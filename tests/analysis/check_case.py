"""Reads a case with DuckDB, pandas and pyarrow, without any code of this project.

Usage: check_case.py CASE --readme README.md --format docs/case-format.md --obit-replay PATH

Ends with 1 and one line about the first thing that is not as promised. What the columns are is promised by
docs/case-format.md; how the digest is computed, too.
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pandas
import pyarrow.parquet as pq

import digest
import promises

RAW = ("cgroupfs", "events", "runtime")
DERIVED = ("container_create", "container_exit", "container_remove", "disagreement", "existing_container")

# DuckDB's only time with a zone has microseconds; boot_ns keeps the nanoseconds.
DUCKDB_TYPES = {name: "TIMESTAMP WITH TIME ZONE" for name in ("ts", "ctime", "created_at", "started_at", "finished_at", "emptied_at")}
DUCKDB_TYPES |= {"boot_ns": "UBIGINT", "cgroup_id": "UBIGINT", "hierarchy_id": "UINTEGER", "inferred": "BOOLEAN"}
DUCKDB_TYPES |= {"kind": "VARCHAR", "reason": "VARCHAR", "identified_by": "VARCHAR", "files": "MAP(VARCHAR, VARCHAR)"}
DUCKDB_TYPES |= {"actor_argv": "VARCHAR[]", "removed_by_argv": "VARCHAR[]", "evidence_seqs": "UBIGINT[]"}


class Broken(Exception):
    """A broken promise of the documentation."""


def expect(condition: bool, message: str) -> None:
    if not condition:
        raise Broken(message)


def kept(case: Path) -> set[Path]:
    """Returns the derived parts of dropped segments, whose records are gone."""
    dropped = json.loads((case / "case.json").read_text(encoding="utf-8")).get("dropped") or {}
    return {case / part["file"] for part in dropped.get("kept", [])}


def folder(case: Path, table: str) -> Path:
    """Returns the folder of a table's parts: its own, or in format 1 that of all tables of its kind."""
    major = json.loads((case / "case.json").read_text(encoding="utf-8"))["format"]["major"]
    kind = case / ("raw" if table in RAW else "derived")
    return kind / table if major >= 2 else kind


def parts(case: Path, table: str) -> list[Path]:
    return sorted(set(folder(case, table).glob(f"{table}-*.parquet")) - kept(case))


def check_promises(case: Path, document: Path) -> None:
    promised = promises.of_document(document)
    expect(sorted(promised) == sorted(RAW + DERIVED), f"{document}: describes {sorted(promised)}")
    for table in RAW + DERIVED:
        for part in parts(case, table):
            read = pq.read_table(part)
            for field in read.schema:
                where = f"{part}: column {field.name}"
                promise = promised[table].get(field.name)
                expect(promise is not None, f"{where} is not in {document}")
                expect(field.type.equals(promise.type), f"{where} is {field.type}, {document} says {promise.type}")
                nulls = read.column(field.name).null_count
                expect(not (promise.required and nulls), f"{where} is required and {nulls} times null")
            for name, promise in promised[table].items():
                expect(name in read.column_names or not promise.required, f"{part}: the required column {name} is missing")


def check_pandas(case: Path) -> None:
    for table in RAW + DERIVED:
        for part in parts(case, table):
            frame = pandas.read_parquet(part)
            expect(str(frame["ts"].dtype) == "datetime64[ns, UTC]", f"{part}: pandas reads ts as {frame['ts'].dtype}")
            expect(frame["seq"].is_monotonic_increasing, f"{part}: not sorted by seq")
            for name in {"actor_argv", "evidence_seqs", "conflicts", "pids"} & set(frame.columns):
                lists = frame[name].dropna()
                expect(all(hasattr(value, "__len__") for value in lists), f"{part}: pandas reads {name} as no list")
    events = pandas.concat(pandas.read_parquet(part) for part in parts(case, "events"))
    expect((events["ts"].astype("int64") % 1000 != 0).any(), "no event's time has nanoseconds")
    expect(events["kind"].map(type).eq(str).all(), "raw/events: pandas reads kind as something else than text")


def check_duckdb(case: Path) -> None:
    connection = duckdb.connect()
    for table in RAW + DERIVED:
        if not parts(case, table):
            continue
        files = [str(part) for part in parts(case, table)]
        connection.read_parquet(files).create_view(table)
        described = connection.sql(f"DESCRIBE {table}").fetchall()
        for name, found, *_ in described:
            promised = DUCKDB_TYPES.get(name)
            expect(promised is None or found == promised, f"{table}.{name}: DuckDB says {found}")

    raw = [table for table in RAW if parts(case, table)]
    seqs = " UNION ALL ".join(f"SELECT seq FROM {table}" for table in raw)
    first, last, count, distinct = connection.sql(
        f"SELECT min(seq), max(seq), count(*), count(DISTINCT seq) FROM ({seqs})"
    ).fetchone()
    dropped = json.loads((case / "case.json").read_text(encoding="utf-8")).get("dropped")
    begin = dropped["last_seq"] + 1 if dropped else 0
    expect(first == begin and last + 1 - begin == count == distinct, f"seq has holes: {first} to {last}, {count} rows, {distinct} different")

    for table in DERIVED:
        if not parts(case, table):
            continue
        dangling = connection.sql(
            f"SELECT count(*) FROM (SELECT unnest(evidence_seqs) AS seq FROM {table}) AS evidence ANTI JOIN ({seqs}) USING (seq)"
        ).fetchone()[0]
        expect(dangling == 0, f"{table}: {dangling} evidence_seqs lead to no record")
    if parts(case, "container_remove"):
        wrong = connection.sql(
            """SELECT count(*) FROM container_remove AS row LEFT JOIN events ON events.seq = row.rmdir_seq
               WHERE row.rmdir_seq IS NOT NULL
                 AND (events.kind, events.hierarchy_id, events.cgroup_id, events.path)
                     IS DISTINCT FROM ('cgroup_rmdir', row.hierarchy_id, row.cgroup_id, row.cgroup_path)"""
        ).fetchone()[0]
        expect(wrong == 0, f"container_remove: {wrong} rows name a removal that is another record's")


def readme_queries(readme: Path) -> list[str]:
    try:
        text = readme.read_text(encoding="utf-8")
    except OSError as error:
        raise Broken(f"the README's queries cannot be read: {error}") from error
    queries = re.findall(r"^```sql\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    expect(len(queries) >= 3, f"{readme}: {len(queries)} sql blocks, three were promised")
    return queries


def check_readme(case: Path, readme: Path) -> None:
    """Runs the README's queries as a reader does who has a case in a directory named `case`."""
    queries = readme_queries(readme)
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "case").symlink_to(case.resolve(), target_is_directory=True)
        os.chdir(directory)
        connection = duckdb.connect()
        answers = []
        for query in queries:
            try:
                answers.append(connection.sql(query).fetchall())
            except duckdb.Error as error:
                raise Broken(f"{readme}: {error}\n{query}") from error
        os.chdir("/")
    expect(any(answers), f"{readme}: no query finds a row in {case}")


def check_digest(case: Path, obit_replay: str) -> None:
    said = subprocess.run([obit_replay, "verify", str(case)], capture_output=True, text=True, check=False).stdout
    digests = {table: digest.of_table(table, parts(case, table)) for table in DERIVED}
    digests["case"] = digest.of_case(digests)
    for name, computed in digests.items():
        section = re.search(rf"^{name}: .*\n((?:  .*\n)*)", said, re.MULTILINE)
        recorded = section and re.search(r"recorded .*sha256 ([0-9a-f]{64})", section[1])
        expect(bool(recorded), f"obit-replay verify says no digest of {name}:\n{said}")
        expect(recorded[1] == computed, f"{name}: digest {computed} here, {recorded[1]} by obit-replay verify")


def check_sums(case: Path) -> None:
    done = subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=case, capture_output=True, text=True, check=False)
    expect(done.returncode == 0, f"{case}: sha256sum -c SHA256SUMS: {done.stdout}{done.stderr}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("case", type=Path)
    parser.add_argument("--readme", type=Path, required=True)
    parser.add_argument("--format", type=Path, required=True, help="docs/case-format.md")
    parser.add_argument("--obit-replay", required=True)
    arguments = parser.parse_args()
    try:
        for table in ("events", "container_remove"):
            expect(bool(parts(arguments.case, table)), f"{arguments.case}: no part of {table}")
        check_sums(arguments.case)
        check_promises(arguments.case, arguments.format)
        check_pandas(arguments.case)
        check_duckdb(arguments.case)
        check_digest(arguments.case, arguments.obit_replay)
        check_readme(arguments.case, arguments.readme)
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
