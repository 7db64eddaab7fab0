#!/usr/bin/env bash
# Runs every benchmark and writes its output to benches/RESULTS.md, with the machine, the command
# and the commit.
#
# Takes half an hour; FULL=1 takes the sizes of the targets, in some ninety minutes.
# ONLY="identify storm" runs some, and keeps the tables of the others with their machine and
# commit. Run it as root, or the benchmarks that need root are left out. Nothing else should run
# meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

# One line each: name, benchmark and arguments.
plans="identify identify 15
replay replay 2000000 7
exports exports 2000000 5
growth growth 10000 10000000
storm storm 1 9
endurance storm lost 10
containers containers 20 15 5 9
idle idle 3"
if [ "${FULL:-}" = 1 ]; then
    plans="identify identify 31
replay replay 10000000 7
exports exports 10000000 3
growth growth 100000 100000000
storm storm 2 11
endurance storm lost 60
containers containers 50 31 10 51
idle idle 10"
fi

stop() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# Fail now, not after an hour.
if [ "$(id -u)" = 0 ]; then
    flock --nonblock /tmp/obit-live-tests.lock true || stop "a live test or another benchmark is running: wait for it"
fi
cargo bench --locked --no-run

results="benches/RESULTS.md"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Changes that are not committed are measured too; the results are not part of them.
commit="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
git diff --quiet HEAD -- . ":!$results" 2>/dev/null || commit="$commit with changes"
cat >"$work/head" <<'EOF'
# Measured

Written by `make bench`. A figure is a median; the head of its column says what the parentheses hold. The head of each benchmark's
source says what it does. Times are of one machine at one hour: above each table stand both, with how fast the machine was, by the
time of `identify`, which executes the same instructions each time. Compare figures of one table only.
EOF
version() { "$@" 2>/dev/null || echo "no $1"; }
duckdb="$(target/venv/bin/python -c 'import duckdb; print("DuckDB", duckdb.__version__)' 2>/dev/null || echo 'no DuckDB')"
machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), \
kernel $(uname -r), $(uname -m), $(grep -c ' - cgroup ' /proc/self/mountinfo || true) v1 hierarchies, \
$(grep -c ' - cgroup2 ' /proc/self/mountinfo || true) v2 mounts; $(rustc --version | cut -d' ' -f1-2), $(version perf --version), \
$(version bpftrace --version), $duckdb"

# Measures how fast the machine is now.
speed() { cargo bench --locked --quiet --bench identify -- 5 | sed -n 's/^| all of these | \([0-9.]*\).*/\1 ns a path/p'; }

# Prints the section of a file below a heading.
section() { awk -v heading="## $2" '/^#+ / { inside = ($0 == heading) } inside' "$1"; }

mkdir "$work/sections"
if [ -e "$results" ]; then
    while read -r name _; do section "$results" "${name^}" >"$work/sections/$name"; done <<<"$plans"
fi

# Writes the results after each benchmark, so that a later one may fail.
write() {
    local name
    cp "$work/head" "$work/results"
    while read -r name _; do
        # The command substitution drops empty lines at the end.
        [ ! -s "$work/sections/$name" ] || printf '\n%s\n' "$(<"$work/sections/$name")" >>"$work/results"
    done <<<"$plans"
    cp "$work/results" "$results"
}

failed=()
while read -r name bench arguments; do
    case " ${ONLY:-$name} " in *" $name "*) ;; *) continue ;; esac
    printf '\n==> %s\n' "$name" >&2
    began=$SECONDS
    # shellcheck disable=SC2016 # the backquotes are Markdown's
    printf '## %s\n`cargo bench --bench %s -- %s`, commit %s, %s, load before: %s, `identify`: %s  \n%s\n\n' "${name^}" \
        "$bench" "$arguments" "$commit" "$(date -u +%Y-%m-%d)" "$(cut -d' ' -f1-3 /proc/loadavg)" "$(speed)" "$machine" >"$work/section"
    # shellcheck disable=SC2086 # the arguments are words
    if cargo bench --locked --quiet --bench "$bench" -- $arguments </dev/null | tee -a "$work/section"; then
        cp "$work/section" "$work/sections/$name"
        write
    else
        # The older table stays: half a table is no result.
        failed+=("$name")
    fi
    printf '==> %s took %s s\n' "$name" $((SECONDS - began)) >&2
done <<<"$plans"

[ ${#failed[@]} -eq 0 ] || stop "failed: ${failed[*]}"
echo "wrote $results" >&2
