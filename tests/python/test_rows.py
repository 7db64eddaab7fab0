"""Rows in Python are those of the command line, whatever library takes them, in types that keep every value."""

import gc
import threading
from pathlib import Path

import duckdb
import pandas
import polars
import pyarrow
import pytest
from conftest import CASES, ROOT, TABLES, json_lines, replay

import obit

DOCKER = ROOT / "fixtures/cases/docker-hybrid/case"


@pytest.mark.parametrize("profile", ["strict", "tracee"])
def test_derived_rows_are_those_of_the_command_line(path: Path, profile: str) -> None:
    case = obit.open(path)
    for table in TABLES if profile == "strict" else ("container_remove",):
        command = ["derive", path, "--event", table, "--profile", profile, "--format", "jsonl"]
        # 2: the command line tells of the damage of a case that was never closed or lost records.
        expected = json_lines(replay(*command, codes=(0, 2)))
        assert list(case.derive(table, profile=profile, on_damage="ignore")) == expected, table


def test_every_library_gets_the_rows_of_the_stream(path: Path) -> None:
    case = obit.open(path)
    for table in TABLES:
        derive = lambda: case.derive(table, on_damage="ignore")  # noqa: E731
        seqs = [row["seq"] for row in derive()] if "seq" in derive().column_names else None
        arrow = pyarrow.table(derive())
        assert arrow.column_names == derive().column_names
        frame = polars.DataFrame(derive())
        rows = derive()  # DuckDB finds the stream by this name.
        database = duckdb.sql("SELECT * FROM rows").to_arrow_table()
        assert arrow.num_rows == frame.height == database.num_rows == len(list(derive()))
        if seqs is not None:
            assert arrow["seq"].to_pylist() == frame["seq"].to_list() == database["seq"].to_pylist() == seqs
        # No integer becomes a floating-point number on the way.
        for name, kind in zip(arrow.column_names, arrow.schema.types):
            if pyarrow.types.is_integer(kind):
                assert frame.schema[name].is_integer(), name
        del rows


def test_integers_stay_integers_in_pandas(path: Path) -> None:
    arrow = pyarrow.table(obit.open(path).derive("container_exit", on_damage="ignore"))
    frame = arrow.to_pandas(types_mapper=pandas.ArrowDtype)
    for name, kind in zip(arrow.column_names, arrow.schema.types):
        if pyarrow.types.is_integer(kind):
            assert pandas.api.types.is_integer_dtype(frame[name].dtype), name
            assert frame[name].astype(object).where(frame[name].notna(), None).tolist() == arrow[name].to_pylist(), name


def test_recorded_tables_hold_what_case_json_counts(path: Path) -> None:
    case = obit.open(path)
    for table in ("events", "cgroupfs", "runtime", *TABLES):
        recorded = pyarrow.table(case.recorded(table, on_damage="ignore"))
        # Of a case that is not closed the journal has rows that no file states.
        if case.is_closed:
            assert recorded.num_rows == case.count(table), table
        else:
            assert recorded.num_rows >= case.count(table), table
    assert pyarrow.table(case.events(on_damage="ignore")).num_rows > 0


def test_lake_types_keep_nanoseconds_and_signs(path: Path) -> None:
    case = obit.open(path)
    exact = pyarrow.table(case.derive(on_damage="ignore"))
    lake = pyarrow.table(case.derive(types="lake", on_damage="ignore"))
    for field in lake.schema:
        assert not pyarrow.types.is_unsigned_integer(field.type), field
        assert not pyarrow.types.is_timestamp(field.type) or field.type.unit == "us", field
    for field in exact.schema:
        if pyarrow.types.is_timestamp(field.type):
            nanoseconds = exact[field.name].cast(pyarrow.int64()).to_pylist()
            assert lake[field.name + "_ns"].to_pylist() == nanoseconds, field
        elif pyarrow.types.is_list(field.type) and pyarrow.types.is_timestamp(field.type.value_type):
            # Times in lists are in microseconds only.
            micros = [times and [time.floor("us") for time in times] for times in exact[field.name].to_pylist()]
            assert lake[field.name].to_pylist() == micros, field
        else:
            assert lake[field.name].to_pylist() == exact[field.name].to_pylist(), field


def test_filters_are_those_of_the_command_line() -> None:
    expected = json_lines(replay("derive", DOCKER, "--event", "container_exit", "--cause", "oom_killed", "--format", "jsonl"))
    assert list(obit.open(DOCKER).derive("container_exit", where={"cause": "oom_killed"})) == expected
    with pytest.raises(ValueError, match="no filter|unknown|there are"):
        obit.open(DOCKER).derive(where={"colour": "red"})
    with pytest.raises(ValueError, match="no table here is named"):
        obit.open(DOCKER).derive("container_ends")


def test_several_cases_say_whose_a_row_is() -> None:
    cases = obit.open_all(ROOT / "fixtures/cases/*/case")
    assert len(cases) == len(CASES)
    together = pyarrow.table(cases.derive("container_exit", on_damage="ignore"))
    apart = [pyarrow.table(case.derive("container_exit", on_damage="ignore")).num_rows for case in cases]
    assert together.num_rows == sum(apart)
    ids = [case.id for case, rows in zip(cases, apart) for _ in range(rows)]
    assert together["case_id"].to_pylist() == ids
    with pytest.raises(obit.NotACase):
        obit.open_all("/nowhere/*")


def test_a_stream_is_read_once() -> None:
    stream = obit.open(DOCKER).derive()
    assert pyarrow.table(stream).num_rows > 0
    with pytest.raises(obit.Error, match="read already"):
        pyarrow.table(stream)
    with pytest.raises(obit.Error, match="read already"):
        next(stream)


def test_a_stream_outlives_its_case_and_may_be_left_half_read() -> None:
    case = obit.open(DOCKER)
    stream = case.derive()
    del case
    gc.collect()
    assert next(stream)["container_id"]
    del stream
    gc.collect()


def test_threads_derive_at_once() -> None:
    expected = {path: pyarrow.table(obit.open(path).derive(on_damage="ignore")) for path in CASES}
    found: dict[Path, pyarrow.Table] = {}

    def derive(path: Path) -> None:
        found[path] = pyarrow.table(obit.open(path).derive(on_damage="ignore"))

    threads = [threading.Thread(target=derive, args=(path,)) for path in CASES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == expected
