"""Damaged and hostile cases raise exceptions; the interpreter goes on."""

import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from conftest import CASES, ROOT, TABLES

import obit

DOCKER = ROOT / "fixtures/cases/docker-hybrid/case"
# Everything that may come of a damaged case. A panic would be a BaseException of another class.
REFUSALS = (obit.Error, pyarrow.ArrowInvalid, OSError)


def read_everything(path: Path) -> bool:
    """Reads all that the package can. Returns true if something was refused."""
    refused = False

    def refuses(work: Callable[[], object]) -> None:
        nonlocal refused
        try:
            work()
        except REFUSALS as why:
            refused = True
            text = str(why)
            assert text and text.isprintable(), repr(text)

    try:
        case = obit.open(path)
    except obit.Error as why:
        assert str(why).isprintable()
        return True
    for table in ("events", "cgroupfs", "runtime", *TABLES):
        refuses(lambda: pyarrow.table(case.recorded(table)))
    for table in TABLES:
        refuses(lambda: list(case.derive(table)))
    refuses(lambda: pyarrow.table(case.derive(on_damage="ignore", types="lake")))
    refuses(lambda: refusal(case.verify()))
    refuses(case.triage)
    refuses(case.inventory)
    return refused


def refusal(verification: obit.Verification) -> None:
    if not verification.holds:
        raise obit.Error(" ".join(str(verification).split()))


@pytest.mark.parametrize("seed", range(24))
def test_a_damaged_file_is_an_exception(tmp_path: Path, seed: int) -> None:
    choice = random.Random(seed)
    path = tmp_path / "case"
    shutil.copytree(choice.choice(CASES), path)
    file = choice.choice(sorted(file for file in path.rglob("*") if file.is_file() and file.stat().st_size > 0))
    content = bytearray(file.read_bytes())
    if choice.random() < 0.5:
        for _ in range(choice.choice([1, 16])):
            content[choice.randrange(len(content))] ^= choice.randrange(1, 256)
    else:
        del content[choice.randrange(len(content)) :]
    file.write_bytes(content)
    read_everything(path)


def test_a_missing_part_of_the_raw_log_raises(tmp_path: Path) -> None:
    path = tmp_path / "case"
    shutil.copytree(DOCKER, path)
    next(iter(sorted((path / "raw").rglob("*events*")))).unlink()
    case = obit.open(path)
    with pytest.raises(obit.DamagedCase, match="rows may be missing"):
        list(case.derive())
    # Arrow's C interface knows no classes of exceptions.
    with pytest.raises((OSError, pyarrow.ArrowException), match="rows may be missing"):
        pyarrow.table(case.derive())
    stream = case.derive(on_damage="ignore")
    list(stream)
    assert stream.problems
    with pytest.raises(obit.DamagedCase):
        case.triage()
    assert not case.verify().holds


def test_the_fuzzers_corpus(tmp_path: Path) -> None:
    files = sorted((ROOT / "fuzz/corpus/case").iterdir())
    assert files
    for number, file in enumerate(files):
        path = tmp_path / str(number)
        shutil.copytree(DOCKER, path)
        part = next(iter(sorted((path / "raw").rglob("*.parquet"))))
        part.write_bytes(file.read_bytes())
        read_everything(path)
        (path / "case.json").write_bytes(file.read_bytes())
        read_everything(path)


def test_what_is_no_case() -> None:
    with pytest.raises(obit.NotACase):
        obit.open("/etc")
    for path in ("/nowhere", "", "/dev/null", "a\0b"):
        with pytest.raises((obit.Error, ValueError)):
            obit.open(path)


def test_ctrl_c_ends_a_derivation() -> None:
    # A handler that raises, as Python's own for SIGINT does; sent by the process to itself while rows are read.
    program = f"""
import os, signal, threading
import obit
threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
try:
    while True:
        list(obit.open({str(DOCKER)!r}).derive())
        obit.open({str(DOCKER)!r}).verify()
except KeyboardInterrupt:
    print("interrupted")
"""
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout) == (0, "interrupted\n"), run.stderr
