"""Answers about a case: documents with the fields that ``obit-replay … --format json`` prints."""

from __future__ import annotations

import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class Document(Mapping[str, Any]):
    """An answer as a mapping, with the fields that ``obit-replay schema`` describes. It cannot be changed."""

    __slots__ = ("_fields",)

    def __init__(self, text: str) -> None:
        self._fields: dict[str, Any] = json.loads(text)

    def __getitem__(self, key: str) -> Any:
        return self._fields[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._fields)

    def __len__(self) -> int:
        return len(self._fields)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._fields!r})"


@dataclass(frozen=True)
class TableDigests:
    """Number and canonical SHA-256 digest of a table's rows: as recorded, and as they follow from the raw records."""

    recorded_rows: int
    recorded_sha256: str
    derived_rows: int
    derived_sha256: str


class Verification(Document):
    """What ``verify`` found. As a mapping it has the fields of ``obit-replay schema verify``."""

    __slots__ = ()

    @property
    def verdict(self) -> str:
        """The conclusion: same, same_as_far_as_written, past_the_log, files_changed, not_proven, older_rules, different,
        undecided."""
        return str(self["verdict"])

    @property
    def answer(self) -> str:
        """holds, fails or undecided: the command's exit codes 0, 1 and 2."""
        return str(self["answer"])

    @property
    def holds(self) -> bool:
        """True if all that was asked for holds."""
        return self.answer == "holds"

    @property
    def tables(self) -> dict[str, TableDigests]:
        """Rows and digests of each derived table."""
        return {
            table["table"]: TableDigests(
                table["left"]["rows"], table["left"]["sha256"], table["right"]["rows"], table["right"]["sha256"]
            )
            for table in self["tables"]
        }

    @property
    def problems(self) -> list[str]:
        """Everything that is wrong with the case, in words."""
        return [problem["text"] for problem in self["problems"]]

    def __str__(self) -> str:
        return str(self["verdict_text"])


class Explanation(Document):
    """The story of a container. As a mapping it has the fields of ``obit-replay schema explain``; ``str()`` is the text
    that the command prints."""

    __slots__ = ("_text", "_text_with_records")

    def __init__(self, document: str, text: str, text_with_records: str) -> None:
        super().__init__(document)
        self._text = text
        self._text_with_records = text_with_records

    @property
    def container_id(self) -> str:
        """The whole id."""
        return str(self["container_id"])

    @property
    def lives(self) -> list[dict[str, Any]]:
        """The lives, in the order in which they began, each with headline, story, rows and evidence_seqs."""
        return list(self["lives"])

    def with_records(self) -> str:
        """Returns the text with the records that the rows follow from, as ``--records`` prints it."""
        return self._text_with_records

    def __str__(self) -> str:
        return self._text

    def _repr_html_(self) -> str:
        """Returns the story for a notebook. Every text of the case is escaped."""
        parts = [f"<h4>container <code>{html.escape(self.container_id)}</code></h4>"]
        for life in self.lives:
            parts.append(f"<p><b>{html.escape(life['headline'])}</b></p><table>")
            for section in life["story"]:
                for number, sentence in enumerate(section["sentences"]):
                    records = ", ".join(map(str, sentence["records"][:10]))
                    cells = [section["part"] if number == 0 else "", sentence["at"] or "", sentence["text"], records]
                    parts.append("<tr>" + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>")
            parts.append("</table>")
        for number, command in enumerate(self["commands"], 1):
            parts.append(f"<p>command {number}: <code>{html.escape(command)}</code></p>")
        return "".join(parts)
