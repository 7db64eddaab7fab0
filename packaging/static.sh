#!/usr/bin/env bash
# Builds obit-capture and obit-replay as static programs into target/static, and checks that they
# are static.
# Usage: packaging/static.sh     PROFILE=dev: a quick build, for tests that only want one file
#
# Uses glibc's static variant with libbpf (built by its crate) and the distribution's libelf.a and
# libz.a: no other target has to be installed. Build scripts and procedural macros cannot be
# static, so --target is given: RUSTFLAGS then hold for the target alone.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PATH:$HOME/.cargo/bin"

stop() { printf 'static: %s\n' "$*" >&2; exit 1; }

target="$(rustc -vV | sed -n 's/^host: //p')"
case "$target" in
    *-linux-gnu) ;;
    *) stop "this is made for glibc targets and the compiler's is $target" ;;
esac
profile="${PROFILE:-release}"
# cargo names the directory of the profile dev differently.
build="${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}"

flags=(-C target-feature=+crt-static)
# The getrandom crate looks its function up in the loaded libc. A static program has none, and the
# crate would read /dev/urandom, which a bare root file system lacks: let it make the system call
# itself.
flags+=(--cfg 'getrandom_backend="linux_getrandom"')
# libelf lists the libraries it needs: newer ones have zstd among them.
for library in $(pkg-config --static --libs-only-l libelf); do
    case "$library" in -lelf | -lz) ;; *) flags+=(-C "link-arg=$library") ;; esac
done
RUSTFLAGS="${flags[*]}" cargo build --locked --profile "$profile" --target "$target" --bin obit-capture --bin obit-replay

mkdir -p target/static
for program in obit-capture obit-replay; do
    # Most of the file is for debuggers only: strip it.
    strip -o "target/static/.$program.partial" "$build/$program"
    mv "target/static/.$program.partial" "target/static/$program"
    # A program that needs a loader names it in an INTERP header; one that needs libraries
    # lists them as NEEDED.
    if readelf --program-headers --wide "target/static/$program" | grep -q INTERP ||
        readelf --dynamic --wide "target/static/$program" | grep -q NEEDED; then
        stop "$program wants a loader or libraries"
    fi
    "target/static/$program" --version
    printf 'target/static/%s: static, %s bytes\n' "$program" "$(stat -c %s "target/static/$program")"
done
