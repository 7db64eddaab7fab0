#!/usr/bin/env bash
# Builds the Python package's wheel as cargo builds the tests (no dependency is compiled for it a
# second time), installs it into target/venv-python and runs tests/python with it.
set -euo pipefail
cd "$(dirname "$0")/.."

target="${CARGO_TARGET_DIR:-target}"
environment="$PWD/target/venv-python"
wheels="$PWD/target/wheels-test"
export PATH="$environment/bin:$PATH"

cargo build --locked --quiet --bin obit-replay
rm -rf "$wheels"
maturin build --quiet --locked --profile dev --manifest-path python/Cargo.toml --out "$wheels"
pip install --quiet --disable-pip-version-check --no-deps --no-index --force-reinstall "$wheels"/obit-*.whl

mypy --strict --no-error-summary tests/python/example.py python/obit
OBIT_REPLAY="$(realpath "$target/debug/obit-replay")" python -m pytest --quiet -p no:cacheprovider tests/python
