"""Filters of rows, with the names that the options of obit-replay have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

Where: TypeAlias = "Mapping[str, str | int | Sequence[str | int]]"
"""Which rows are wanted: option and value, or several values of which one must fit.

Options are those of ``obit-replay derive``: container, name, pod, namespace, image, runtime, cause, exit_code,
killed_by, since, until, last. Example: ``{"image": "nginx", "cause": ["oom_killed", "signalled"], "last": "2h"}``.
"""


def filter_options(where: Where | None) -> list[tuple[str, list[str]]]:
    """Returns a filter as the native part takes it."""
    options = []
    for option, values in (where or {}).items():
        if isinstance(values, (str, int)):
            values = [values]
        options.append((option, [str(value) for value in values]))
    return options
