#!/usr/bin/env bash
# Builds obit-capture and obit-replay for arm64 as static programs, on another machine, into
# target/static-arm64.
# Usage: packaging/static-arm64.sh     PROFILE=dev: a quick build
# Needs what `make setup` installs, and: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross
#        rustup target add aarch64-unknown-linux-gnu
#
# libelf and zlib for arm64 are Debian's, unpacked below target: the host's packages and
# architectures stay as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:$HOME/.cargo/bin"

target=aarch64-unknown-linux-gnu
suite=bookworm
mirror="${OBIT_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
sysroot="$PWD/target/arm64"
profile="${PROFILE:-release}"

stop() { printf 'static arm64: %s\n' "$*" >&2; exit 1; }
command -v aarch64-linux-gnu-gcc >/dev/null || stop "a compiler is missing: apt-get install gcc-aarch64-linux-gnu libc6-dev-arm64-cross"
rustc --print target-libdir --target $target | xargs test -d || stop "Rust's library is missing: rustup target add $target"

if [ ! -e "$sysroot/usr/lib/aarch64-linux-gnu/libelf.a" ]; then
    mkdir -p "$sysroot/apt/lists/partial" "$sysroot/apt/cache/archives/partial" "$sysroot/part"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $suite main" >"$sysroot/apt/sources.list"
    options=(-qq -o Dir::Etc::sourcelist="$sysroot/apt/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$sysroot/apt/lists"
        -o Dir::Cache="$sysroot/apt/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Architecture=arm64
        -o APT::Architectures::=arm64)
    apt-get "${options[@]}" update
    (cd "$sysroot/part" && apt-get "${options[@]}" download libelf-dev zlib1g-dev)
    for package in "$sysroot"/part/*.deb; do dpkg-deb --extract "$package" "$sysroot"; done
    rm -r "$sysroot/part"
fi

# Only the archives and the headers that fit every machine are used; the C library is the cross
# compiler's.
libraries="$sysroot/usr/lib/aarch64-linux-gnu"
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CC_aarch64_unknown_linux_gnu=aarch64-linux-gnu-gcc CFLAGS_aarch64_unknown_linux_gnu="-idirafter $sysroot/usr/include"
export LIBBPF_SYS_LIBRARY_PATH_aarch64_unknown_linux_gnu="$libraries"
# See packaging/static.sh.
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS='-C target-feature=+crt-static --cfg getrandom_backend="linux_getrandom"'
cargo build --locked --profile "$profile" --target $target --bin obit-capture --bin obit-replay

mkdir -p target/static-arm64
for program in obit-capture obit-replay; do
    aarch64-linux-gnu-strip -o "target/static-arm64/$program" "${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}/$program"
    if readelf --program-headers --wide "target/static-arm64/$program" | grep -q INTERP; then stop "$program wants a loader"; fi
    printf 'target/static-arm64/%s: static, %s bytes\n' "$program" "$(stat -c %s "target/static-arm64/$program")"
done
