#!/usr/bin/env bash
# Boots a Debian guest with systemd under qemu, in which the package's unit records while real
# engines run containers on their
# systemd drivers (tests/systemd/guest), and derives and checks the case here.
# Usage: tests/systemd/run.sh [--keep]     --keep: puts the case into
# fixtures/cases/v2-systemd-guest
# Needs: make deb, debootstrap and root (once, for the image), qemu-system-x86_64. Takes some
# minutes, emulated.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

replay="${OBIT_STATIC_DIR:-$PWD/target/static}/obit-replay"
limit_s="${OBIT_GUEST_LIMIT_S:-1800}"
# One thread: see tests/kernels/run.sh.
accelerator="${OBIT_QEMU_ACCEL:-tcg,thread=single}"
work="$PWD/target/systemd" results="$PWD/target/systemd/results"
golden=fixtures/cases/v2-systemd-guest

stop() { printf 'systemd guest: %s\n' "$*" >&2; exit 1; }
keep=no
case "$*" in '') ;; --keep) keep=yes ;; *) stop "usage: tests/systemd/run.sh [--keep]" ;; esac

command -v qemu-system-x86_64 >/dev/null || stop "qemu-system-x86_64 is missing: scripts/setup.sh systemd"
[ -x "$replay" ] || stop "$replay is missing: make static"
package="$(ls -t target/obit_*_amd64.deb 2>/dev/null | head -n 1)"
[ -n "$package" ] || stop "the package is missing: make deb"

image="$(tests/systemd/image.sh)"
rm -rf "$results"
mkdir -p "$results"

# The guest's input and output are disks that hold a plain tar.
cp "$package" "$work/obit.deb"
tar -cf "$work/in.tar" tests/systemd/guest tests/systemd/cri.py fixtures/cases/story.sh fixtures/cases/engines.sh -C "$work" obit.deb
truncate -s 0 "$work/out.tar"
truncate -s 64M "$work/out.tar"

disk() { echo "if=none,format=raw,id=$1,file=$2"; }
started=$SECONDS
printf 'booting the systemd guest\n' >&2
# Discards all changes to the guest's own disk.
timeout "$limit_s" nice -n 10 qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu max -smp 1 -m 2048 -nodefaults -no-reboot \
    -display none -nic none -kernel "$image/vmlinuz" -initrd "$image/initrd" \
    -append "root=/dev/vda rw console=ttyS0 quiet panic=-1 systemd.show_status=no" -device virtio-rng-pci \
    -drive "$(disk system "$image/disk.ext4"),snapshot=on" -device virtio-blk-pci,drive=system \
    -drive "$(disk in "$work/in.tar"),readonly=on" -device virtio-blk-pci,drive=in \
    -drive "$(disk out "$work/out.tar")" -device virtio-blk-pci,drive=out \
    -serial "file:$results/console.txt" >"$results/qemu.txt" 2>&1 </dev/null ||
    { tail -n 30 "$results/console.txt" "$results/qemu.txt" >&2; stop "qemu ended with an error or after $limit_s s"; }
printf 'the guest took %s s\n' "$((SECONDS - started))" >&2
tar --no-same-owner -xf "$work/out.tar" -C "$results" || { tail -n 30 "$results/console.txt" >&2; stop "nothing came back"; }
if [ "$(cat "$results/status")" != 0 ]; then
    tail -n 30 "$results/console.txt" >&2
    stop "the story did not come to its end; see $results"
fi
python3 tests/systemd/check.py --replay "$replay" "$results"

if [ $keep = yes ]; then
    rm -rf "$golden"
    mkdir "$golden"
    cp -r "$results/case" "$golden/case"
    cp "$results/note" "$golden/NOTE.md"
    cp "$results/expected" "$golden/expected.tsv"
    chmod -R a+rX "$golden"
    du -sh "$golden" >&2
    printf 'now: BLESS=1 cargo test --test offline golden\n' >&2
fi
