#!/usr/bin/env bash
# Runs every check, also after one has failed, and lists the failed ones at the end. Exits with 1
# if one failed.
#
# The live tests (tests/live) record real containers and need root. Another user runs them through
# sudo, if that asks for no password; otherwise they do not run, and this script says so and fails
# (with OBIT_SKIP_LIVE=1 it only says so).
set -euo pipefail
cd "$(dirname "$0")/.."

failed=()
check() { # name command...
    printf '\n==> %s\n' "$1" >&2
    "${@:2}" || failed+=("$1")
}
tests=(cargo test --locked --no-fail-fast)

check "formatting" cargo fmt --all -- --check
check "lints" cargo clippy --locked --workspace --all-targets -- -D warnings
check "lints without the capture feature" cargo clippy --locked --workspace --all-targets --no-default-features -- -D warnings
check "instructions of the inner loops" scripts/guard.sh
check "licences, duplicates and sources of the packages, and advisories if there is a database" scripts/deny.sh

if [ "$(id -u)" -eq 0 ]; then
    check "tests" "${tests[@]}"
elif [ "${OBIT_SKIP_LIVE:-}" != 1 ] && sudo -n true 2>/dev/null; then
    check "tests" env OBIT_SKIP_LIVE=1 "${tests[@]}"
    triple="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
    check "live tests, through sudo" \
        env "CARGO_TARGET_${triple}_RUNNER=sudo -n env PATH=$PATH" "${tests[@]}" --test live
else
    check "tests" env OBIT_SKIP_LIVE=1 "${tests[@]}"
    printf '\nNOT RUN, because they need root: the live tests (tests/live)\n' >&2
    printf 'Run them with: sudo make test   (or set OBIT_SKIP_LIVE=1 to accept a run without them)\n' >&2
    [ "${OBIT_SKIP_LIVE:-}" = 1 ] || failed+=("live tests (not run)")
fi

check "the Python package" scripts/test-python.sh

if [ ${#failed[@]} -gt 0 ]; then
    printf '\nFAILED: %s\n' "${failed[@]}" >&2
    exit 1
fi
printf '\nall checks passed\n' >&2
