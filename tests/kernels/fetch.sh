#!/usr/bin/env bash
# Prints the path of a Debian kernel image (bzImage) for each name, and downloads those that are
# not there yet. Its module brd.ko, a disk in memory, lies beside it: Debian builds no block
# device in.
# Usage: tests/kernels/fetch.sh 5.10|6.1|6.12|sid...
#
# Debian's own packages, through an apt configuration of this script: the host's sources and
# package lists stay as they are.
# apt checks the archive's signatures against the host's debian-archive-keyring.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache="$PWD/target/kernels"
mirror="${OBIT_DEBIAN_MIRROR:-http://deb.debian.org/debian}"
security_mirror="${OBIT_DEBIAN_SECURITY_MIRROR:-http://deb.debian.org/debian-security}"
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

stop() { printf 'kernels: %s\n' "$*" >&2; exit 1; }

# name: suites to look in, in that order; the first that has the package wins.
suites_of() {
    case "$1" in
        5.10) echo "bullseye-security bullseye" ;;
        6.1) echo "bookworm" ;;
        6.12) echo "trixie" ;;
        sid) echo "sid" ;;
        *) stop "no such kernel: $1 (there are 5.10, 6.1, 6.12 and sid)" ;;
    esac
}

apt_in() { # suite command...
    local suite="$1" home="$cache/apt/$1"; shift
    mkdir -p "$home/lists/partial" "$home/cache/archives/partial"
    local uri="$mirror"
    case "$suite" in *-security) uri="$security_mirror" ;; esac
    echo "deb [signed-by=$keyring] $uri $suite main" >"$home/sources.list"
    "apt-$1" -qq -o Dir::Etc::sourcelist="$home/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$home/lists" \
        -o Dir::Cache="$home/cache" -o Acquire::Languages=none -o APT::Sandbox::User=root -o APT::Architecture=amd64 \
        -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false \
        -o Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled=false "${@:2}"
}

fetch() { # name
    local name="$1" suite depends package file image module directory="$cache/$1"
    # The directory appears whole or not at all.
    if [ -s "$directory/vmlinuz" ] && [ -s "$directory/brd.ko" ]; then echo "$directory/vmlinuz"; return; fi
    command -v apt-get >/dev/null || stop "apt-get is missing: the kernels are Debian's, and so are the tools to get them"
    rm -rf "$directory"; mkdir -p "$directory/part"
    for suite in $(suites_of "$name"); do
        apt_in "$suite" get update >&2 || continue
        # linux-image-amd64 depends on the newest image of its suite.
        depends="$(apt_in "$suite" cache depends --important linux-image-amd64 2>/dev/null |
            sed -n 's/^ *Depends: *\(linux-image-[0-9].*\)/\1/p' | head -n 1)"
        [ -n "$depends" ] || continue
        # Newer suites keep the image itself in linux-binary-*, and the modules in linux-modules-*.
        for package in "$depends" "${depends/linux-image-/linux-binary-}" "${depends/linux-image-/linux-modules-}"; do
            (cd "$directory/part" && apt_in "$suite" get download "$package" >&2) || continue
            for file in "$directory"/part/*.deb; do
                dpkg-deb --fsys-tarfile "$file" | tar -x -C "$directory/part" --wildcards './boot/vmlinuz-*' \
                    './usr/lib/modules/*/vmlinuz' '*/drivers/block/brd.ko*' 2>/dev/null || true
                rm "$file"
            done
            image="$(find "$directory/part" -name 'vmlinuz*' -type f | head -n 1)"
            module="$(find "$directory/part" -name 'brd.ko*' -type f | head -n 1)"
            [ -n "$image" ] && [ -n "$module" ] || continue
            case "$module" in
                *.xz) xz --decompress "$module" || continue; module="${module%.xz}" ;;
                *.zst) zstd -q --decompress --rm "$module" || continue; module="${module%.zst}" ;;
            esac
            mv "$module" "$directory/brd.ko"
            mv "$image" "$directory/vmlinuz"
            rm -rf "$directory/part"
            echo "$directory/vmlinuz"
            return
        done
    done
    rm -rf "$directory/part"
    stop "cannot get the kernel $name from $(suites_of "$name") of $mirror"
}

for name in "$@"; do fetch "$name"; done
