"""Parses log records with OpenTelemetry's own protobuf definitions, and compares them with rows.

Usage: check_otlp.py OBIT_REPLAY CASE...
"""

import sys

from common import EVENTS, TIMES, Findings, check_cases, documented, export_lines, fields_of, nanoseconds, rows
from google.protobuf import json_format
from opentelemetry.proto.logs.v1.logs_pb2 import LogsData

NAMES = dict(zip(EVENTS, ("create", "exit", "remove", "disagreement", "existing")))
RESOURCE = ("host.", "container.", "oci.", "k8s.")


def plain(value):
    """Returns an AnyValue as Python has it."""
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [plain(element) for element in value.array_value.values]
    return getattr(value, kind)


def attributes(pairs, findings: Findings, where: str) -> dict:
    names = [pair.key for pair in pairs]
    findings.equal(len(names), len(set(names)), f"{where}: names of attributes")
    return {pair.key: plain(pair.value) for pair in pairs}


def check(program: str, case: str, findings: Findings) -> None:
    records = []
    for line in export_lines(program, case, "otlp"):
        # Unknown fields are errors.
        data = json_format.Parse(line, LogsData())
        (of_resource,) = data.resource_logs
        (scope,) = of_resource.scope_logs
        (record,) = scope.log_records
        resource = attributes(of_resource.resource.attributes, findings, case)
        findings.true(all(name.startswith(RESOURCE) for name in resource), f"{case}: {resource.keys()} of the resource")
        records.append((record, resource | attributes(record.attributes, findings, case)))
    mapping = documented("otlp")
    for event, found in rows(program, case).items():
        of_event = [one for one in records if one[0].event_name == f"obit.container.{NAMES[event]}"]
        findings.equal(len(of_event), len(found), f"{case}: records of {event}")
        for row, (record, values) in zip(found, of_event):
            findings.true(record.body.string_value, f"{case}: a body")
            for column, value in row.items():
                where = f"{case}: {event} {row['seq']} {column}"
                if column == "labels":
                    expected = {f"container.label.{name}": label for name, label in value.items()}
                    findings.equal({name: label for name, label in values.items() if name.startswith("container.label.")}, expected, where)
                    continue
                for field in fields_of(column, mapping):
                    if field == "timeUnixNano":
                        findings.equal(record.time_unix_nano, nanoseconds(value), where)
                        continue
                    if isinstance(value, int) and value >= 2**63:
                        value = str(value)
                    findings.equal(values.get(field), value, where)
                    if column in TIMES:
                        findings.equal(nanoseconds(values[field]), nanoseconds(value), where)


if __name__ == "__main__":
    sys.exit(check_cases(check))
