#!/usr/bin/env bash
# Stops the operator of a cluster, or starts it again, or kills it and starts it again: for the tests of what happens while
# it is away.
# usage: cluster=NAME operator_port=PORT scripts/operator.sh stop|start|crash
set -euo pipefail
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

# As many as the manifest has.
replicas=$(sed -n 's/^  replicas: //p' "$root/deploy/operator.yaml")
mode=$(status_member mode)
KUBECONFIG=$(status_member kubeconfig)
export KUBECONFIG

is_stopped() {
    [[ -z $(kubectl -n sidecarset-system get pod -l app.kubernetes.io/name=sidecarset-operator -o name) ]]
}

# It is not ready before it is gone: it answers for a while.
host_operator_is_stopped() {
    ! (exec 3<>"/dev/tcp/127.0.0.1/$((operator_port + 1))")
}

# The Lease names a Pod that is there.
is_led() {
    local holder
    holder=$(kubectl -n sidecarset-system get lease sidecarset-operator -o 'jsonpath={.spec.holderIdentity}')
    [[ -n $holder ]] && kubectl -n sidecarset-system get pod "${holder%%_*}"
}

addresses() {
    kubectl -n sidecarset-system get pod -l app.kubernetes.io/name=sidecarset-operator \
        -o 'jsonpath={range .items[*]}{.status.podIP}{"\n"}{end}'
}

# none_answers ADDRESS...: the kubelet may take its time to end what is no longer there for anybody else, and so long the API
# server may call it over a connection from before.
none_answers() {
    local address
    for address in "$@"; do
        ! timeout 1 bash -c 'exec 3<>"/dev/tcp/$1/8081"' -- "$address" || return 1
    done
}

scale() {
    kubectl -n sidecarset-system scale deployment/sidecarset-operator --replicas="$1"
}

case ${1:-} in
stop)
    if is_simulated; then
        stop_host_operator
        eventually 30 "The operator did not stop." host_operator_is_stopped
    else
        scale 0
        eventually 60 "The operator did not stop." is_stopped
    fi
    ;;
start)
    if is_simulated; then
        start_host_operator
    else
        scale "$replicas"
        kubectl -n sidecarset-system rollout status deployment/sidecarset-operator --timeout=90s
        eventually 60 "None of the operators leads." is_led
    fi
    ;;
crash)
    if is_simulated; then
        stop_host_operator KILL
        eventually 30 "The operator did not end." host_operator_is_stopped
        start_host_operator
    else
        mapfile -t killed < <(addresses)
        kubectl -n sidecarset-system delete pod -l app.kubernetes.io/name=sidecarset-operator --grace-period=0 --force
        eventually 60 "The operators that were killed did not end." none_answers "${killed[@]}"
        kubectl -n sidecarset-system rollout status deployment/sidecarset-operator --timeout=90s
        eventually 60 "None of the operators leads." is_led
    fi
    ;;
*) fail "usage: cluster=NAME operator_port=PORT $0 stop|start|crash" ;;
esac
