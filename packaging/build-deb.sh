#!/usr/bin/env bash
# Makes a Debian package of both programs: target/obit_VERSION_ARCH.deb.
# Usage: packaging/build-deb.sh
#
# The programs are the static ones: the package depends on nothing and installs on any release.
# Only dpkg-deb, cargo and python3 are needed.
set -euo pipefail
cd "$(dirname "$0")/.."

stop() { printf 'deb: %s\n' "$*" >&2; exit 1; }

command -v dpkg-deb >/dev/null || stop "dpkg-deb is missing: this is made on Debian or Ubuntu"
for program in obit-capture obit-replay; do
    [ -x "target/static/$program" ] || stop "target/static/$program is missing: make static"
done

version="$(sed -n '/^\[workspace.package\]/,/^\[/ s/^version = "\(.*\)"/\1/p' Cargo.toml)"
[ -n "$version" ] || stop "Cargo.toml names no version"
architecture="$(dpkg --print-architecture)"
# Files get the commit's time, so that the same commit gives the same package.
SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || date +%s)}"
export SOURCE_DATE_EPOCH
package="target/obit_${version}_${architecture}.deb"

tree="$(mktemp -d)"
trap 'rm -rf "$tree"' EXIT
chmod 755 "$tree"
install -D -m 755 -t "$tree/usr/bin" target/static/obit-capture target/static/obit-replay
install -D -m 644 -t "$tree/usr/lib/systemd/system" packaging/obit-capture.service
install -D -m 644 packaging/deb/copyright "$tree/usr/share/doc/obit/copyright"
install -D -m 644 -t "$tree/usr/share/doc/obit" docs/*.md
# The packages that the programs are made of.
scripts/sbom.py "$(uname -m)-unknown-linux-musl" >"$tree/usr/share/doc/obit/obit.cdx.json"
chmod 644 "$tree/usr/share/doc/obit/obit.cdx.json"
printf 'obit (%s) unstable; urgency=medium\n\n  * See the history of the source.\n\n -- %s  %s\n' "$version" \
    "$(sed -n 's/^Maintainer: //p' packaging/deb/control.in)" "$(date -R -u -d "@$SOURCE_DATE_EPOCH")" |
    gzip -9n >"$tree/changelog.gz"
install -D -m 644 "$tree/changelog.gz" "$tree/usr/share/doc/obit/changelog.Debian.gz"
rm "$tree/changelog.gz"

for program in obit-capture obit-replay; do
    target/static/$program reference "$tree/reference"
    install -D -m 644 "$tree/reference/bash/$program.bash" "$tree/usr/share/bash-completion/completions/$program"
    install -D -m 644 "$tree/reference/zsh/_$program" "$tree/usr/share/zsh/vendor-completions/_$program"
    install -D -m 644 "$tree/reference/fish/$program.fish" "$tree/usr/share/fish/vendor_completions.d/$program.fish"
done
for page in "$tree"/reference/man1/*.1; do
    gzip -9n "$page"
    install -D -m 644 -t "$tree/usr/share/man/man1" "$page.gz"
done
rm -r "$tree/reference"

size_kib="$(du -sk "$tree" | cut -f1)"
mkdir "$tree/DEBIAN"
sed -e "s/@VERSION@/$version/" -e "s/@ARCHITECTURE@/$architecture/" -e "s/@SIZE@/$size_kib/" packaging/deb/control.in >"$tree/DEBIAN/control"
for script in postinst prerm postrm; do install -m 755 "packaging/deb/$script" "$tree/DEBIAN/$script"; done
(cd "$tree" && find usr -type f -print0 | sort -z | xargs -0 md5sum) >"$tree/DEBIAN/md5sums"
dpkg-deb --root-owner-group -Zxz --build "$tree" "$package"
