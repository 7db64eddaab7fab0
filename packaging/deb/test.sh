#!/usr/bin/env bash
# Installs the package, runs its programs and removes it, all in a throw-away layer above this
# host's own files.
# Needs root and a Debian or Ubuntu host. Usage: packaging/deb/test.sh [PACKAGE]
#
# Without systemd as process 1, systemctl cannot start the unit here: the unit's command runs as
# it stands, with the unit's capabilities and no more.
set -euo pipefail
cd "$(dirname "$0")/../.."

stop() { printf 'deb test: %s\n' "$*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || stop "needs root"
grep -qw overlay /proc/filesystems || modprobe overlay || stop "this kernel has no overlayfs"
package="${1:-$(ls -t target/obit_*.deb 2>/dev/null | head -n 1)}"
[ -s "$package" ] || stop "no package: make deb"

room="$(mktemp -d)"
trap 'rm -rf --one-file-system "$room"' EXIT
cp "$package" "$room/obit.deb"
unshare --mount --propagation private bash -euo pipefail -s "$room" <<'INSIDE'
room="$1"; root="$room/root"
stop() { printf 'deb test: %s\n' "$*" >&2; exit 1; }
mkdir "$root" "$room/layers"
mount -t tmpfs tmpfs "$room/layers"
mkdir "$room/layers/upper" "$room/layers/work"
mount -t overlay -o "lowerdir=/,upperdir=$room/layers/upper,workdir=$room/layers/work" overlay "$root"
for tree in proc sys dev; do mount --rbind "/$tree" "$root/$tree"; done
mount -t tmpfs tmpfs "$root/run"
cp "$room/obit.deb" "$root/obit.deb"
inside() { chroot "$root" "$@"; }

inside dpkg -i /obit.deb >/dev/null
[ -z "$(inside dpkg --verify obit)" ] || stop "files differ from the package's list"
for package in parquet libbpf-sys ssh-key; do
    grep -q "pkg:cargo/$package@" "$root/usr/share/doc/obit/obit.cdx.json" || stop "the bill of materials lacks $package"
done
inside obit-capture --version
inside obit-replay --version
for page in obit-capture obit-capture-run obit-replay obit-replay-verify; do
    zcat "$root/usr/share/man/man1/$page.1.gz" | grep -q '^\.SH SYNOPSIS' || stop "$page(1) is no man page"
done
for program in obit-capture obit-replay; do
    inside bash -c "source /usr/share/bash-completion/completions/$program && complete -p $program" >/dev/null ||
        stop "bash does not complete $program"
    [ -s "$root/usr/share/zsh/vendor-completions/_$program" ] && [ -s "$root/usr/share/fish/vendor_completions.d/$program.fish" ]
done

# The service is off: nothing pulls the unit in.
[ -z "$(find "$root/etc/systemd/system" -name obit-capture.service 2>/dev/null)" ] || stop "the service is enabled"
unit="$root/usr/lib/systemd/system/obit-capture.service"
if inside sh -c 'command -v systemd-analyze' >/dev/null; then
    inside systemd-analyze verify --man=no obit-capture.service || stop "systemd-analyze does not like the unit"
    inside systemd-analyze security --offline=yes --threshold=30 obit-capture.service | tail -n 1
fi

# The installation made a key that only root can read, and a second one leaves it alone.
key="$root/etc/obit/signing_key"
[ "$(stat -c '%a %U' "$key")" = "600 root" ] || stop "the key is there for others too, or not at all"
fingerprint="$(ssh-keygen -l -f "$key.pub")"
inside dpkg -i /obit.deb >/dev/null
[ "$(ssh-keygen -l -f "$key.pub")" = "$fingerprint" ] || stop "a second installation changed the key"
printf 'recorder %s\n' "$(cut -d' ' -f1,2 "$key.pub")" >"$root/signers"

# The journal of this test: writes the messages that it gets into a file.
mkdir -p "$root/run/systemd/journal"
python3 - "$root/run/systemd/journal/socket" "$root/anchor" <<'JOURNAL' & journal=$!
import socket, sys
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind(sys.argv[1])
with open(sys.argv[2], "w") as anchor:
    while True:
        for field in journal.recv(65536).decode().splitlines():
            if field.startswith("MESSAGE="):
                print(field.removeprefix("MESSAGE="), file=anchor, flush=True)
JOURNAL
trap 'kill "$journal" 2>/dev/null || true' EXIT
tries=0
until [ -S "$root/run/systemd/journal/socket" ]; do
    kill -0 "$journal" 2>/dev/null || stop "the journal of this test ended by itself"
    tries=$((tries + 1)); [ "$tries" -lt 600 ] || stop "there is no journal"
    sleep 0.05
done

# The unit's command, with systemd's doubled percent signs made single.
command="$(sed -n 's/^ExecStart=//p' "$unit" | sed 's/%%/%/g')"
[ -n "$command" ] || stop "the unit's command is not understood"
input="$(sed -n 's/^StandardInput=file://p' "$unit")"
[ "$root$input" = "$key" ] || stop "the unit has another key: $input"
capabilities="$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')"
inside mkdir -m 700 /var/lib/obit
inside setpriv --no-new-privs --bounding-set "-all,$capabilities" sh -c "exec $command" <"$key" & recorder=$!
trap 'kill "$journal" $(cat "/proc/$recorder/task/$recorder/children" 2>/dev/null) 2>/dev/null || true' EXIT
# The journal of the case shows that it records; SIGTERM is what systemd sends.
tries=0
until compgen -G "$root/var/lib/obit/*/journal/events-*" >/dev/null; do
    kill -0 "$recorder" 2>/dev/null || stop "the service's command ended by itself"
    tries=$((tries + 1)); [ "$tries" -lt 600 ] || stop "the service's command is not recording"
    sleep 0.05
done
pid="$(cat "/proc/$recorder/task/$recorder/children")"; pid="${pid:-$recorder}"
# systemd signals the process that holds the key too.
kill -TERM $pid $(cat /proc/$pid/task/$pid/children)
wait "$recorder" || [ $? = 3 ] || stop "the service's command ended with $?"
inside sh -c 'obit-replay verify /var/lib/obit/* --signers /signers --anchor /anchor --require closed,signed,anchored' ||
    stop "the service's case is not signed and anchored as it should be"

inside dpkg -r obit >/dev/null
for left in usr/bin/obit-capture usr/bin/obit-replay usr/lib/systemd/system/obit-capture.service usr/share/man/man1/obit-capture.1.gz; do
    [ ! -e "$root/$left" ] || stop "/$left is still there after the removal"
done
compgen -G "$root/var/lib/obit/*/case.json" >/dev/null || stop "the removal took the case away"
inside dpkg -P obit >/dev/null
compgen -G "$root/var/lib/obit/*/case.json" >/dev/null || stop "the purge took the case away"
[ ! -e "$key" ] || stop "the purge left the private key"
compgen -G "$root/var/lib/obit/signing_key-*.pub" >/dev/null || stop "the purge took the public key away from the case"
INSIDE
echo "deb: installed, ran signed and anchored, removed; the case stayed"
