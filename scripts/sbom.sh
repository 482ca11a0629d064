#!/usr/bin/env bash
# Writes the bills of materials of the binary and of the image, as CycloneDX JSON, beside the image: the crates that are
# compiled into the binary, and what a static binary has besides, the libraries of Rust and of C. They hold no time, no serial
# number and no folder of this machine: the same sources and compiler give the same bytes.
# usage: scripts/sbom.sh VERSION-OF-CARGO-CYCLONEDX HOST BINARY IMAGE-FILE
set -euo pipefail
cd "$(dirname "$0")/.."
tool_version=$1
host=$2
binary=$3
image=$4
output=$(dirname "$image")
format=1.5
# Reads the bills, and has the schemas of the format with it.
validator='cyclonedx-python-lib[json-validation]==11.12.0'

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "$1" >&2
    exit 1
}

# library NAME VERSION LICENCE PURL
library() {
    jq --null-input --compact-output --arg name "$1" --arg version "$2" --arg licence "$3" --arg purl "$4" \
        '{type: "library", "bom-ref": $purl, name: $name, version: $version, scope: "required",
          licenses: [{expression: $licence}], purl: $purl}'
}

# What is linked statically and is no crate.
libraries() {
    local rust compiler version distribution
    rust=$(rustc -vV | sed -n 's/^release: //p')
    library rust-std "$rust" "MIT OR Apache-2.0" "pkg:generic/rust-std@$rust"
    [[ $host == *-linux-gnu ]] || return 0
    compiler=$(cc -dumpfullversion -dumpversion)
    library libgcc "$compiler" "GPL-3.0-or-later WITH GCC-exception-3.1" "pkg:generic/libgcc@$compiler"
    if version=$(dpkg-query --show --showformat '${Version}' libc6-dev 2>/dev/null); then
        # Scanners look the fixes of a distribution up by this name.
        distribution=$(sed -n 's/^ID=//p' /etc/os-release)
        library glibc "$version" LGPL-2.1-or-later "pkg:deb/$distribution/glibc@$version?arch=source"
    else
        version=$(ldd --version | sed -n '1s/.* //p')
        library glibc "$version" LGPL-2.1-or-later "pkg:generic/glibc@$version"
    fi
}

# Fails where a bill does not follow the schema, and says so where that cannot be found out.
validate() {
    local python=$work/python/bin/python3
    if ! { python3 -m venv "$work/python" && "$python" -m pip install --quiet "$validator"; } >"$work/pip.log" 2>&1; then
        echo "The bills of materials were not validated: the validator needs Python, and its packages."
        return
    fi
    "$python" - "$@" <<'END'
import sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        error = JsonStrictValidator(SchemaVersion.V1_5).validate_str(file.read())
    if error:
        sys.exit(f"{path} is not valid CycloneDX 1.5: {error}")
END
    echo "Both bills of materials are valid CycloneDX $format."
}

command -v jq >/dev/null || fail "jq is missing: install it and run make again."
if ! cargo cyclonedx --version 2>/dev/null | grep -qF "$tool_version"; then
    echo "Installing cargo-cyclonedx $tool_version (a minute or two, once)."
    cargo install --locked --quiet cargo-cyclonedx --version "$tool_version"
fi

# It writes into the folder of each package, so it gets a copy.
sources=$work/sources
mkdir -p "$sources"
git ls-files -z --cached --others --exclude-standard -- Cargo.toml Cargo.lock crates bench |
    tar --null --create --ignore-failed-read --files-from=- 2>/dev/null | tar --extract --directory="$sources"
cargo cyclonedx --quiet --manifest-path "$sources/crates/cli/Cargo.toml" --format json --spec-version "$format" \
    --describe binaries --target "$host" --no-build-deps

linked=$(cargo tree --locked --package sidecarset --edges normal,no-proc-macro --target "$host" --prefix none --format '{p}' |
    sed -E 's/^([^ ]+) v([^ ]+).*$/\1 \2/' | sort -u | jq --raw-input . | jq --slurp --compact-output .)
sum=$(sha256sum "$binary")
jq --from-file scripts/sbom.jq --arg sources "$sources" --argjson linked "$linked" --arg sum "${sum%% *}" \
    --argjson libraries "$(libraries | jq --slurp --compact-output .)" \
    "$sources/crates/cli/sidecarset_bin.cdx.json" >"$work/binary.json"

digest=$(tar --extract --to-stdout --file="$image" index.json | jq --raw-output '.manifests[0].digest')
case ${host%%-*} in
x86_64) architecture=amd64 ;;
aarch64) architecture=arm64 ;;
*) architecture=${host%%-*} ;;
esac
jq --from-file scripts/sbom-image.jq --arg name sidecarset --arg digest "$digest" --arg architecture "$architecture" \
    "$work/binary.json" >"$work/image.json"

if grep -nF -e "$sources" -e "$PWD" -e "$HOME" "$work/binary.json"; then
    fail "The bill of materials names a folder of this machine."
fi
validate "$work/binary.json" "$work/image.json"
for bill in binary image; do
    mv "$work/$bill.json" "$output/sidecarset-$bill.cdx.json"
    echo "$output/sidecarset-$bill.cdx.json: $(jq '.components | length' "$output/sidecarset-$bill.cdx.json") components"
done
