"""Asks cases for what the rules of packaging/sigma describe, by pySigma and DuckDB, and compares the matches.

Usage: check_sigma.py OBIT_REPLAY CASE...

sigma_matches.tsv has, for each rule, a case that has such ends and one that has none, as the stories of the cases tell. In
every case, rules that describe a reason of `obit-replay triage` must find the containers that it finds.
"""

import csv
import json
import sys
import tempfile
from pathlib import Path

from common import Findings, check_cases, run
from sigma.exceptions import SigmaTransformationError
from sigma.rule import SigmaRule

HERE = Path(__file__).parent
SIGMA = HERE.parents[1] / "packaging/sigma"
sys.path.insert(0, str(SIGMA))
from match import matches, open_tables, read_rules  # noqa: E402

RULES = read_rules([SIGMA / "rules"])
NAMES = {rule.id: Path(str(rule.source.path)).stem for rule in RULES.rules}
# Rules that say what triage says. That of exit codes is about one kind of contradiction, triage about all.
OF_TRIAGE = {"killed_from_container", "claimed_by_user", "oom_by_ancestor", "never_started", "ended_at_once", "not_removed"}
with (HERE / "sigma_matches.tsv").open(encoding="utf-8") as file:
    TOLD = list(csv.DictReader(file, delimiter="\t"))


def check_rules(findings: Findings) -> None:
    told = {(line["rule"], line["containers"] != "-") for line in TOLD}
    for name in NAMES.values():
        for has_match in (True, False):
            findings.true((name, has_match) in told, f"sigma_matches.tsv has a case of {name}, match {has_match}")
    findings.equal({line["rule"] for line in TOLD}, set(NAMES.values()), "rules of sigma_matches.tsv")
    findings.equal(len(NAMES), len(RULES.rules), "ids of rules")
    findings.equal([str(error) for rule in RULES.rules for error in rule.errors], [], "errors of rules")


def check(program: str, case: str, findings: Findings) -> None:
    with tempfile.TemporaryDirectory() as folder:
        database = open_tables(program, case, Path(folder))
        found = [(NAMES[rule.id], row) for rule, row in matches(database, RULES)]
        for rule in RULES.rules:
            columns = {column for (column,) in database.execute("SELECT column_name FROM duckdb_columns() WHERE table_name = $1", [rule.logsource.category]).fetchall()}
            findings.equal(set(rule.fields) - columns, set(), f"{NAMES[rule.id]}: fields that no view has")
        other = SigmaRule.from_dict(RULES.rules[0].to_dict() | {"logsource": {"product": "linux", "category": "process_creation"}})
        try:
            list(matches(database, type(RULES)([other])))
            findings.true(False, "a rule of another category is refused")
        except SigmaTransformationError:
            findings.true(True, "a rule of another category is refused")

    # The case is a folder of a fixture, which has its name.
    for line in TOLD:
        if line["case"] == Path(case).parent.name:
            expected = [] if line["containers"] == "-" else sorted(line["containers"].split(" "))
            of_rule = sorted(row.get("container_name", row["container_id"]) for name, row in found if name == line["rule"])
            findings.equal(of_rule, expected, f"{case}: {line['rule']}")

    suspects = json.loads(run(program, "triage", case, "--format", "json"))["suspects"]
    for name in OF_TRIAGE:
        of_triage = {suspect["container_id"] for suspect in suspects if name in suspect["reasons"]}
        findings.equal({row["container_id"] for rule, row in found if rule == name}, of_triage, f"{case}: {name}, and by triage")


def main() -> int:
    missing = {line["case"] for line in TOLD} - {Path(case).parent.name for case in sys.argv[2:]}
    if missing:
        raise SystemExit(f"sigma_matches.tsv tells of cases that are not given: {missing}")
    findings = Findings()
    check_rules(findings)
    return findings.end() or check_cases(check)


if __name__ == "__main__":
    sys.exit(main())
