#!/usr/bin/env bash
# Runs every benchmark and writes what it printed to benches/RESULTS.md, with the machine, the kernel, the commit and the command
# of each. Without arguments in less than half an hour; FULL=1 takes the sizes that the targets are about, and hours.
# ONLY="identify replay" runs some. As root, or what needs root is left out. Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

# name and arguments, one a line
plans="identify 15
replay 2000000 7
growth 10000 10000000
storm 3 7
containers 20 7
idle 3"
if [ "${FULL:-}" = 1 ]; then
    plans="identify 31
replay 10000000 7
growth 100000 100000000
storm 60 7
containers 500 7
idle 10"
fi

cargo bench --locked --no-run
results="benches/RESULTS.md"
written="$(mktemp)"
trap 'rm -f "$written"' EXIT
# Changes that are not committed are part of what is measured; its results are not.
commit="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
git diff --quiet HEAD -- . ":!$results" 2>/dev/null || commit="$commit with changes"
{
    echo "# Measured"
    echo
    echo "Written by \`make bench\`${FULL:+ with \`FULL=1\`} on $(date -u +%Y-%m-%d). Medians, with the lowest and the highest in parentheses. Times are of this"
    echo "machine at that hour; compare what stands in one table. What each benchmark does is said at the head of its source."
    echo
    echo "| | |"
    echo "|---|---|"
    echo "| commit | $commit |"
    echo "| processor | $(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores |"
    echo "| memory | $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo) |"
    echo "| kernel | $(uname -r), $(uname -m) |"
    echo "| cgroups | $(grep -c ' - cgroup ' /proc/self/mountinfo || true) v1 hierarchies, $(grep -c ' - cgroup2 ' /proc/self/mountinfo || true) v2 mounts |"
    echo "| compiler | $(rustc --version) |"
    echo "| beside | $(perf --version 2>/dev/null || echo 'no perf'), $(bpftrace --version 2>/dev/null || echo 'no bpftrace'), $(target/venv/bin/python -c 'import duckdb; print("DuckDB", duckdb.__version__)' 2>/dev/null || echo 'no DuckDB') |"
} >"$written"

failed=()
while read -r name arguments; do
    case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
    printf '\n==> %s %s\n' "$name" "$arguments" >&2
    printf '\n## %s\n`cargo bench --bench %s -- %s`, load before: %s\n\n' \
        "${name^}" "$name" "$arguments" "$(cut -d' ' -f1-3 /proc/loadavg)" >>"$written"
    # shellcheck disable=SC2086 # the arguments are words
    if ! cargo bench --locked --quiet --bench "$name" -- $arguments </dev/null | tee -a "$written"; then
        failed+=("$name")
        printf '\nThis one failed.\n' >>"$written"
    fi
done <<<"$plans"

cp "$written" "$results"
echo "wrote $results" >&2
[ ${#failed[@]} -eq 0 ] || { echo "failed: ${failed[*]}" >&2; exit 1; }
