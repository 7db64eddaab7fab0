"""Computes the roots of a case's parts, and checks the proof of an excerpt; written from docs/case-format.md alone
("Roots and leaves", "Excerpts").

Usage: roots.py CASE [EXCERPT]

Ends with 1 and one line about the first part whose root is another.
"""

import hashlib
import json
import re
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from digest import netstring, text_of

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "case-format.md"


class Broken(Exception):
    """A root or a proof that does not hold."""


def sha256(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def text_groups() -> dict[str, list[list[str]]]:
    """Reads the lists of text groups out of the document."""
    groups = {}
    section = DOCUMENT.read_text(encoding="utf-8").split("## Roots and leaves")[1].split("\n## ")[0]
    for table, cell in re.findall(r"^\| (events|cgroupfs|runtime) \| (.*) \|$", section, re.MULTILINE):
        groups[table] = [re.findall(r"`(\w+)`", group) for group in re.findall(r"\([^)]*\)|`\w+`", cell)]
    return groups


GROUPS = text_groups()


def value_text(value: object, kind: pa.DataType) -> bytes:
    """Returns the text of a value; that of a struct is that of a row."""
    if pa.types.is_list(kind):
        return b"".join(netstring(value_text(element, kind.value_type)) for element in value)
    if pa.types.is_struct(kind):
        fields = sorted((field.name.encode(), value[field.name], field.type) for field in kind if value[field.name] is not None)
        return b"".join(netstring(name) + netstring(value_text(one, of)) for name, one, of in fields)
    return text_of(value, kind)


def rows(part: Path) -> tuple[dict[str, pa.DataType], list[dict]]:
    table = pq.read_table(part)
    for index, field in enumerate(table.schema):
        if pa.types.is_timestamp(field.type):
            table = table.set_column(index, field.name, table.column(index).cast(pa.int64()))
    return {field.name: field.type for field in table.schema}, table.to_pylist()


def salt(seed: bytes, seq: int, group: int) -> bytes:
    both = sha256(seed, seq.to_bytes(8, "big"), bytes([group // 2]))
    return both[16:] if group % 2 else both[:16]


def group_text(row: dict, kinds: dict[str, pa.DataType], columns: list[str]) -> bytes | None:
    """Returns what a commitment covers after the salt; None if all columns are null."""
    if all(row.get(column) is None for column in columns):
        return None
    texts = ("-".encode() if row.get(c) is None else netstring(value_text(row[c], kinds[c])) for c in columns)
    return b"".join(texts)


def leaf(table: str, row: dict, kinds: dict[str, pa.DataType], commitments: dict[str, bytes]) -> bytes:
    grouped = {column for group in GROUPS[table] for column in group}
    entries = {name: netstring(value_text(value, kinds[name])) for name, value in row.items() if value is not None and name not in grouped}
    entries |= commitments
    names = sorted(entries, key=str.encode)
    shape = sha256(netstring(table.encode()), *(netstring(name.encode()) for name in names))
    return sha256(b"\0", shape, *(entries[name] for name in names))


def root(leaves: list[bytes]) -> bytes:
    if not leaves:
        return sha256()
    if len(leaves) == 1:
        return leaves[0]
    left = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\1", root(leaves[:left]), root(leaves[left:]))


def check_case(case: Path) -> int:
    manifest = json.loads((case / "case.json").read_text(encoding="utf-8"))
    seed = bytes.fromhex(manifest["salt_seed"])
    parts = [part for part in manifest["parts"] if part["file"].startswith("raw/")]
    for part in parts:
        table = part["table"]
        kinds, records = rows(case / part["file"])
        leaves = []
        for row in records:
            commitments = {}
            for number, columns in enumerate(GROUPS[table]):
                text = group_text(row, kinds, columns)
                if text is not None:
                    commitments[columns[0]] = sha256(salt(seed, row["seq"], number), text)
            leaves.append(leaf(table, row, kinds, commitments))
        if root(leaves).hex() != part["root"]:
            raise Broken(f"{part['file']}: root {root(leaves).hex()} here, {part['root']} in case.json")
    return len(parts)


def proven_root(first: int, count: int, known: dict[int, bytes], nodes: list[bytes]) -> bytes:
    if not any(first <= row < first + count for row in known):
        return nodes.pop(0)
    if count == 1:
        return known[first]
    left = 1 << (count - 1).bit_length() - 1
    return sha256(b"\1", proven_root(first, left, known, nodes), proven_root(first + left, count - left, known, nodes))


def check_excerpt(excerpt: Path) -> int:
    proof = json.loads((excerpt / "excerpt.json").read_text(encoding="utf-8"))
    entries = {part["file"]: part for part in proof["parent"]["parts"]}
    found = {}
    for part in sorted((excerpt / "raw").glob("*/*.parquet")):
        table = part.name.rsplit("-", 1)[0]
        kinds, records = rows(part)
        found |= {row["seq"]: (table, row, kinds) for row in records}
    proven = 0
    for part in proof["parts"]:
        known = {}
        for record in part["records"]:
            table, row, kinds = found[record["seq"]]
            commitments = {}
            for columns in GROUPS[table]:
                how = record.get("texts", {}).get(columns[0])
                if how and "salt" in how:
                    commitments[columns[0]] = sha256(bytes.fromhex(how["salt"]), group_text(row, kinds, columns))
                elif how:
                    commitments[columns[0]] = bytes.fromhex(how["commitment"])
            known[record["row"]] = leaf(table, row, kinds, commitments)
        nodes = [bytes.fromhex(node) for node in part["nodes"]]
        entry = entries[part["file"]]
        computed = proven_root(0, entry["rows"], known, nodes).hex()
        if nodes or computed != entry["root"]:
            raise Broken(f"{part['file']}: the excerpt's records lead to {computed}, the root is {entry['root']}")
        proven += len(known)
    if proven != len(found):
        raise Broken(f"{excerpt}: {len(found) - proven} records are not proven")
    return proven


def main() -> int:
    try:
        print(f"{check_case(Path(sys.argv[1]))} roots")
        if len(sys.argv) > 2:
            print(f"{check_excerpt(Path(sys.argv[2]))} records proven")
    except Broken as broken:
        print(broken, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
