#!/usr/bin/env bash
# Builds the image's final stage, as the Containerfile has it, around the static programs; runs a container of it with exactly
# the options that the Containerfile names; and has it record this host's containers.
# Needs root, podman, runc, busybox-static, and `make static`. Usage: packaging/container/test.sh
#
# No registry is asked: the stage that compiles is stood for by a directory with its result (--build-context), and podman
# leaves a stage out that nothing depends on.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

stop() { printf 'image test: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || stop "needs root"
for program in podman runc busybox; do command -v "$program" >/dev/null || stop "$program is missing: scripts/setup.sh test"; done
for program in obit-capture obit-replay; do [ -x "target/static/$program" ] || stop "target/static/$program is missing: make static"; done

# A capture sees the cgroups of the whole host: not while the live tests run.
exec 9>"${TMPDIR:-/tmp}/obit-live-tests.lock"
flock 9
room="$(mktemp -d)"
trap 'rm -rf --one-file-system "$room"' EXIT
# Engines of this test alone: a mount namespace with a /run and a storage of its own.
unshare --mount --propagation private bash -euo pipefail -s "$room" 9>&- <<'INSIDE'
room="$1"
stop() { printf 'image test: %s\n' "$*" >&2; exit 1; }
mount -t tmpfs -o mode=755 tmpfs /run
mount -t tmpfs -o mode=1777 tmpfs /dev/shm
mkdir -p "$room"/{storage,obit,build/source/target/static,bundle/rootfs/bin} /run/lock /var/lib/containers
mount --bind "$room/storage" /var/lib/containers

cp target/static/obit-capture target/static/obit-replay "$room/build/source/target/static/"
podman build --quiet --build-context build="$room/build" -f packaging/container/Containerfile -t obit . >/dev/null ||
    stop "podman cannot build the final stage"
found="$(podman save obit | tar -xO --wildcards '*.tar' 2>/dev/null | tar -t --ignore-zeros | sort -u | tr '\n' ' ')"
[ "$found" = "obit-capture obit-replay " ] || stop "the image holds something else: $found"

# The command that the Containerfile and the DaemonSet agree on, word by word, for podman and with what root of a small virtual
# machine may set. Podman 4's seccomp profile knows no CAP_BPF, see the Containerfile.
mapfile -t words < <(sed -n '/^#   docker run /,/ run --host-root /s/^# *//p' packaging/container/Containerfile | tr -d '\\' | xargs -n 1)
[ "${words[0]} ${words[1]}" = "docker run" ] || stop "the Containerfile names no command"
own=(podman --runtime=runc --cgroup-manager=cgroupfs run --name recorder --cgroup-parent=/obit-image --ulimit=nofile=1024:1024 --ulimit=nproc=1000:1000
    --security-opt=seccomp=unconfined)
command=("${own[@]}" "${words[@]:2}")
command=("${command[@]/#\/var\/lib\/obit:/$room/obit:}")

cp "$(command -v busybox)" "$room/bundle/rootfs/bin/busybox"
(cd "$room/bundle" && runc spec)
sed -i -e 's/"terminal": true/"terminal": false/' -e 's|"sh"$|"/bin/busybox", "sleep", "1000"|' "$room/bundle/config.json"
live=()
clean_up() {
    podman kill --signal KILL recorder >/dev/null 2>&1 || true
    local container
    for container in "${live[@]}"; do runc delete --force "$container" 2>/dev/null || true; done
    # podman makes these and leaves them.
    find /sys/fs/cgroup -maxdepth 3 -depth -type d \( -path '*/obit-image/conmon' -o -name obit-image \) -exec rmdir {} \; 2>/dev/null || true
}
trap clean_up EXIT
start() { live+=("$1"); runc run --detach --bundle "$room/bundle" "$1" </dev/null >"$room/$1.log" 2>&1 || stop "runc: $(cat "$room/$1.log")"; }

start obit-image-before
: >"$room/err"
"${command[@]}" >"$room/out" 2>>"$room/err" & recorder=$!
tries=0
until grep -q '^recording to ' "$room/err"; do
    kill -0 "$recorder" 2>/dev/null || stop "the container has ended: $(cat "$room/err")"
    tries=$((tries + 1)); [ "$tries" -lt 1200 ] || stop "it is not recording: $(cat "$room/err")"
    sleep 0.05
done
start obit-image-seen
runc delete --force obit-image-seen
runc delete --force obit-image-before
podman kill --signal TERM recorder >/dev/null
wait "$recorder" || stop "the recorder ended with $?: $(cat "$room/err")"

case="$(ls -d "$room"/obit/*)"
target/static/obit-replay verify "$case" >/dev/null || stop "the case does not verify"
for id in obit-image-before obit-image-seen; do
    row="$(target/static/obit-replay derive "$case" --format jsonl | grep "\"container_id\":\"$id\"")" || stop "the end of $id is not in the case"
    case "$row" in *'"runtime":"runc"'*) ;; *) stop "$id is not known as runc's: $row" ;; esac
    # The host's file of it was read, by way of the mounts that the container was given.
    case "$row" in *'"identified_by":"path"'*) stop "$id is known by its path only: $row" ;; esac
done
INSIDE
echo "image: built from scratch and two programs; a container of it recorded this host's containers"
