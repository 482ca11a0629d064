#!/usr/bin/env bash
# Checks the dependencies with cargo-deny, which it installs where it is missing.
# usage: scripts/deny.sh VERSION
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1

if ! cargo deny --version 2>/dev/null | grep -qF "$version"; then
    echo "Installing cargo-deny $version (a few minutes, once)."
    cargo install --locked --quiet cargo-deny --version "$version"
fi
cargo deny --locked --all-features check licenses bans sources

# The advisories are in a git repository, which not every network reaches. An unreachable one is no finding, but a
# finding is one.
if timeout 60 cargo deny --locked fetch db 2>/dev/null; then
    cargo deny --locked check --disable-fetch advisories
else
    echo "Advisories were not checked: their database cannot be reached from here."
fi
