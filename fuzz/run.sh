#!/usr/bin/env bash
# Fuzzes one target for some seconds, on stable Rust and without cargo-fuzz: fuzz/run.sh wire 600
#
# Findings go to fuzz/artifacts, new inputs of interest to fuzz/target/found/TARGET. To merge
# these into the corpus, smallest first: fuzz/run.sh TARGET merge
set -euo pipefail
cd "$(dirname "$0")"
target="${1:?target: wire, paths, argv, oci or case}"
limit="${2:?seconds, or merge}"

# Coverage for libFuzzer, by LLVM passes that stable has as well (cargo-fuzz: project.rs).
export RUSTFLAGS="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4
 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table
 -Cllvm-args=-sanitizer-coverage-trace-compares --cfg fuzzing -Ccodegen-units=1"
host="$(rustc -vV | sed -n 's/^host: //p')"
# With --target, build scripts and macros are built without coverage.
cargo build --release --target "$host" --bin "$target"
program="${CARGO_TARGET_DIR:-target}/$host/release/$target"
found="${CARGO_TARGET_DIR:-target}/found/$target"
mkdir -p "$found" "artifacts/$target"
if [ "$limit" = merge ]; then
    exec "$program" -merge=1 -max_len=16384 "corpus/$target" "$found"
fi
exec "$program" -max_total_time="$limit" -timeout=20 -rss_limit_mb=4096 -max_len=65536 \
    -artifact_prefix="artifacts/$target/" "$found" "corpus/$target"
