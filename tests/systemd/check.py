#!/usr/bin/env python3
"""Checks the recording of the systemd guest: the rows are those of the started containers, with the paths that systemd gives.

Usage: check.py --replay PROGRAM RESULTS     RESULTS: a directory that tests/systemd/run.sh made
Exits with 1 if something is not as it should be, and says what.
"""

import argparse
import collections
import json
import pathlib
import re
import subprocess
import sys

# Path forms that this guest tests. Each is a container's own directory, as a real daemon and
# systemd made it.
FORMS = {
    "docker": r"/system\.slice/docker-[0-9a-f]{64}\.scope",
    "docker --cgroup-parent": r"/shop\.slice/docker-[0-9a-f]{64}\.scope",
    "podman": r"/machine\.slice/libpod-[0-9a-f]{64}\.scope",
    "podman in a pod": r"/machine\.slice/machine-libpod_pod_[0-9a-f]{64}\.slice/libpod-[0-9a-f]{64}\.scope",
    "podman, Quadlet": r"/system\.slice/quad\.service/libpod-payload-[0-9a-f]{64}",
    "podman, rootless": r"/user\.slice/user-1000\.slice/user@1000\.service/user\.slice/libpod-[0-9a-f]{64}\.scope",
    "containerd as nerdctl": r"/system\.slice/nerdctl-[0-9a-f]{64}\.scope",
    "containerd as nerdctl, elsewhere": r"/shop\.slice/nerdctl-[0-9a-f]{64}\.scope",
    "containerd, another name": r"/shop\.slice/ctr-[a-z0-9-]+\.scope",
    "containerd, CRI": r"/kubepods\.slice/kubepods-burstable\.slice/kubepods-burstable-pod[0-9a-f_]{36}\.slice"
    r"/cri-containerd-[0-9a-f]{64}\.scope",
    "runc": r"/system\.slice/runc-[a-z-]+\.scope",
    "systemd-nspawn": r"/machine\.slice/machine-booth\.scope",
}


class Checker:
    def __init__(self, replay, results):
        self.replay = replay
        self.results = results
        self.wrong = []

    def expect(self, what, is_so, otherwise=""):
        if not is_so:
            self.wrong.append(f"{what}: {otherwise}" if otherwise else what)

    def run(self, *arguments):
        return subprocess.run([self.replay, *arguments], capture_output=True, text=True)

    def rows(self, case, event):
        ran = self.run("derive", str(self.results / case), "--event", event, "--format", "jsonl")
        self.expect(f"derive {event}", ran.returncode == 0, ran.stderr)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def same(self, what, found, wanted):
        found, wanted = collections.Counter(found), collections.Counter(wanted)
        for extra in (found - wanted).elements():
            self.wrong.append(f"{what}: not expected: {extra}")
        for missing in (wanted - found).elements():
            self.wrong.append(f"{what}: missing: {missing}")

    def check(self):
        for case in ("case", "removed"):
            ran = self.run("verify", str(self.results / case))
            self.expect(f"verify {case}", ran.returncode == 0, ran.stdout + ran.stderr)
            manifest = json.loads((self.results / case / "case.json").read_text())
            self.expect(f"{case} was closed", manifest["state"] == "closed", manifest["state"])
        options = json.loads((self.results / "case/case.json").read_text())["options"]
        self.expect("attach type", options["attach_type"] == "tp_btf", str(options["attach_type"]))
        info = json.loads(self.run("info", "--format", "json", str(self.results / "case")).stdout)
        self.expect("nothing lost", info["counts"]["lost"] == 0, str(info["counts"]))

        lines = (self.results / "expected").read_text().splitlines()
        lives = [line.split("\t") for line in lines if not line.startswith("#")]
        self.expect("lives", len(lives) >= 20, str(len(lives)))
        who = lambda row: (row["runtime"], row["container_id"])
        for event, column, value in (("existing_container", 4, "before"), ("container_create", 4, "seen")):
            wanted = [(life[0], life[1]) for life in lives if life[column] == value]
            self.same(event, map(who, self.rows("case", event)), wanted)
        removed = self.rows("case", "container_remove")
        self.same(
            "container_remove",
            [
                (*who(row), *(row[name] or "-" for name in ("container_name", "containerd_namespace", "cause")))
                for row in removed
            ],
            [(*life[:4], life[7]) for life in lives if life[5] == "seen"],
        )
        for row in removed:
            self.check_row(row)
        self.check_forms(removed)

    def check_row(self, row):
        short = f"{row['runtime']} {row['container_id'][:12]}"
        self.expect(f"{short} started and was seen leaving", not (row["never_started"] or row["inferred"] or row["after_gap"]))
        self.expect(f"{short}: nobody disagrees about it", row["conflicts"] == [], str(row["conflicts"]))

    def check_forms(self, removed):
        print(f"{'as':<34}{'ends':>4}  identified by           cgroup path")
        for name, form in FORMS.items():
            ends = [row for row in removed if re.fullmatch(form, row["cgroup_path"])]
            self.expect(f"a container of {name}", ends, form)
            sources = ", ".join(sorted({row["identified_by"] for row in ends}))
            shown = re.sub(r"[0-9a-f]{64}", "ID", ends[0]["cgroup_path"]) if ends else "-"
            print(f"{name:<34}{len(ends):>4}  {sources:<22}  {shown}")
        known = [row for row in removed if any(re.fullmatch(form, row["cgroup_path"]) for form in FORMS.values())]
        for row in removed:
            self.expect("a path of a known form", row in known, row["cgroup_path"])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--replay", required=True)
    parser.add_argument("results", type=pathlib.Path)
    arguments = parser.parse_args()
    checker = Checker(arguments.replay, arguments.results)
    checker.check()
    for wrong in checker.wrong:
        print(f"WRONG {wrong}", file=sys.stderr)
    return 1 if checker.wrong else 0


if __name__ == "__main__":
    sys.exit(main())
