#!/usr/bin/env bash
# Makes the files of a release from the images of each architecture: one image of them all, the chart and the plain manifest
# that name it by its digest, the bills of materials, and the checksums of all of it. It publishes nothing.
# usage: scripts/release-files.sh VERSION REPOSITORY IMAGES OUTPUT
# IMAGES has a folder for each architecture, with what `make sbom` writes to target/image. HELM may name another Helm.
set -euo pipefail
cd "$(dirname "$0")/.."
version=$1
repository=$2
images=$3
output=$4
helm=${HELM:-devcluster/bin/helm}
tool=${IMAGE_TOOL:-target/image/tool}

fail() {
    echo "$1" >&2
    exit 1
}

declared=$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)
[[ $version == "$declared" ]] || fail "The version $version is asked for, but Cargo.toml says $declared."
grep -qF "version: $version" deploy/chart/Chart.yaml || fail "The chart has another version than $version."
[[ ! -e $output ]] || fail "$output is there already."
mkdir -p "$output"

line=$("$tool" image-index --tag "$repository:$version" --output "$output/sidecarset-$version-image.tar" "$images"/*/sidecarset.tar)
digest=${line##* }
echo "$repository@$digest" >"$output/image.txt"
for folder in "$images"/*/; do
    architecture=$(basename "$folder")
    for bill in binary image; do
        cp "$folder/sidecarset-$bill.cdx.json" "$output/sidecarset-$version-linux-$architecture-$bill.cdx.json"
    done
done

chart=$(mktemp -d)
trap 'rm -rf "$chart"' EXIT
cp -r deploy/chart "$chart/sidecarset"
sed -i -e "s|^  repository: docker.io/library/sidecarset$|  repository: $repository|" -e "s|^  digest: \"\"$|  digest: $digest|" \
    "$chart/sidecarset/values.yaml"
"$helm" package "$chart/sidecarset" --app-version "$version" --destination "$output" >/dev/null
"$helm" template sidecarset "$output/sidecarset-$version.tgz" --namespace sidecarset-system |
    grep -qxE " +image: \"?$repository@$digest\"?" || fail "The chart does not name the image $repository@$digest."

cat deploy/crd.yaml >"$output/sidecarset-$version.yaml"
printf -- '---\n' >>"$output/sidecarset-$version.yaml"
sed "s|image: docker.io/library/sidecarset:dev$|image: $repository@$digest|" deploy/operator.yaml >>"$output/sidecarset-$version.yaml"
grep -qF "image: $repository@$digest" "$output/sidecarset-$version.yaml" || fail "The manifest does not name the image."

(cd "$output" && find . -type f ! -name SHA256SUMS -printf '%P\0' | sort -z | xargs -0 sha256sum >SHA256SUMS)
echo "$repository:$version $digest"
