"""An analysis as its authors write it: mypy checks it by the types that the package ships."""

from collections import Counter

import obit


def causes(path: str) -> Counter[str]:
    """Counts the ends of a case by cause."""
    case = obit.open(path)
    return Counter(str(row["cause"]) for row in case.derive("container_exit", where={"runtime": "docker"}))


def differing_tables(path: str) -> list[str]:
    """Names the tables whose recorded rows do not follow from the raw records."""
    verification = obit.open(path).verify(require=["closed"], show=0)
    return [name for name, digests in verification.tables.items() if digests.recorded_sha256 != digests.derived_sha256]


def first_headline(path: str, what: str) -> str | None:
    """Returns the headline of a container's first life."""
    try:
        lives = obit.open(path).explain(what).lives
    except (obit.NoContainer, obit.SeveralContainers):
        return None
    return str(lives[0]["headline"]) if lives else None


def hosts(pattern: str) -> set[str | None]:
    """Returns the ids of the cases that fit a pattern."""
    cases: obit.CaseSet = obit.open_all(pattern)
    stream: obit.Stream = cases.derive(types="lake", on_damage="ignore")
    assert "host" in stream.column_names
    return {case.id for case in cases}
