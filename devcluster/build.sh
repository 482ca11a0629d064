#!/usr/bin/env bash
# Builds bin/devcluster, bin/kubectl as another name of it, and bin/helm. With KUBERNETES=1.34.4 in the environment they are of
# that version of Kubernetes, as versions/v1.34/go.mod says, and in bin/v1.34.4.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

version_in() {
  sed -n 's/^.*k8s\.io\/kubernetes \(v[0-9.]*\).*$/\1/p' "$1" | head -n 1
}

version=$(version_in go.mod)
module=go.mod
bin=bin
if [ -n "${KUBERNETES:-}" ] && [ "v$KUBERNETES" != "$version" ]; then
  module=versions/v${KUBERNETES%.*}/go.mod
  if [ ! -f "$module" ] || [ "$(version_in "$module")" != "v$KUBERNETES" ]; then
    echo "devcluster: Kubernetes $KUBERNETES cannot be built here, only $version and what is in versions/:" >&2
    for file in versions/*/go.mod; do echo "  $(version_in "$file")" >&2; done
    exit 2
  fi
  version=v$KUBERNETES
  bin=bin/$version
fi
IFS=. read -r major minor _ <<<"${version#v}"
flags="-s -w"
# The API server and kubectl say the version of the first, clients that of the second.
for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
  flags+=" -X $package.gitVersion=$version -X $package.gitMajor=$major -X $package.gitMinor=$minor -X $package.gitTreeState=clean"
done

log=$(mktemp)
build=
cleanup() {
  if [ -n "$build" ]; then kill "$build" 2>/dev/null || true; fi
  rm -f "$log"
}
trap cleanup EXIT

echo "devcluster: building Kubernetes $version (10 to 15 minutes the first time, seconds after that)"
mkdir -p "$bin"
# Two builds at once would write the same file.
if command -v flock >/dev/null; then
  exec 9>"$bin/.lock"
  flock 9
fi
CGO_ENABLED=0 go build -v -modfile="$module" -buildvcs=false -trimpath -ldflags "$flags" -o "$bin/devcluster" . >"$log" 2>&1 &
build=$!
start=$SECONDS
shown=$SECONDS
total=
while kill -0 "$build" 2>/dev/null; do
  sleep 0.2
  if [ $((SECONDS - shown)) -ge 15 ]; then
    shown=$SECONDS
    if [ -z "$total" ]; then total=$(CGO_ENABLED=0 go list -modfile="$module" -deps . 2>/dev/null | wc -l); fi
    # What an earlier build left done is in the total, but not compiled again.
    echo "devcluster: $((SECONDS - start)) s, $(grep -cE '^[a-zA-Z0-9./_-]+$' "$log" || true) packages compiled (of at most $total)"
  fi
done
if ! wait "$build"; then
  build=
  echo "devcluster: the build failed:" >&2
  grep -vE '^[a-zA-Z0-9./_-]+$' "$log" >&2 || cat "$log" >&2
  exit 1
fi
build=
ln -sfn devcluster "$bin/kubectl"
# So that every version is found where its name says.
if [ "$bin" = bin ]; then ln -sfn . "bin/$version"; fi
echo "devcluster: built $(pwd)/$bin/devcluster in $((SECONDS - start)) s"

# Helm is a module of its own: it is built from the same versions of the same modules where it can be, so most of them are
# compiled already, but it never decides which version of Kubernetes is built.
start=$SECONDS
CGO_ENABLED=0 go -C helm build -buildvcs=false -trimpath -ldflags "-s -w" -o "../$bin/helm" .
echo "devcluster: built $(pwd)/$bin/helm in $((SECONDS - start)) s"
