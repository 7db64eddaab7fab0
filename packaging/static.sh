#!/usr/bin/env bash
# Builds obit-capture and obit-replay as static programs, into target/static, and checks that they are.
# Usage: packaging/static.sh     PROFILE=dev: a quick build, for tests that only want one file
#
# glibc's static variant, with libbpf (built by its crate) and the distribution's libelf.a and libz.a inside: no other
# target has to be installed. Build scripts and procedural macros cannot be static, so --target is given: RUSTFLAGS then
# hold for the target alone.
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
# cargo's directory for the profile dev has a name of its own.
build="${CARGO_TARGET_DIR:-target}/$target/${profile/#dev/debug}"

flags=(-C target-feature=+crt-static)
# The getrandom crate looks its function up in the loaded libc. A static program has none, and the crate then wants
# /dev/urandom, which a bare root file system lacks: let it make the call itself.
flags+=(--cfg 'getrandom_backend="linux_getrandom"')
# libelf names its own needs: newer ones have zstd among them.
for library in $(pkg-config --static --libs-only-l libelf); do
    case "$library" in -lelf | -lz) ;; *) flags+=(-C "link-arg=$library") ;; esac
done
RUSTFLAGS="${flags[*]}" cargo build --locked --profile "$profile" --target "$target" --bin obit-capture --bin obit-replay

mkdir -p target/static
for program in obit-capture obit-replay; do
    # Stripped of what only a debugger reads, which is most of it.
    strip -o "target/static/.$program.partial" "$build/$program"
    mv "target/static/.$program.partial" "target/static/$program"
    # A program that wants a loader names it in an INTERP header; one that wants libraries lists them as NEEDED.
    if readelf --program-headers --wide "target/static/$program" | grep -q INTERP ||
        readelf --dynamic --wide "target/static/$program" | grep -q NEEDED; then
        stop "$program wants a loader or libraries"
    fi
    "target/static/$program" --version
    printf 'target/static/%s: static, %s bytes\n' "$program" "$(stat -c %s "target/static/$program")"
done
