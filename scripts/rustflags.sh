#!/usr/bin/env bash
# Prints the flags with which the product is compiled, for CARGO_ENCODED_RUSTFLAGS, which allows spaces in paths. The binary
# is static, so that it runs on an empty image, and names no folder of this machine, so that it is the same wherever it is
# built: docs/supply-chain.md.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)

flags=(-C target-feature=+crt-static)
# Where several match, the last one counts: the folder of what is built may be within that of the sources.
flags+=("--remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo" "--remap-path-prefix=$root=/sidecarset")
flags+=("--remap-path-prefix=${CARGO_TARGET_DIR:-$root/target}=/target")

# Between two of them, not behind the last: that one would be an empty flag.
printf '%s' "${flags[0]}"
printf '\037%s' "${flags[@]:1}"
