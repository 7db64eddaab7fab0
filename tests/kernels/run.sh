#!/usr/bin/env bash
# Boots real Debian kernels under qemu, records there with the static binaries, and replays and
# verifies the cases here.
# Usage: tests/kernels/run.sh [KERNEL:MODE[:BTF]]...   e.g. 5.10:v2 6.1:hybrid sid:v2:file; by
#                                                      default all that --list prints
#        tests/kernels/run.sh --list
#   KERNEL  5.10, 6.1, 6.12, sid                     MODE  v2, v1, hybrid
#   BTF     own (the kernel's; the default), file (hidden, and given with --btf), none (hidden)
# Needs: make static, qemu-system-x86_64, cpio, xz, zstd, busybox-static, runc, the Python
# environment of `make venv`. No root.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

work="$PWD/target/kernels"
static="${OBIT_STATIC_DIR:-$PWD/target/static}"
# A guest takes about 10 s. One that takes longer than this hangs.
limit_s="${OBIT_GUEST_LIMIT_S:-240}"
# Emulated, so that it runs the same everywhere; kvm is faster where it works. One thread for both
# processors: with a thread each, qemu 7.2 at times runs code that the guest is patching on its
# other processor, and one guest in thirty ended in an "int3" oops in a jump label or hung.
accelerator="${OBIT_QEMU_ACCEL:-tcg,thread=single}"

stop() { printf 'kernels: %s\n' "$*" >&2; exit 1; }

guests=("$@")
if [ ${#guests[@]} -eq 0 ] || [ "$1" = --list ]; then
    guests=()
    for kernel in 5.10 6.1 6.12 sid; do guests+=("$kernel:v2" "$kernel:hybrid" "$kernel:v1"); done
    guests+=(5.10:v2:file sid:hybrid:file 5.10:hybrid:none sid:v2:none)
    if [ "${1:-}" = --list ]; then printf '%s\n' "${guests[@]}"; exit; fi
fi

for program in qemu-system-x86_64:qemu-system-x86 cpio:cpio busybox:busybox-static runc:runc; do
    command -v "${program%%:*}" >/dev/null || stop "${program%%:*} is missing: apt-get install ${program#*:}"
done
for program in obit-capture obit-replay; do
    [ -x "$static/$program" ] || stop "$static/$program is missing: make static"
done
[ -x target/venv/bin/python ] || stop "the Python environment is missing: make venv"


mkdir -p "$work"
build_initramfs() {
    local root="$work/initramfs.d" library
    rm -rf "$root"
    mkdir -p "$root"/{bin,dev,etc,proc,sys,obit,bundle/rootfs/bin,bundle/rootfs/proc,bundle/rootfs/dev}
    cp "$(command -v busybox)" "$root/bin/busybox"
    cp "$root/bin/busybox" "$root/bundle/rootfs/bin/busybox"
    cp "$static/obit-capture" "$static/obit-replay" "$root/obit/"
    cp tests/kernels/init "$root/init"
    cp tests/kernels/bundle.json "$root/bundle/config.json"
    chmod 755 "$root/init"
    # Debian's runc is dynamic and needs its libraries. obit is static and needs none.
    cp "$(command -v runc)" "$root/bin/runc"
    for library in $(ldd "$(command -v runc)" | grep -o '/[^ ]*'); do
        mkdir -p "$root/$(dirname "$library")"
        cp -L "$library" "$root/$library"
    done
    (cd "$root" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet | gzip -1) >"$work/initramfs.gz"
}

boot() { # kernel mode btf result-directory
    local image modules started=$SECONDS
    image="$(tests/kernels/fetch.sh "$1")" || return 1
    # The kernel unpacks one archive after the other.
    modules="$(mktemp -d)"
    cp "$(dirname "$image")/brd.ko" "$modules/"
    (cd "$modules" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet | gzip -1) |
        cat "$work/initramfs.gz" - >"$work/initrd.gz"
    rm -rf "$modules"
    rm -rf "$4"; mkdir -p "$4"
    # The guest has no network and no disk: its output comes over two serial ports.
    timeout "$limit_s" qemu-system-x86_64 -machine q35 -accel "$accelerator" -cpu max -smp 2 -m 1024 \
        -nodefaults -no-reboot -display none -nic none -kernel "$image" -initrd "$work/initrd.gz" \
        -append "console=ttyS0 quiet panic=-1 rdinit=/init obit.mode=$2 obit.btf=$3" \
        -chardev file,id=console,path="$4/console.txt" -serial chardev:console \
        -chardev file,id=results,path="$4/results.tar.gz" -serial chardev:results >"$4/qemu.txt" 2>&1 </dev/null ||
        { echo "qemu ended with $?" >>"$4/qemu.txt"; tail -n 20 "$4/console.txt" "$4/qemu.txt" >&2; return 1; }
    echo $((SECONDS - started)) >"$4/seconds.txt"
    mkdir "$4/guest"
    tar -xzf "$4/results.tar.gz" -C "$4/guest" || { tail -n 20 "$4/console.txt" >&2; return 1; }
}

# Returns 0 if a recording of this guest ended as incomplete (3). An emulated processor is
# preempted where a real one is not, and the kernel then skips a run of a program now and then
# (recursion_misses), which obit counts and reports.
said_loss() { grep -qsx 3 "$1"/guest/{demo,run,clock}.status; }

build_initramfs
status=0
results=()
for guest in "${guests[@]}"; do
    IFS=: read -r kernel mode btf <<<"$guest:own"
    btf="${btf%%:*}"
    result="$work/results/$kernel-$mode-$btf"
    printf 'booting %s with cgroups %s, BTF %s\n' "$kernel" "$mode" "$btf" >&2
    # Boots once more if the emulator was at fault. Wrong rows without a loss fail at once.
    if ! boot "$kernel" "$mode" "$btf" "$result" || said_loss "$result"; then
        printf 'kernels: %s hung or lost events; booting it once more\n' "$guest" >&2
        boot "$kernel" "$mode" "$btf" "$result" || { printf 'kernels: FAILED: %s did not come to its end\n' "$guest" >&2; status=1; }
    fi
    results+=("$result")
done
target/venv/bin/python tests/kernels/matrix.py --replay "$static/obit-replay" "${results[@]}" || status=1
exit "$status"
