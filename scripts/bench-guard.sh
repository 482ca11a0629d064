#!/usr/bin/env bash
# Compares what the paths through the core cost with what was recorded: instructions and allocations, which are the same
# in every run. `bench-guard.sh update` records them anew. `make bench-guard` and `make bench-guard-update` run this.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-guard}
recorded=bench/recorded.json
target=x86_64-unknown-linux-gnu

if [[ $(rustc -vV | sed -n 's/^host: //p') != "$target" ]]; then
    echo "Instructions were not compared: they are recorded for $target only."
    exit 0
fi
if ! command -v valgrind >/dev/null && ((EUID == 0)) && command -v apt-get >/dev/null; then
    echo "Installing valgrind."
    (apt-get update && apt-get install --yes --no-install-recommends valgrind) >/dev/null 2>&1 || true
fi
if ! command -v valgrind >/dev/null; then
    echo "Instructions were not compared: valgrind is missing and cannot be installed here."
    exit 0
fi
# Built as the product is, so that the dependencies are not compiled again.
CARGO_ENCODED_RUSTFLAGS=$(scripts/rustflags.sh) cargo build --locked --release --target "$target" \
    --package sidecarset-bench --bin paths --bin allocations
exec "target/$target/release/paths" "$what" "$recorded"
