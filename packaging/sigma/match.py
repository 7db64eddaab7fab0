"""Asks the rows of a case for what Sigma rules describe, and prints each match as a line of JSON.

Usage: match.py OBIT_REPLAY CASE [RULE_OR_FOLDER...]

Needs Python 3.11, pySigma, pySigma-backend-sqlite and duckdb. Without a rule, those beside this program are asked.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
from sigma.backends.sqlite import sqliteBackend
from sigma.collection import SigmaCollection
from sigma.processing.pipeline import ProcessingPipeline
from sigma.rule import SigmaRule

HERE = Path(__file__).parent
TABLES = ("container_exit", "container_remove", "disagreement")


def read_rules(paths: list[Path]) -> SigmaCollection:
    return SigmaCollection.load_ruleset(paths, recursion_pattern="**/*.yml")


def open_tables(program: str, case: str, folder: Path) -> duckdb.DuckDBPyConnection:
    """Derives the tables of a case as Parquet, and opens the views of the taxonomy over them."""
    for table in TABLES:
        subprocess.run([program, "derive", case, "--event", table, "--output", folder / f"{table}.parquet"], check=True, stderr=subprocess.DEVNULL)
    database = duckdb.connect()
    database.execute(f"SET file_search_path = '{folder}'")
    database.execute((HERE / "views.sql").read_text(encoding="utf-8"))
    return database


def matches(database: duckdb.DuckDBPyConnection, rules: SigmaCollection) -> Iterator[tuple[SigmaRule, dict]]:
    """Returns each row that a rule describes, in the order of rules and rows."""
    backend = sqliteBackend(processing_pipeline=ProcessingPipeline.from_yaml((HERE / "pipeline.yml").read_text(encoding="utf-8")))
    for rule in rules.rules:
        for query in backend.convert_rule(rule):
            found = database.execute(query)
            names = [column[0] for column in found.description]
            for row in sorted(found.fetchall(), key=lambda row: row[names.index("seq")]):
                yield rule, {name: value for name, value in zip(names, row) if value is not None}


def main() -> int:
    program, case, *paths = sys.argv[1:]
    rules = read_rules([Path(path) for path in paths] or [HERE / "rules"])
    with tempfile.TemporaryDirectory() as folder:
        for rule, row in matches(open_tables(program, case, Path(folder)), rules):
            match = {"rule": rule.title, "id": str(rule.id), "level": rule.level.name.lower()}
            row = {name: row[name] for name in ("seq", "ts", *rule.fields) if name in row}
            # Names are what users chose: nothing in them may act on a terminal.
            print(json.dumps(match | row, default=str).replace("\x7f", "\\u007f"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
