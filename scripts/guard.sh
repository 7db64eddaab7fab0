#!/usr/bin/env bash
# Counts the instructions of four inner loops under valgrind, and fails if one takes more than
# before: benches/instructions.tsv has the count of each and the tolerated growth. It counts
# instructions, not seconds: a busy or another machine changes only the last digits. With BLESS=1
# it writes the counts down instead of comparing them.
set -euo pipefail
cd "$(dirname "$0")/.."

command -v valgrind >/dev/null || { echo "guard: valgrind is missing: scripts/setup.sh test installs it" >&2; exit 1; }
expected=benches/instructions.tsv

# A profile of its own: optimised like a release, but built in a fraction of its time.
program="$(cargo bench --locked --quiet -p obit-case --profile guard --bench guard --no-run --message-format=json |
    python3 -c '
import json, sys
for line in sys.stdin:
    message = json.loads(line)
    if message.get("executable") and message["target"]["name"] == "guard":
        print(message["executable"])')"

work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
"$program" prepare "$work/case"

count() { # what passes: instructions
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$program" "$1" "$work/case" "$2" 2>&1 |
        sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

failed=0
result="$work/result"
grep '^#' "$expected" >"$result"
printf '%-10s %14s %14s %9s %10s\n' loop "instr./event" recorded change tolerated >&2
while IFS=$'\t' read -r what recorded tolerance; do
    once="$(count "$what" 1)"
    twice="$(count "$what" 2)"
    # 20,000 events a pass; see benches/guard.rs.
    found=$(((twice - once + 10000) / 20000))
    change="$(awk -v a="$found" -v b="$recorded" 'BEGIN { printf "%+.1f", (b > 0 ? (a / b - 1) * 100 : 0) }')"
    verdict=""
    if awk -v change="$change" -v tolerance="$tolerance" 'BEGIN { exit !((change + 0) > (tolerance + 0)) }'; then
        verdict="  MORE THAN TOLERATED"
        failed=1
    fi
    printf '%-10s %14s %14s %8s%% %9s%%%s\n' "$what" "$found" "$recorded" "$change" "$tolerance" "$verdict" >&2
    printf '%s\t%s\t%s\n' "$what" "$found" "$tolerance" >>"$result"
done < <(grep -v '^#' "$expected")

if [ "${BLESS:-}" = 1 ]; then
    cp "$result" "$expected"
    echo "guard: wrote $expected" >&2
elif [ $failed -ne 0 ]; then
    echo "guard: if the growth is intended, say why in the commit and record it with BLESS=1 scripts/guard.sh" >&2
    exit 1
fi
