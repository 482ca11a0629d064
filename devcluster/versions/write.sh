#!/usr/bin/env bash
# Writes go.mod and go.sum for another version of Kubernetes than that of devcluster/go.mod: `versions/write.sh 1.34.4` those
# in versions/v1.34. build.sh builds with them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=${1:?which version, such as 1.34.4}
folder=versions/v${version%.*}
# What Kubernetes takes from its own tree, others have to take as modules of their own, which are counted from 0.
theirs=$(go mod download -json "k8s.io/kubernetes@v$version" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
mkdir -p "$folder"
{
  grep -E '^(module|go) ' go.mod
  echo "require k8s.io/kubernetes v$version"
  echo "replace ("
  sed -nE "s|^.*(k8s.io/[a-z-]+) => ./staging/.*$|\t\1 => \1 v0.${version#*.}|p" "$theirs"
  echo ")"
} >"$folder/go.mod"
go mod tidy -modfile="$folder/go.mod"
