#!/usr/bin/env python3
"""Checks the recordings of the guests with the host's obit-replay and DuckDB, and prints the matrix of docs/kernels.md.

Usage: matrix.py --replay PROGRAM RESULT...     RESULT: a directory that tests/kernels/run.sh made
Exits with 1 if a guest's recording is not what its kernel can give.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys

import duckdb

CONTAINERS = ("first", "second", "third")
# Memory is charged and the process is alone: more than nothing, and less than the guest has.
GUEST_BYTES = 1 << 30
# The container's process writes this to memory: `tail` keeps it all, as it comes without a newline.
CONTAINER_BYTES = 8 << 20
# Written to a disk, and read from it, past the page cache: see bundle.json.
WRITTEN_BYTES, READ_BYTES = 4 << 16, 2 << 16
# Two more containers: `runc kill` kills one; the OOM killer kills the other, for a limit of its
# own.
KILLED, HOG = "killed", "hog"
SIGKILL = 9
# It lives while the clock is set an hour forth and then three back, and while the machine sleeps
# for four seconds or so.
AGELESS = "ageless"
STEPS_S, STEP_ERROR_S, LEAST_SLEEP_S, LONGEST_LIFE_S = (3600, -10800), 120, 2, 240


class Guest:
    """A boot: its configuration, its results, and the errors found in them."""

    def __init__(self, result, replay):
        self.kernel, self.mode, self.btf = result.name.rsplit("-", 2)
        self.home = result / "guest"
        self.replay = replay
        self.wrong = []
        self.row = {"kernel": self.kernel, "cgroups": self.mode, "BTF": self.btf}
        self.seconds = self.text(result / "seconds.txt")

    def text(self, path):
        path = self.home / path
        return path.read_text(errors="replace").strip() if path.exists() else ""

    def expect(self, what, is_so, otherwise=""):
        if not is_so:
            self.wrong.append(f"{what}{': ' if otherwise else ''}{otherwise}")

    def has_controller(self, name):
        """Returns True if this guest has the controller: Debian's kernels from 6.12 on have memory and cpuset on the v2 tree only."""
        return self.mode != "v1" or name not in self.text("refused").splitlines()

    def has_limit(self):
        """Returns True if runc can limit memory here: on a hybrid host it looks for the controller on v1 only."""
        return self.mode == "v2" or "memory" not in self.text("refused").splitlines()

    def verify(self, case):
        ran = subprocess.run([self.replay, "verify", self.home / case], capture_output=True, text=True)
        self.expect(f"verify {case} on the host", ran.returncode == 0, (ran.stdout + ran.stderr).strip())

    def derive(self, case):
        command = [self.replay, "derive", "--format", "jsonl", self.home / case]
        ran = subprocess.run(command, capture_output=True, text=True)
        self.expect(f"derive {case}", ran.returncode == 0, ran.stderr.strip())
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def check(self):
        lines = self.text("host.txt").splitlines()
        self.release = lines[0] if lines else "?"
        self.row["kernel"] = self.release
        if not lines:
            self.wrong.append("nothing came back")
            return
        wanted = {"own": "tp_btf", "file": "raw_tp", "none": "tracepoint"}[self.btf]
        self.expect("check", self.text("check.status") == "0", self.text("check.txt"))
        self.expect("check's load", f"loads and attaches ({wanted})" in self.text("check.txt"), self.text("check.txt"))
        says_so = "the tracepoints' own format is used" in " ".join(self.text("check.txt").split())
        self.expect("check says what is lost", says_so == (self.btf == "none"), self.text("check.txt"))
        self.expect("demo", self.text("demo.status") == "0", self.text("demo.txt"))
        self.expect("run", self.text("run.status") == "0", self.text("run.txt"))
        if not (self.home / "runc-case" / "case.json").exists() or not (self.home / "demo" / "case.json").exists():
            self.wrong.append("a case is missing")
            return
        for case in ("demo", "runc-case", "clock-case"):
            self.verify(case)
        options = json.loads(self.text("runc-case/case.json"))["options"]
        self.row["attached by"] = options["attach_type"]
        self.expect("attach type", options["attach_type"] == wanted, options["attach_type"])
        self.check_demo()
        self.check_runc()
        self.check_clock()

    def check_demo(self):
        # "made and removed on N hierarchies", and a line for each container.
        made = len(re.findall(r"^  a container of ", self.text("demo.txt"), re.MULTILINE))
        ended = self.derive("demo")
        self.expect("demo's ends", made > 0 and len(ended) == made, f"{made} made, {len(ended)} recorded")
        self.row["demo"] = f"{len(ended)}/{made}"

    def check_runc(self):
        status = self.text("runc.status").splitlines()
        names = [*CONTAINERS, KILLED, *([HOG] if self.has_limit() else [])]
        ended_well = [f"{name} 0" for name in names if name != HOG]
        self.expect("runc", [line for line in status if not line.startswith(HOG)] == ended_well, self.text("runc.txt"))
        self.expect("a limit", any(line.startswith(HOG) for line in status) == self.has_limit(), str(status))
        ended = self.derive("runc-case")
        by_id = {row["container_id"]: row for row in ended}
        if self.btf == "none":
            self.check_runc_without_btf(ended)
            return
        self.expect("ends", sorted(by_id) == sorted(names) and len(ended) == len(names), str(sorted(by_id)))
        self.row["runc"] = f"{sum(name in by_id for name in names)}/{len(names)}"
        if sorted(by_id) != sorted(names):
            return
        rows = [by_id[name] for name in CONTAINERS]
        self.expect("named by argv", all(row["identified_by"] == "oci_argv" for row in rows))
        self.expect("started", all(row["never_started"] is False for row in rows))
        self.expect("lifetime", all((row["lifetime_ns"] or 0) > 0 for row in rows))
        self.expect("emptied", all(row["emptied_at"] for row in rows))
        self.expect("removed by", all(row["removed_by_comm"] for row in rows))
        events = f"read_parquet('{self.home}/runc-case/raw/events/*.parquet')"
        with_argv = duckdb.sql(
            f"SELECT kind, bool_and(actor_argv IS NOT NULL) FROM {events} "
            "WHERE kind IN ('cgroup_mkdir', 'cgroup_rmdir') GROUP BY kind ORDER BY kind"
        ).fetchall()
        self.expect("argv", with_argv == [("cgroup_mkdir", True), ("cgroup_rmdir", True)], str(with_argv))
        self.row["argv"] = "yes" if all(all_have for _, all_have in with_argv) else "no"
        self.check_usage(rows)
        self.check_causes(rows, by_id[KILLED], by_id.get(HOG))

    def check_causes(self, rows, killed, hog):
        codes = [(row["cause"], row["exit_code"], row["oom_killed"]) for row in rows]
        self.expect("exit codes", codes == [("exited", 0, False)] * len(rows), str(codes))
        self.row["exit code"] = "yes" if all(code == 0 for _, code, _ in codes) else "no"
        sender = (killed["cause"], killed["exit_signal"], killed["killed_by_comm"])
        self.expect("the signal's sender", sender == ("killed_by_runtime", SIGKILL, "runc"), str(sender))
        self.row["sender"] = "yes" if killed["killed_by_comm"] else "no"
        if hog is None:
            return
        oom = (hog["cause"], hog["exit_signal"], hog["oom_killed"])
        self.expect("the OOM killer", oom == ("oom_killed", SIGKILL, True), str(oom))
        self.expect("OOMs counted", hog["ooms"] >= hog["oom_kills"] >= 1, f"{hog['ooms']}, {hog['oom_kills']} killed")
        self.row["OOM killed"] = "yes" if hog["oom_killed"] else "no"
        # Only kernels whose tracepoint names the victim's task show whose limit it was.
        self.expect("a limit's owner", hog["oom_limit_scope"] in (None, "own"), str(hog["oom_limit_scope"]))
        self.row["whose limit"] = "yes" if hog["oom_limit_scope"] else "no"

    def check_runc_without_btf(self, ended):
        """
        Without type information the arguments of processes are not seen, and only they tell that a directory of any name
        is a container of runc. Containers of engines are known by their paths: the demo's. The events are all there.
        """
        names = (*CONTAINERS, KILLED)
        self.row["runc"] = f"{len(ended)}/{len(names)}"
        events = f"read_parquet('{self.home}/runc-case/raw/events/*.parquet')"
        for kind in ("cgroup_mkdir", "cgroup_populated", "cgroup_empty", "cgroup_rmdir"):
            seen = duckdb.sql(
                f"SELECT DISTINCT parse_filename(path), actor_argv IS NULL AND actor_ppid IS NULL FROM {events} "
                f"WHERE kind = '{kind}' ORDER BY 1"
            ).fetchall()
            seen = [row for row in seen if row[0] != HOG]
            self.expect(kind, seen == sorted((name, True) for name in names), str(seen))

    def check_clock(self):
        """Checks that a set clock and a sleep are records, and that neither changes a container's age."""
        self.expect("run with clocks", self.text("clock.status") == "0", self.text("clock.txt"))
        events = f"read_parquet('{self.home}/clock-case/raw/events/*.parquet')"
        told = duckdb.sql(
            "SELECT clock_reason, clock_step_ns / 1e9, suspended_ns / 1e9 - lag(suspended_ns, 1, 0) OVER (ORDER BY seq) / 1e9 "
            f"FROM {events} WHERE kind = 'clock' AND clock_reason <> 'due' ORDER BY seq"
        ).fetchall()
        reasons = [reason for reason, _, _ in told]
        self.expect("why clocks were read", reasons == ["start", "set", "set", "resume", "stop"], str(told))
        steps = [step for reason, step, _ in told if reason == "set"]
        near = [abs(step - wanted) < STEP_ERROR_S for step, wanted in zip(steps, STEPS_S)] == [True] * len(STEPS_S)
        self.expect("how far it was set", near, str(steps))
        self.row["clock set"] = "yes" if near else "no"
        slept = [slept for reason, _, slept in told if reason == "resume"]
        self.expect("how long it slept", len(slept) == 1 and slept[0] >= LEAST_SLEEP_S, str(told))
        self.row["suspend"] = "yes" if slept else "no"
        if self.btf == "none":
            return
        ended = self.derive("clock-case")
        self.expect("an end", [row["container_id"] for row in ended] == [AGELESS], str(ended))
        for row in ended:
            age_s = row["lifetime_ns"] / 1e9
            self.expect("its age", row["ts"] < row["created_at"] and sum(slept) < age_s < LONGEST_LIFE_S, str(row))

    def check_usage(self, rows):
        number = tuple(int(part) for part in re.match(r"(\d+)\.(\d+)", self.release).groups())
        has_memory, has_pids = self.has_controller("memory"), self.has_controller("pids")
        # First kernel that has each: mem_cgroup.memory_events 4.20, pids_cgroup.watermark 6.1.
        # v1 has counters of its own for devices, which newer kernels start only where there is a
        # limit.
        expected = {
            "memory_peak_bytes": has_memory,
            "memory_usage_bytes": has_memory,
            "oom_kills": has_memory,
            "pids_peak": has_pids and number >= (6, 1),
            "cpu_usage_ns": True,
            "cpu_user_ns": None,
            "cpu_throttled_ns": True,
            "io_written_bytes": self.mode == "v2",
        }
        for field, is_expected in expected.items():
            there = [row[field] is not None for row in rows]
            self.row[field] = "yes" if all(there) else "some" if any(there) else "no"
            if is_expected is not None:
                self.expect(field, all(there) if is_expected else not any(there), str([row[field] for row in rows]))
        used = [(row["cpu_usage_ns"] or 0, row["lifetime_ns"]) for row in rows]
        self.expect("a plausible CPU time", all(0 < ns <= 2 * lifetime for ns, lifetime in used), str(used))
        parts = [row["cpu_user_ns"] + row["cpu_system_ns"] for row in rows if row["cpu_user_ns"] is not None]
        whole = [row["cpu_usage_ns"] for row in rows if row["cpu_user_ns"] is not None]
        self.expect("user and system time", parts == whole, f"{parts} of {whole}")
        # A limit of 50 ms in each 100 ms is soon used up under emulation.
        throttled = [(row["cpu_throttled_count"], row["cpu_throttled_ns"]) for row in rows]
        self.expect("throttled", all(count and ns for count, ns in throttled), str(throttled))
        if self.mode == "v2":
            io = [(row["io_written_bytes"], row["io_read_bytes"]) for row in rows]
            self.expect("written and read", io == [(WRITTEN_BYTES, READ_BYTES)] * len(rows), str(io))
        if has_memory:
            peaks = [row["memory_peak_bytes"] or 0 for row in rows]
            self.expect("a plausible peak", all(CONTAINER_BYTES <= peak < GUEST_BYTES for peak in peaks), str(peaks))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--replay", required=True)
    parser.add_argument("results", nargs="+", type=pathlib.Path)
    arguments = parser.parse_args()
    guests = [Guest(result, arguments.replay) for result in arguments.results]
    for guest in guests:
        guest.check()
    columns = list(dict.fromkeys(column for guest in guests for column in guest.row))
    print("| " + " | ".join(columns) + " |")
    print("|" + "---|" * len(columns))
    for guest in guests:
        print("| " + " | ".join(guest.row.get(column, "–") for column in columns) + " |")
    for guest in guests:
        for wrong in guest.wrong:
            print(f"WRONG {guest.kernel} {guest.mode} {guest.btf}: {wrong}", file=sys.stderr)
    return 1 if any(guest.wrong for guest in guests) else 0


if __name__ == "__main__":
    sys.exit(main())
