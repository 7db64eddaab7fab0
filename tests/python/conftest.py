"""What the tests of the Python package share: the fixtures' cases and the command line beside it."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
CASES = sorted(ROOT.glob("fixtures/cases/*/case"))
TABLES = ("container_remove", "container_exit", "container_create", "existing_container", "disagreement")
# Set by scripts/test-python.sh.
REPLAY = os.environ["OBIT_REPLAY"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "path" in metafunc.fixturenames:
        assert len(CASES) >= 10, "the fixtures are missing"
        metafunc.parametrize("path", CASES, ids=[path.parent.name for path in CASES])


def replay(*arguments: str | Path, codes: tuple[int, ...] = (0,)) -> str:
    """Runs obit-replay and returns what it printed."""
    run = subprocess.run([REPLAY, *map(str, arguments)], capture_output=True, text=True, check=False)
    assert run.returncode in codes, (arguments, run.returncode, run.stderr)
    return run.stdout


def json_lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
