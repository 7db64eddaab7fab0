#!/usr/bin/env bash
# Runs the static programs on a root file system that holds only them and is mounted read-only.
# Needs root. Usage: packaging/static-check.sh
#
# A recording must come to its end and verify there, and must have written nothing but the case.
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(id -u)" -ne 0 ]; then echo "static-check: needs root" >&2; exit 1; fi
for program in obit-capture obit-replay; do [ -x "target/static/$program" ] || { echo "static-check: make static" >&2; exit 1; }; done

room="$(mktemp -d)"
trap 'rm -rf --one-file-system "$room"' EXIT
mkdir "$room/case" "$room/root"
# A mount namespace of its own: its mounts go with it.
unshare --mount --propagation private bash -euo pipefail -s "$room" <<'INSIDE'
room="$1"; root="$room/root"
mount -t tmpfs -o mode=755 tmpfs "$root"
mkdir "$root"/{obit,proc,sys,run,case}
cp target/static/obit-capture target/static/obit-replay "$root/obit/"
mount --rbind /proc "$root/proc"
mount --rbind /sys "$root/sys"
mount --bind "$room/case" "$root/case"
mount -o remount,ro "$root"
# Only the file system of the case can be written; /proc is left as it is.
while read -r _ _ _ _ point _; do
    case "$point" in "$root"/sys*) mount -o remount,bind,ro "$point" ;; esac
done </proc/self/mountinfo
inside() { chroot "$root" "$@"; }
inside /obit/obit-capture check --output /case
inside /obit/obit-capture run --output /case --duration 1s
inside /obit/obit-replay verify /case
if inside /obit/obit-capture run --output /other --duration 1s 2>/dev/null; then echo "static-check: wrote outside of the case" >&2; exit 1; fi
INSIDE
[ -s "$room/case/SHA256SUMS" ]
(cd "$room/case" && sha256sum --quiet -c SHA256SUMS)
echo "static: ran from a read-only mount with nothing else on it, and wrote only the case"
