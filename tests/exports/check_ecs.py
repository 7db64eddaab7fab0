"""Compares documents of the Elastic Common Schema with rows, and their fields with the published list.

Usage: check_ecs.py OBIT_REPLAY CASE...

ecs_fields.tsv has the fields of ECS 9.4.0 that may be used. The index template must give each field that a document has a type
that holds its values.
"""

import json
import sys
from pathlib import Path

from common import EVENTS, TIMES, Findings, check_cases, documented, export, export_lines, fields_of, nanoseconds, rows

HERE = Path(__file__).parent
TEMPLATE = HERE.parents[1] / "packaging/elastic/index-template.json"
# A date of nanoseconds is the same field, more precise; a flattened object makes no field of each label.
REFINED = {"date": "date_nanos", "object": "flattened"}


def published() -> dict[str, tuple[str, bool, list[str]]]:
    fields = {}
    for line in (HERE / "ecs_fields.tsv").read_text(encoding="utf-8").splitlines()[1:]:
        name, kind, normalized, allowed = line.split("\t")
        fields[name] = (kind, normalized == "array", allowed.split(",") if allowed else [])
    return fields


def holds(kind: str, value) -> bool:
    if isinstance(value, list):
        return all(holds(kind, element) for element in value)
    match kind:
        case "keyword" | "match_only_text":
            return isinstance(value, str)
        case "long":
            return type(value) is int and -(2**63) <= value < 2**63
        case "unsigned_long":
            return type(value) is int and 0 <= value < 2**64
        case "boolean":
            return isinstance(value, bool)
        case "date_nanos":
            return isinstance(value, str) and 0 <= nanoseconds(value) < 2**63
        case "flattened":
            return isinstance(value, dict) and all(isinstance(label, str) for label in value.values())
    return False


FIELDS = published()
INDEX = json.loads(TEMPLATE.read_text(encoding="utf-8"))["template"]["mappings"]["properties"]
INDEX_TYPES = {name: field["type"] for name, field in INDEX.items()}


def check(program: str, case: str, findings: Findings) -> None:
    lines = export_lines(program, case, "ecs")
    # json refuses no repeated name, Elasticsearch does.
    pairs = [json.loads(line, object_pairs_hook=lambda pairs: pairs) for line in lines]
    for document in pairs:
        names = [name for name, _ in document]
        findings.equal(len(names), len(set(names)), f"{case}: names of fields")
    documents = [json.loads(line) for line in lines]
    bulk = export(program, case, "ecs-bulk").decode().split("\n")[:-1]
    findings.equal(bulk, [part for line in lines for part in ('{"create":{}}', line)], f"{case}: ecs-bulk")
    for document in documents:
        for name, value in document.items():
            kind = INDEX_TYPES.get(name)
            findings.true(kind is not None and holds(kind, value), f"{case}: {name}, {value!r} in the index template")
            if name.startswith("obit."):
                continue
            findings.true(name in FIELDS, f"{case}: {name} is a field of ECS")
            kind, is_list, allowed = FIELDS.get(name, ("", False, []))
            findings.equal(INDEX_TYPES.get(name), REFINED.get(kind, kind), f"the index template: {name}")
            findings.equal(isinstance(value, list), is_list, f"{case}: {name} as a list")
            if allowed:
                findings.true(set(value if is_list else [value]) <= set(allowed), f"{case}: {name} {value!r} is allowed")

    mapping = documented("ecs")
    tables = rows(program, case)
    for event in EVENTS:
        of_table = [document for document in documents if document["event.dataset"] == f"obit.{event}"]
        findings.equal(len(of_table), len(tables[event]), f"{case}: documents of {event}")
        for row, document in zip(tables[event], of_table):
            for column, value in row.items():
                for field in fields_of(column, mapping):
                    expected = [value] if field == "container.image.hash.all" else value
                    findings.equal(document.get(field), expected, f"{case}: {event} {row['seq']} {column}")
                    if column in TIMES:
                        findings.equal(nanoseconds(document[field]), nanoseconds(value), f"{case}: {column}")


if __name__ == "__main__":
    sys.exit(check_cases(check))
