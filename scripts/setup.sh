#!/usr/bin/env bash
# Installs the missing packages that `make build`, `make test`, `make bench` or another target
# needs. Debian and Ubuntu; elsewhere it prints the packages' names and stops.
# Usage: scripts/setup.sh build|deb|test|bench|kernels|systemd|arm64
set -euo pipefail

say() { printf 'setup: %s\n' "$*" >&2; }
stop() { say "$*"; exit 1; }

# package:command. A package counts as installed if dpkg says so, or if its command is on the PATH
# (docker-ce, a runc built from source). Libraries and headers have no command.
build_packages=(clang:clang make:make gcc:gcc pkg-config:pkg-config libelf-dev: zlib1g-dev:)
test_packages=(runc:runc crun:crun containerd:containerd docker.io:dockerd podman:podman lxc:lxc-start busybox-static: openssh-client:ssh-keygen e2fsprogs:mkfs.ext4 python3:python3 python3-venv: valgrind:valgrind chromium:chromium nodejs:node npm:npm poppler-utils:pdftotext)
bench_packages=(runc:runc containerd:containerd docker.io:dockerd busybox-static: python3:python3 python3-venv: bpftrace:bpftrace)
kernels_packages=(qemu-system-x86:qemu-system-x86_64 cpio:cpio xz-utils:xz zstd:zstd busybox-static: runc:runc python3:python3 python3-venv:)
arm64_packages=(gcc-aarch64-linux-gnu:aarch64-linux-gnu-gcc libc6-dev-arm64-cross: qemu-system-arm:qemu-system-aarch64 cpio:cpio)
systemd_packages=(qemu-system-x86:qemu-system-x86_64 debootstrap:debootstrap e2fsprogs:mke2fs python3:python3)

case "${1:-}" in
    build) wanted=("${build_packages[@]}") ;;
    deb) wanted=("${build_packages[@]}" python3:python3) ;;
    test) wanted=("${build_packages[@]}" "${test_packages[@]}") ;;
    bench) wanted=("${build_packages[@]}" "${bench_packages[@]}") ;;
    kernels) wanted=("${build_packages[@]}" "${kernels_packages[@]}") ;;
    systemd) wanted=("${build_packages[@]}" "${systemd_packages[@]}") ;;
    arm64) wanted=("${build_packages[@]}" "${arm64_packages[@]}") ;;
    *) stop "usage: scripts/setup.sh build|deb|test|bench|kernels|systemd|arm64" ;;
esac

# A plain user's PATH lacks the directories of daemons and runtimes.
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin:$HOME/.cargo/bin"

command -v cargo >/dev/null ||
    stop "cargo is missing: install Rust 1.90 or newer from https://rustup.rs (or your distribution), then run this again"
if [ "$1" = test ]; then
    cargo fmt --version >/dev/null 2>&1 || stop "rustfmt is missing: rustup component add rustfmt"
    cargo clippy --version >/dev/null 2>&1 || stop "clippy is missing: rustup component add clippy"
fi

is_installed() { # package command
    { [ -n "$2" ] && command -v "$2" >/dev/null; } && return 0
    # A Python that is not the distribution's brings venv with it.
    [ "$1" = python3-venv ] && python3 -c 'import ensurepip, venv' >/dev/null 2>&1 && return 0
    command -v dpkg-query >/dev/null || return 1
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

missing=()
for entry in "${wanted[@]}"; do
    is_installed "${entry%%:*}" "${entry#*:}" || missing+=("${entry%%:*}")
done
needs_docker_client=no
if [[ "$1" =~ ^(test|bench)$ ]] && ! command -v docker >/dev/null; then needs_docker_client=yes; fi
needs_perf=no
if [ "$1" = bench ] && ! command -v perf >/dev/null; then needs_perf=yes; fi
if [ ${#missing[@]} -eq 0 ] && [ $needs_docker_client = no ] && [ $needs_perf = no ]; then
    say "nothing to install"
    exit 0
fi

family="$(. /etc/os-release 2>/dev/null && echo " ${ID:-} ${ID_LIKE:-} ")" || family=""
case "$family" in
    *" debian "* | *" ubuntu "*) ;;
    *) stop "this is not Debian or Ubuntu; install what corresponds to these Debian packages, then run this again: ${missing[*]}" ;;
esac
command -v apt-get >/dev/null || stop "apt-get is missing; install these packages, then run this again: ${missing[*]}"

as_root=()
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null ||
        stop "not root and no sudo: as root, run: apt-get install --no-install-recommends ${missing[*]}"
    as_root=(sudo)
    [ -t 0 ] || as_root=(sudo -n)
fi
apt() { "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"; }

say "installing with apt-get: ${missing[*]:-docker-cli}"
apt update -qq
# Ubuntu has a perf package for each kernel; there the comparison with perf is left out.
if [ $needs_perf = yes ] && apt-cache show linux-perf >/dev/null 2>&1; then missing+=(linux-perf); fi
# Debian 13 split the client off docker.io.
if [ $needs_docker_client = yes ] && apt-cache show docker-cli >/dev/null 2>&1; then missing+=(docker-cli); fi

# The tests start daemons of their own. No packaged service may start during the installation (or
# fail to, without an init system), unless this host has a rule of its own.
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
    trap '"${as_root[@]}" rm -f "$policy"' EXIT
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee "$policy" >/dev/null
    "${as_root[@]}" chmod 755 "$policy"
fi
apt install -y -qq --no-install-recommends "${missing[@]}"
say "installed"
