"""Validates events by the JSON Schema of OCSF's class Process Activity, and compares them with rows.

Usage: check_ocsf.py OBIT_REPLAY CASE...

The schema is that of OCSF 1.8.0, with the profiles container and host, as the package ocsf-json-schema makes it.
"""

import json
import re
import sys

import jsonschema
from common import EVENTS, Findings, check_cases, documented, export_lines, fields_of, nanoseconds, rows
from ocsf_json_schema.embedded import OcsfJsonSchemaEmbedded
from ocsf_json_schema.loader import get_ocsf_schema

ACTIVITIES = {"container_create": 1, "container_exit": 2}
MILLISECONDS = {"created_at": ["start_time"], "started_at": ["process.created_time"], "exited_at": ["end_time", "process.terminated_time"]}


def at(document: dict, path: str):
    for name in path.split("."):
        if not isinstance(document, dict) or name not in document:
            return None
        document = document[name]
    return document


SCHEMA = OcsfJsonSchemaEmbedded(get_ocsf_schema("1.8.0")).get_class_schema("process_activity", ["container", "host"])
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check(program: str, case: str, findings: Findings) -> None:
    events = [json.loads(line) for line in export_lines(program, case, "ocsf")]
    for event in events:
        findings.equal([error.message for error in VALIDATOR.iter_errors(event)], [], f"{case}: errors by the schema")
        findings.equal(event["type_uid"], event["class_uid"] * 100 + event["activity_id"], f"{case}: type_uid")
    mapping = documented("ocsf")
    tables = rows(program, case)
    for table in EVENTS:
        of_table = [event for event in events if event["metadata"]["log_name"] == table]
        findings.equal(len(of_table), len(tables[table]), f"{case}: events of {table}")
        for row, event in zip(tables[table], of_table):
            where = f"{case}: {table} {row['seq']}"
            findings.equal(event["activity_id"], ACTIVITIES.get(table, 99), f"{where}: activity")
            for column, value in row.items():
                for field in fields_of(column, mapping):
                    expected = value
                    if field == "time":
                        expected = nanoseconds(value) // 1_000_000
                    elif column == "labels":
                        expected = [f"{key}={label}" for key, label in value.items()]
                    findings.equal(at(event, field), expected, f"{where}: {field}")
            for column, fields in MILLISECONDS.items():
                for field in fields:
                    expected = nanoseconds(row[column]) // 1_000_000 if column in row else None
                    findings.equal(at(event, field), expected, f"{where}: {field}")
            findings.equal(at(event, "duration"), row["lifetime_ns"] // 1_000_000 if "lifetime_ns" in row else None, f"{where}: duration")
            killer = {"container_create": "created", "container_exit": "killed", "container_remove": "removed"}.get(table)
            findings.equal(at(event, "actor.process.pid"), row.get(f"{killer}_by_pid"), f"{where}: actor")
            id = row.get("image_id", row.get("image_digest"))
            findings.equal(at(event, "process.container.image"), {"uid": id} | ({"name": row["image_name"]} if "image_name" in row else {}) if id else None, f"{where}: image")
            uuid = row.get("pod_uid", "")
            uuid = uuid if re.fullmatch(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", uuid) else None
            findings.equal(at(event, "process.container.pod_uuid"), uuid, f"{where}: pod_uuid")


if __name__ == "__main__":
    sys.exit(check_cases(check))
