"""Computes the canonical digest of a case; written from docs/case-format.md alone ("The canonical digest")."""

import hashlib
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq


def netstring(data: bytes) -> bytes:
    return b"%d:%s," % (len(data), data)


def text_of(value: object, kind: pa.DataType) -> bytes:
    """Returns the text of a value that is not null."""
    if pa.types.is_boolean(kind):
        return b"true" if value else b"false"
    if pa.types.is_integer(kind):
        return str(value).encode()
    if pa.types.is_string(kind):
        return value.encode()
    if pa.types.is_map(kind):
        return b"".join(netstring(text_of(k, kind.key_type)) + netstring(text_of(v, kind.item_type)) for k, v in value)
    if pa.types.is_list(kind):
        return b"".join(netstring(text_of(element, kind.value_type)) for element in value)
    raise ValueError(f"the document defines no text for {kind}")


def of_table(name: str, parts: list[Path]) -> str:
    digest = hashlib.sha256(netstring(name.encode()))
    for part in parts:
        table = pq.read_table(part)
        # A Python datetime has no nanoseconds.
        for index, field in enumerate(table.schema):
            if pa.types.is_timestamp(field.type):
                table = table.set_column(index, field.name, table.column(index).cast(pa.int64()))
            if pa.types.is_list(field.type) and pa.types.is_timestamp(field.type.value_type):
                table = table.set_column(index, field.name, table.column(index).cast(pa.list_(pa.int64())))
        fields = sorted(table.schema, key=lambda field: field.name.encode())
        for row in table.to_pylist():
            present = [(field.name, text_of(row[field.name], field.type)) for field in fields if row[field.name] is not None]
            digest.update(netstring(b"".join(netstring(column.encode()) + netstring(text) for column, text in present)))
    return digest.hexdigest()


def of_case(tables: dict[str, str]) -> str:
    """Digests the digests of the derived tables; leaves out two newer ones if they have no rows."""
    for newer in ("container_exit", "disagreement"):
        if tables.get(newer) == hashlib.sha256(netstring(newer.encode())).hexdigest():
            tables = {table: text for table, text in tables.items() if table != newer}
    return hashlib.sha256(b"".join(netstring(t.encode()) + netstring(tables[t].encode()) for t in sorted(tables))).hexdigest()
