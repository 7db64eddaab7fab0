"""Cases: one, or several together."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from glob import glob
from typing import Any, Literal

from . import _obit
from ._obit import Stream
from .answers import Document, Explanation, Verification
from .filters import Where, filter_options

Types = Literal["exact", "lake"]
OnDamage = Literal["raise", "ignore"]
Profile = Literal["strict", "tracee"]
Requirement = Literal["closed", "signed", "anchored", "complete"]


def open(path: str | os.PathLike[str]) -> Case:
    """Opens a case, also one that is being recorded, and a damaged one as far as it can be read.

    Raises :class:`NotACase` if the directory is no case or of a newer format. What is wrong otherwise is in
    :attr:`Case.problems`, and raises :class:`DamagedCase` when an answer would not be whole.
    """
    return Case(_obit.open(os.fspath(path)))


def open_all(paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]]) -> CaseSet:
    """Opens several cases: paths or patterns with ``*``. A directory that is no case stands for the cases below it.

    Raises :class:`NotACase` if there is none, or one cannot be opened; :class:`Error` if a case is there twice.
    """
    if isinstance(paths, (str, os.PathLike)):
        paths = [paths]
    found: list[str] = []
    for path in [os.fspath(path) for path in paths]:
        found.extend(sorted(glob(path)) if any(letter in path for letter in "*?[") else [path])
    if not found:
        raise _obit.NotACase("no directory fits the pattern")
    return CaseSet([Case(native) for native in _obit.open_each(found)])


class Case:
    """A case: one recording of a host, a directory of raw records and of the rows that were recorded with them."""

    __slots__ = ("_native",)

    def __init__(self, native: _obit.NativeCase) -> None:
        self._native = native

    def __repr__(self) -> str:
        return f"obit.open({str(self.path)!r})"

    @property
    def path(self) -> str:
        """The directory, as it was given."""
        return os.fspath(self._native.path)

    @property
    def manifest(self) -> dict[str, Any] | None:
        """The content of case.json; None if it cannot be read."""
        text = self._native.manifest()
        return None if text is None else json.loads(text)

    @property
    def id(self) -> str | None:
        """The case's id."""
        manifest = self.manifest
        return None if manifest is None else manifest["case_id"]

    @property
    def is_closed(self) -> bool:
        """True if the capture closed the case."""
        return self._native.is_closed

    @property
    def is_being_recorded(self) -> bool:
        """True if a recorder writes the case now. What was written so far is read."""
        return self._native.is_being_recorded

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong with the case, as far as opening it shows, in words."""
        return self._native.problems()

    def count(self, table: str) -> int:
        """Returns the number of recorded rows of a table, as its files state it."""
        return self._native.count(table)

    def events(self, *, types: Types = "exact", on_damage: OnDamage = "raise") -> Stream:
        """Returns the recorded kernel events, in the order of their ``seq``."""
        return self.recorded("events", types=types, on_damage=on_damage)

    def cgroupfs(self, *, types: Types = "exact", on_damage: OnDamage = "raise") -> Stream:
        """Returns the recorded directories of cgroupfs and walks over them."""
        return self.recorded("cgroupfs", types=types, on_damage=on_damage)

    def runtime(self, *, types: Types = "exact", on_damage: OnDamage = "raise") -> Stream:
        """Returns the recorded answers and files of runtimes and daemons."""
        return self.recorded("runtime", types=types, on_damage=on_damage)

    def recorded(self, table: str, *, types: Types = "exact", on_damage: OnDamage = "raise") -> Stream:
        """Returns the recorded rows of a table, as docs/case-format.md describes them.

        ``types="lake"`` gives microsecond times, each with a column ``…_ns`` after it, and signed integers, for engines
        that refuse others. Damage raises before the last batch; with ``on_damage="ignore"`` what could be read is given,
        and :attr:`Stream.problems` tells what is missing.
        """
        return self._native.recorded(table, types, on_damage)

    def derive(
        self,
        table: str = "container_remove",
        *,
        profile: Profile = "strict",
        where: Where | None = None,
        types: Types = "exact",
        on_damage: OnDamage = "raise",
    ) -> Stream:
        """Returns the rows of a table that follow from the raw records alone, as ``obit-replay derive`` does.

        ``table`` is container_remove, container_exit, container_create, existing_container or disagreement. ``profile``
        names the rules: obit's own, or Tracee's. ``where`` chooses rows after the derivation (:data:`Where`); for
        ``types`` and ``on_damage`` see :meth:`recorded`. Reads the case in bounded memory while the stream is read.
        """
        return self._native.derive(table, profile, filter_options(where), types, on_damage)

    def verify(
        self,
        *,
        require: Sequence[Requirement] = (),
        signers: str | os.PathLike[str] | None = None,
        anchor: str | os.PathLike[str] | None = None,
        trust_anchor: bool = False,
        case_id: str | None = None,
        show: int = 20,
    ) -> Verification:
        """Compares the recorded rows with those that follow from the raw records, and checks what proves the files.

        ``require`` names what must hold: closed, signed (by one of ``signers``), anchored (in ``anchor``), complete. Of each
        table ``show`` differing rows are listed. Damage does not raise here: it is the answer.
        """
        proof: _obit.ProofOptions = {
            "require": list(require),
            "signers": None if signers is None else os.fspath(signers),
            "anchor": None if anchor is None else os.fspath(anchor),
            "trust_anchor": trust_anchor,
            "case_id": case_id,
        }
        return Verification(self._native.verify(proof, show))

    def explain(self, what: str, *, where: Where | None = None, limit: int = 10) -> Explanation:
        """Tells the story of a container: its id or the beginning of it, its name, pod or image.

        At most ``limit`` lives are told. Raises :class:`NoContainer` or :class:`SeveralContainers`.
        """
        return Explanation(*self._native.explain(what, filter_options(where), limit))

    def inventory(self, at: str | int = "end", *, where: Where | None = None) -> Document:
        """Lists the containers that were there at a moment: a time, so long before the case's end, or a record's number.

        The fields are those of ``obit-replay schema inventory``.
        """
        return Document(self._native.inventory(str(at), filter_options(where)))

    def triage(self, *, where: Where | None = None, limit: int = 1000) -> Document:
        """Counts the ends by cause, and lists those that want a second look, the most urgent first.

        The fields are those of ``obit-replay schema triage``.
        """
        return Document(self._native.triage(filter_options(where), limit))

    def export(self, to: str, path: str | os.PathLike[str], *, where: Where | None = None) -> int:
        """Writes all derived rows into a new file, in the format of another program (docs/exports.md). Returns their
        number."""
        return self._native.export(to, os.fspath(path), filter_options(where))


class CaseSet(Sequence[Case]):
    """Several cases, in the order of their paths."""

    __slots__ = ("_cases",)

    def __init__(self, cases: list[Case]) -> None:
        self._cases = cases

    def __getitem__(self, index: Any) -> Any:
        return self._cases[index]

    def __len__(self) -> int:
        return len(self._cases)

    def __iter__(self) -> Iterator[Case]:
        return iter(self._cases)

    def derive(
        self,
        table: str = "container_remove",
        *,
        profile: Profile = "strict",
        where: Where | None = None,
        types: Types = "exact",
        on_damage: OnDamage = "raise",
    ) -> Stream:
        """Returns the rows of all cases as :meth:`Case.derive` does, one case after another, each row with its ``host``,
        ``machine_id``, ``boot_id`` and ``case_id``. To see one time line, sort by ``ts``."""
        natives = [case._native for case in self._cases]
        return _obit.derive_all(natives, table, profile, filter_options(where), types, on_damage)
