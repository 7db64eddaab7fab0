"""Reads the promises of docs/case-format.md about the columns of each table, as Arrow types."""

import re
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

PLAIN = {
    "uint32": pa.uint32(),
    "uint64": pa.uint64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "bool": pa.bool_(),
    "utf8": pa.string(),
    "timestamp(ns, UTC)": pa.timestamp("ns", tz="UTC"),
}


@dataclass(frozen=True)
class Promise:
    """Promise of the document about a column."""

    type: pa.DataType
    required: bool


def of_document(document: Path) -> dict[str, dict[str, Promise]]:
    """Reads the promises by table and column. A table's rows stand between the comments `columns: NAME` and `end`."""
    promises = {}
    tables = re.findall(r"<!-- columns: (\w+) -->\n(.*?)<!-- end -->", document.read_text(encoding="utf-8"), re.DOTALL)
    for table, rows in tables:
        columns = re.findall(r"^\| `(\w+)` \| ([^|]+) \| (required|optional) \|", rows, re.MULTILINE)
        promises[table] = {name: Promise(arrow_type(text), need == "required") for name, text, need in columns}
    return promises


def arrow_type(text: str) -> pa.DataType:
    """Returns the Arrow type of a type of the document."""
    if text in PLAIN:
        return PLAIN[text]
    if text.startswith("list<"):
        return pa.list_(pa.field("element", arrow_type(text[5:-1]), nullable=False))
    if text.startswith("map<"):
        key, value = text[4:-1].split(", ", 1)
        return pa.map_(arrow_type(key), pa.field("value", arrow_type(value), nullable=False))
    if text.startswith("struct<"):
        fields = re.findall(r"(\w+): ([\w<>]+(?:\([^)]*\))?)", text[7:-1])
        return pa.struct([pa.field(name, arrow_type(inner), nullable=False) for name, inner in fields])
    raise ValueError(f"the document has a type that this check does not know: {text}")
