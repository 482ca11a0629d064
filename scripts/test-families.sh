#!/usr/bin/env bash
# Installs the chart in a cluster of IPv6 alone and in one of both families, has a Pod injected and its sidecar upgraded, and does
# the same with an operator beside the cluster, which is asked by URL: for scripts/test.sh. Each cluster is made for this and
# removed again in every case.
# usage: cluster=NAME operator_port=PORT scripts/test-families.sh [FAMILY...]
set -euo pipefail
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

operator=sidecarset-system
prefix=$cluster

on_exit() {
    local code=$?
    trap - EXIT INT TERM
    if ((code != 0)); then
        printf '\n!!! The tests of the families stopped at this step: %s\n' "$step" >&2
        kubectl get pod,service,sidecarset -A -o wide || true
        kubectl -n "$operator" logs -l app.kubernetes.io/name=sidecarset-operator --tail=50 --prefix || true
        tail -n 50 "$root/target/$cluster/operator.log" || true
    fi
    cluster_down || code=1
    exit "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

sidecar_set() {
    kubectl apply --server-side -f - >/dev/null <<END
apiVersion: apps.kruise.io/v1beta1
kind: SidecarSet
metadata:
  name: families
spec:
  namespace: default
  selector:
    matchLabels:
      app: families
  containers:
  - name: agent
    image: agent:$1
    resources:
      requests: {cpu: 1m, memory: 4Mi}
END
    kubectl wait --for=condition=Injecting --timeout=60s sidecarset/families >/dev/null
}

# pod NAME MEMBER: a member of the Pod.
pod() {
    kubectl get pod "$1" -o "jsonpath={.$2}"
}

is_upgraded() {
    [[ $(pod "$1" 'status.containerStatuses[?(@.name=="agent")].image') == */agent:v2 ]] &&
        kubectl wait --for=condition=Ready --timeout=0s sidecarset/families
}

# expect_injection NAME: a new Pod gets the sidecar, and the sidecar another image.
expect_injection() {
    local uid
    sidecar_set v1
    kubectl run "$1" --image=agent:v1 --labels=app=families --override-type=strategic \
        --overrides='{"spec": {"terminationGracePeriodSeconds": 1}}' >/dev/null
    expect "The pod did not get its sidecar." "agent $1" "$(pod "$1" 'spec.containers[*].name')"
    kubectl wait --for=condition=Ready --timeout=60s "pod/$1" >/dev/null
    uid=$(pod "$1" metadata.uid)
    sidecar_set v2
    eventually 60 "The pod did not get the new image." is_upgraded "$1"
    expect "The pod is another one." "$uid" "$(pod "$1" metadata.uid)"
    kubectl delete pod "$1" --wait=false >/dev/null
    say "$1: injected, and upgraded in place, at $(pod "$1" 'status.podIPs[*].ip')"
}

# Every address of an operator answers health checks.
expect_addresses() {
    local address addresses
    addresses=$(kubectl -n "$operator" get pod -l app.kubernetes.io/name=sidecarset-operator \
        --field-selector=status.phase=Running -o 'jsonpath={.items[*].status.podIPs[*].ip}')
    for address in $addresses; do
        answers_ready "$address:8081" || fail "The operator does not answer at $address."
        say "ready at $address"
    done
    expect "The operators have other addresses than expected." "$1" "$(wc -w <<<"$addresses")"
}

# in_cluster PLATFORM ADDRESSES FAMILIES: the operator from the chart, with the values of the platform.
in_cluster() {
    "$devcluster" load-image --name "$cluster" "$image_file"
    show "$helm" install sidecarset "$root/deploy/chart" --namespace "$operator" --create-namespace --wait --timeout 90s \
        --values "$root/deploy/chart/platforms/$1.yaml" | grep -v '^ *$'
    expect "The Service is of other families." "$3" \
        "$(kubectl -n "$operator" get service sidecarset-webhook -o 'jsonpath={.spec.ipFamilies[*]}')"
    expect_addresses "$2"
    expect_injection asked-by-service
    show "$helm" uninstall sidecarset --namespace "$operator" --wait --timeout 90s
}

beside_cluster() {
    start_host_operator
    expect_injection asked-by-url
    [[ $("$operator_binary" status families) == *families* ]] || fail "The command line does not reach the API server."
    say "asked at $(kubectl get mutatingwebhookconfiguration sidecarset -o 'jsonpath={.webhooks[0].clientConfig.url}')"
}

cd "$root"
(($# > 0)) || set -- ipv6 dual
for IP_FAMILY in "$@"; do
    cluster=$prefix-$IP_FAMILY
    step "Starting a cluster with addresses of this kind: $IP_FAMILY."
    cluster_up
    if ! is_simulated; then
        step "The operator in the cluster."
        case $IP_FAMILY in
        ipv6) in_cluster ipv6 2 IPv6 ;;
        dual) in_cluster dual-stack 4 "IPv4 IPv6" ;;
        *) fail "There is no family $IP_FAMILY here." ;;
        esac
    fi
    step "An operator beside the cluster."
    beside_cluster
    cluster_down
done
