#!/usr/bin/env bash
# Runs every benchmark and writes what it printed to benches/RESULTS.md, of each with the machine, the command and the commit.
# Without arguments in half an hour; FULL=1 takes the sizes that the targets are about, in some ninety minutes.
# ONLY="identify storm" runs some; what was measured of the others before stays, with the machine and commit that it was measured
# of. As root, or what needs root is left out. Nothing else should run meanwhile.
set -euo pipefail
cd "$(dirname "$0")/.."

# name, benchmark and arguments, one a line
plans="identify identify 15
replay replay 2000000 7
growth growth 10000 10000000
storm storm 1 9
endurance storm lost 10
containers containers 20 15 5 9
idle idle 3"
if [ "${FULL:-}" = 1 ]; then
    plans="identify identify 31
replay replay 10000000 7
growth growth 100000 100000000
storm storm 2 11
endurance storm lost 60
containers containers 50 31 10 51
idle idle 10"
fi

stop() { printf 'bench: %s\n' "$*" >&2; exit 1; }

# Known now, and not when an hour has passed.
if [ "$(id -u)" = 0 ]; then
    flock --nonblock /tmp/obit-live-tests.lock true || stop "a live test or another benchmark is running: wait for it"
fi
cargo bench --locked --no-run

results="benches/RESULTS.md"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
# Changes that are not committed are part of what is measured; its results are not.
commit="$(git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)"
git diff --quiet HEAD -- . ":!$results" 2>/dev/null || commit="$commit with changes"
cat >"$work/head" <<'EOF'
# Measured

Written by `make bench`. Medians, and in parentheses what the head of the column says. What each benchmark does is said at the
head of its source. Times are of one machine at one hour, which stand above each table with how fast that was: the time of
`identify`, which is the same instructions each time. Compare what stands in one table.
EOF
version() { "$@" 2>/dev/null || echo "no $1"; }
duckdb="$(target/venv/bin/python -c 'import duckdb; print("DuckDB", duckdb.__version__)' 2>/dev/null || echo 'no DuckDB')"
machine="$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1), $(nproc) cores, $(awk '/^MemTotal/ { printf "%.0f GiB", $2 / 1048576 }' /proc/meminfo), \
kernel $(uname -r), $(uname -m), $(grep -c ' - cgroup ' /proc/self/mountinfo || true) v1 hierarchies, \
$(grep -c ' - cgroup2 ' /proc/self/mountinfo || true) v2 mounts; $(rustc --version | cut -d' ' -f1-2), $(version perf --version), \
$(version bpftrace --version), $duckdb"

# How fast the machine is now.
speed() { cargo bench --locked --quiet --bench identify -- 5 | sed -n 's/^| all of these | \([0-9.]*\).*/\1 ns a path/p'; }

# What stands in a file under a heading.
section() { awk -v heading="## $2" '/^#+ / { inside = ($0 == heading) } inside' "$1"; }

mkdir "$work/sections"
if [ -e "$results" ]; then
    while read -r name _; do section "$results" "${name^}" >"$work/sections/$name"; done <<<"$plans"
fi

# After each benchmark, so that what comes later can fail.
write() {
    local name
    cp "$work/head" "$work/results"
    while read -r name _; do
        # Through a command substitution, which drops the empty lines at the end.
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
        # What was measured before stays: half a table is no result.
        failed+=("$name")
    fi
    printf '==> %s took %s s\n' "$name" $((SECONDS - began)) >&2
done <<<"$plans"

[ ${#failed[@]} -eq 0 ] || stop "failed: ${failed[*]}"
echo "wrote $results" >&2
