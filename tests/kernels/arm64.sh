#!/usr/bin/env bash
# Boots Debian's arm64 kernel under qemu, records the demo there with the static programs of
# packaging/static-arm64.sh, and replays and verifies the case here. Usage: tests/kernels/arm64.sh
# Needs: packaging/static-arm64.sh, qemu-system-aarch64 (qemu-system-arm), cpio, an obit-replay
# of this machine. No root.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"

work="$PWD/target/kernels/arm64" static="$PWD/target/static-arm64" sysroot="$PWD/target/arm64"
replay="${OBIT_STATIC_DIR:-$PWD/target/static}/obit-replay"
limit_s="${OBIT_GUEST_LIMIT_S:-600}"

stop() { printf 'arm64 guest: %s\n' "$*" >&2; exit 1; }
for program in qemu-system-aarch64 cpio; do command -v $program >/dev/null || stop "$program is missing"; done
[ -x "$static/obit-capture" ] && [ -e "$sysroot/apt/sources.list" ] || stop "packaging/static-arm64.sh first"
[ -x "$replay" ] || stop "$replay is missing: make static"

mkdir -p "$work"
if [ ! -s "$work/vmlinuz" ]; then
    # Uses the apt configuration that packaging/static-arm64.sh made.
    options=(-qq -o Dir::Etc::sourcelist="$sysroot/apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$sysroot/apt/lists"
        -o Dir::Cache="$sysroot/apt/cache" -o APT::Sandbox::User=root -o APT::Architecture=arm64 -o APT::Architectures::=arm64)
    image="$(apt-cache "${options[@]}" depends --important linux-image-cloud-arm64 | sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p')"
    rm -rf "$work/part"; mkdir "$work/part"
    (cd "$work/part" && apt-get "${options[@]}" download "$image" busybox-static)
    for package in "$work"/part/*.deb; do dpkg-deb --extract "$package" "$work/part/root"; done
    cp "$(find "$work/part/root" -path '*/bin/busybox' -type f)" "$work/busybox"
    cp "$work"/part/root/boot/vmlinuz-* "$work/vmlinuz"
    rm -r "$work/part"
fi

root="$work/initramfs.d"
rm -rf "$root" "$work/result"
mkdir -p "$root"/{bin,dev,proc,sys,tmp} "$work/result"
cp "$work/busybox" "$root/bin/"
cp "$static/obit-capture" "$static/obit-replay" "$root/bin/"
cat >"$root/init" <<'INIT'
#!/bin/busybox sh
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc; mount -t sysfs sysfs /sys; mount -t devtmpfs devtmpfs /dev; mount -t tmpfs tmpfs /tmp
mount -t cgroup2 cgroup2 /sys/fs/cgroup
for controller in $(cat /sys/fs/cgroup/cgroup.controllers); do echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control; done
cd /tmp
uname -a >host.txt
obit-capture check --output /tmp >check.txt 2>&1; echo $? >check.status
obit-capture demo --output /tmp/demo >demo.txt 2>&1; echo $? >demo.status
obit-replay verify demo >verify.txt 2>&1; echo $? >verify.status
# The machine has one serial port, which does not pass bytes as they are.
echo ==== BEGIN; tar -cf - . | gzip | base64; echo ==== END
poweroff -f
INIT
chmod 755 "$root/init"
(cd "$root" && find . -print0 | cpio --null --create --format=newc --owner=0:0 --quiet | gzip -1) >"$work/initramfs.gz"
timeout "$limit_s" qemu-system-aarch64 -machine virt -cpu cortex-a72 -accel tcg,thread=single -smp 2 -m 1024 -nodefaults -no-reboot \
    -display none -nic none -kernel "$work/vmlinuz" -initrd "$work/initramfs.gz" -append "console=ttyAMA0 quiet panic=-1 rdinit=/init" \
    -serial "file:$work/result/console.txt" </dev/null || { tail -n 20 "$work/result/console.txt" >&2; stop "qemu ended with $?"; }
tr -d '\r' <"$work/result/console.txt" | sed -n '/^==== BEGIN/,/^==== END/{/^====/!p}' | base64 -d | tar -xz -C "$work/result" ||
    stop "nothing came back"
cat "$work/result/host.txt"
for step in check demo verify; do
    [ "$(cat "$work/result/$step.status")" = 0 ] || { cat "$work/result/$step.txt" >&2; stop "obit: $step failed there"; }
done
"$replay" verify "$work/result/demo"
made="$(grep -c '^  a container of ' "$work/result/demo.txt")"
ended="$("$replay" derive "$work/result/demo" --format jsonl | wc -l)"
grep 'BPF load' "$work/result/check.txt"
printf 'arm64: %s containers were made, %s ends recorded\n' "$made" "$ended"
[ "$made" -gt 0 ] && [ "$made" = "$ended" ]
