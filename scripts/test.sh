#!/usr/bin/env bash
# Runs every test. The live ones (tests/live_*.rs) record real containers and need root: as another user they are run through
# sudo if that asks no password, else they are left out, which is said and fails (OBIT_SKIP_LIVE=1: is said only).
set -euo pipefail
cd "$(dirname "$0")/.."

test_all=(cargo test --locked --no-fail-fast)
live_names="$(cd tests && printf '%s ' live_*.rs)"

if [ "$(id -u)" -eq 0 ]; then
    "${test_all[@]}"
elif [ "${OBIT_SKIP_LIVE:-}" != 1 ] && sudo -n true 2>/dev/null; then
    echo "not root: the live tests run through sudo" >&2
    status=0
    OBIT_SKIP_LIVE=1 "${test_all[@]}" || status=$?
    triple="$(rustc -vV | sed -n 's/^host: //p' | tr 'a-z-' 'A-Z_')"
    env "CARGO_TARGET_${triple}_RUNNER=sudo -n env PATH=$PATH" "${test_all[@]}" --test 'live_*' || status=$?
    exit "$status"
else
    status=0
    OBIT_SKIP_LIVE=1 "${test_all[@]}" || status=$?
    {
        echo
        echo "NOT RUN, because they need root: $live_names"
        echo "Run them with: sudo make test   (or set OBIT_SKIP_LIVE=1 to accept that they did not run)"
    } >&2
    [ "${OBIT_SKIP_LIVE:-}" = 1 ] || exit 1
    exit "$status"
fi
