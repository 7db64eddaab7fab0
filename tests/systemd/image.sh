#!/usr/bin/env bash
# Makes the disk of the systemd guest, unless it is there: Debian with systemd, containerd, Docker, Podman, runc and crun, from
# Debian's own packages. Needs root and debootstrap; nothing is mounted. Prints the directory that holds disk.ext4, vmlinuz, initrd.
# Usage: tests/systemd/image.sh
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PATH:/usr/sbin:/sbin"

suite=trixie
mirror="${OBIT_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
disk_mib=2500
packages=(
    systemd-sysv systemd-container dbus dbus-user-session libpam-systemd udev kmod linux-image-cloud-amd64 initramfs-tools zstd
    containerd docker.io docker-cli podman conmon crun runc netavark passt uidmap iptables
    busybox-static python3 python3-grpcio openssh-client
)

stop() { printf 'systemd guest: %s\n' "$*" >&2; exit 1; }

# Another recipe is another image.
image="$PWD/target/systemd/image-$(sha256sum "tests/systemd/image.sh" | cut -c1-12)"
if [ -e "$image/disk.ext4" ]; then echo "$image"; exit; fi
[ "$(id -u)" -eq 0 ] || stop "making the image needs root"
for program in debootstrap mke2fs; do command -v $program >/dev/null || stop "$program is missing: scripts/setup.sh systemd"; done

rm -rf target/systemd/image-*
part="$image.part" root="$image.part/root"
rm -rf --one-file-system "$part"
mkdir -p "$part"
log="$part/log"
logged() { nice -n 10 "$@" >>"$log" 2>&1 </dev/null || { tail -n 20 "$log" >&2; stop "$1 ${2:-} failed"; }; }
printf 'making the image of the systemd guest: 0.3 GB of packages, some minutes\n' >&2
# debootstrap knows no alternatives and no virtual packages: it makes what apt needs, and apt does the rest.
logged debootstrap --variant=minbase "$suite" "$root" "$mirror"
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod 755 "$root/usr/sbin/policy-rc.d"
logged chroot "$root" env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get install -y -qq --no-install-recommends "${packages[@]}"
rm "$root/usr/sbin/policy-rc.d"

put() { install -D -m "${2:-644}" /dev/stdin "$root$1"; }

# What would be done by clock, or waits for a network that is not there.
for unit in apt-daily.timer apt-daily-upgrade.timer fstrim.timer dpkg-db-backup.timer netavark-dhcp-proxy.service \
    netavark-dhcp-proxy.socket netavark-firewalld-reload.service getty@tty1.service systemd-networkd-wait-online.service; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
echo obit-guest >"$root/etc/hostname"
: >"$root/etc/fstab"

# Docker as Debian has it, but for the network: its cgroup driver is systemd by its own choice.
put /etc/docker/daemon.json <<<'{ "iptables": false, "ip6tables": false, "bridge": "none" }'
# containerd as the Kubernetes documentation says to set it on a host with systemd (setup/production-environment/container-runtimes).
put /etc/containerd/config.toml <<'CONFIG'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "docker.io/library/pause:1"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = true
CONFIG

# A user whose systemd runs without a session, for rootless Podman.
chroot "$root" useradd --create-home --uid 1000 --shell /bin/bash shop
put /var/lib/systemd/linger/shop </dev/null

# Process 1 starts the story, which comes on a disk of its own: a plain tar.
put /etc/systemd/system/obit-story.service <<'UNIT'
[Unit]
Description=The story of the systemd guest
After=multi-user.target docker.service containerd.service user@1000.service
[Service]
Type=oneshot
ExecStart=/bin/sh -c 'mkdir -p /story && tar -xf /dev/vdb -C /story && exec /story/tests/systemd/guest'
StandardOutput=journal+console
StandardError=journal+console
FailureAction=poweroff-force
SuccessAction=poweroff-force
[Install]
WantedBy=graphical.target
UNIT
mkdir -p "$root/etc/systemd/system/graphical.target.wants"
ln -s ../obit-story.service "$root/etc/systemd/system/graphical.target.wants/obit-story.service"
ln -sf /lib/systemd/system/graphical.target "$root/etc/systemd/system/default.target"

# A small initrd: this disk and its file system.
sed -i 's/^MODULES=.*/MODULES=list/' "$root/etc/initramfs-tools/initramfs.conf"
printf 'virtio_pci\nvirtio_blk\next4\n' >>"$root/etc/initramfs-tools/modules"
logged chroot "$root" update-initramfs -u
cp "$root"/boot/vmlinuz-* "$part/vmlinuz"
cp "$root"/boot/initrd.img-* "$part/initrd"

rm -rf "$root"/var/cache/apt/*.bin "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/boot/*
logged mke2fs -q -t ext4 -E lazy_itable_init=1 -d "$root" "$part/disk.ext4" "${disk_mib}M"
rm -rf --one-file-system "$root"
chmod -R a+rX "$part"
mv "$part" "$image"
echo "$image"
