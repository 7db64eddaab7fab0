#!/usr/bin/env python3
"""Compares builds of obit-capture under the same storm of cgroup directories, by turns. Needs root.

    scripts/compare_builds.py ROUNDS OLD NEW [OTHER…]

In each round every build records every storm once, for a second after half a second that is not
counted; who is first changes with the round. Prints for each storm and build the medians, and for
the builds after the first one the medians and 95 % intervals of the ratios within a round. CPU time
is that of the recorder and of all processes that it has started, from when it records.
"""

import os
import pathlib
import random
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

GROUND = next(p for p in map(pathlib.Path, ("/sys/fs/cgroup/unified", "/sys/fs/cgroup")) if (p / "cgroup.procs").exists())
WARM_S, STORM_S, IDLE_S = 0.5, 1.0, 20.0


def names(storm):
    """Yields the directories of a storm, below a cgroup of its own."""
    number = 1 << 200
    while True:
        number += 1
        yield {"plain": "x", "container-like": f"docker-{number:064x}.scope", "docker": f"docker/{number:064x}"}[storm]


def storm_for(seconds, ground, storm):
    """Makes and removes directories for that time. Returns the number of pairs, and the seconds that they took."""
    count, began, directories = 0, time.perf_counter(), names(storm)
    while time.perf_counter() - began < seconds:
        for _ in range(16):
            path = f"{ground}/{next(directories)}"
            os.mkdir(path)
            os.rmdir(path)
            count += 1
    return count, time.perf_counter() - began


def family(pid):
    """Returns a process and all that it has started."""
    pids = [pid]
    for parent in pids:
        for children in pathlib.Path(f"/proc/{parent}/task").glob("*/children"):
            pids.extend(int(child) for child in children.read_text().split())
    return pids


def task_sums(pid):
    """Returns the CPU time in seconds and the voluntary switches of a process's tasks, and of those it has started."""
    cpu_ns = switches = 0
    for one in family(pid):
        for task in pathlib.Path(f"/proc/{one}/task").iterdir():
            try:
                cpu_ns += int((task / "schedstat").read_text().split()[0])
                status = (task / "status").read_text()
            except FileNotFoundError:  # it has ended
                continue
            switches += int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])
    return cpu_ns / 1e9, switches


def turn(program, storm):
    """Records one storm. Returns what it cost."""
    scratch = pathlib.Path(tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp")))
    ground = GROUND / f"obit-compare-{os.getpid()}"
    (ground / "docker").mkdir(parents=True)
    try:
        command = [program, "run", "--output", scratch / "case"]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as recorder:
            while "recording" not in (line := recorder.stderr.readline()):
                if not line:
                    sys.exit(f"{program} does not record")
            if storm == "idle":
                time.sleep(1)
            cpu_before, switches_before = task_sums(recorder.pid)
            if storm == "idle":
                pairs, seconds, all_pairs = 0, IDLE_S, 0
                time.sleep(IDLE_S)
            else:
                warm, _ = storm_for(WARM_S, ground, storm)
                pairs, seconds = storm_for(STORM_S, ground, storm)
                all_pairs = warm + pairs
                time.sleep(1.5)  # what is on its way is written, and counted
            cpu, switches = task_sums(recorder.pid)
            recorder.send_signal(signal.SIGINT)
            said = recorder.stderr.read()
        if storm == "idle":
            return {"CPU, % of a core": (cpu - cpu_before) / seconds * 100, "wake-ups/s": (switches - switches_before) / seconds}
        if ", 0 lost" not in said:
            sys.exit(f"{program} has lost events: {said}")
        size = sum(path.stat().st_size for path in scratch.rglob("*") if path.is_file())
        return {
            "us a pair": seconds / pairs * 1e6,
            "CPU us an event": (cpu - cpu_before) / (2 * all_pairs) * 1e6,
            "bytes an event": size / (2 * all_pairs),
        }
    finally:
        (ground / "docker").rmdir()
        ground.rmdir()
        shutil.rmtree(scratch)


def interval(values):
    """Returns the 95 % interval of the median, by drawing anew from the values."""
    draw = random.Random(1)
    medians = sorted(statistics.median(draw.choices(values, k=len(values))) for _ in range(2000))
    return medians[49], medians[1949]


def main():
    rounds, programs = int(sys.argv[1]), sys.argv[2:]
    storms = os.environ.get("STORMS", "plain container-like docker").split()
    for storm in storms:
        costs = {program: [] for program in programs}
        for number in range(rounds):
            first = number % len(programs)
            for program in programs[first:] + programs[:first]:
                costs[program].append(turn(program, storm))
        print(f"{storm}, {rounds} rounds")
        for figure in costs[programs[0]][0]:
            base = [cost[figure] for cost in costs[programs[0]]]
            print(f"  {figure}: {pathlib.Path(programs[0]).name} {statistics.median(base):.2f}", end="")
            for program in programs[1:]:
                values = [cost[figure] for cost in costs[program]]
                ratios = [new / old for new, old in zip(values, base, strict=True)]
                low, high = interval(ratios)
                print(
                    f"; {pathlib.Path(program).name} {statistics.median(values):.2f}"
                    f" ({statistics.median(ratios) * 100 - 100:+.1f} %, {low * 100 - 100:+.1f} to {high * 100 - 100:+.1f})",
                    end="",
                )
            print(flush=True)


if __name__ == "__main__":
    main()
