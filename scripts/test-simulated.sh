#!/usr/bin/env bash
# Runs the tests that start and kill operators themselves, beside a cluster of simulated nodes that is made for them and removed
# again in every case: for scripts/test.sh, which builds them.
# usage: cluster=NAME scripts/test-simulated.sh [TEST...]
set -euo pipefail
# Operators find ports of their own.
operator_port=0
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

on_exit() {
    local code=$?
    trap - EXIT INT TERM
    if ((code != 0)); then
        printf '\n!!! The tests on simulated nodes stopped at this step: %s\n' "$step" >&2
        tail -n 60 "$root/target/$cluster"/operator-*.log || true
        kubectl get sidecarset,lease -A -o wide || true
    fi
    # Nothing has to be finished.
    stop_host_operator KILL || code=1
    "$devcluster" down --name "$cluster" || code=1
    exit "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

cd "$root"
step "Starting a cluster of simulated nodes."
rm -rf "${root:?}/target/$cluster"
"$devcluster" up --name "$cluster" --nodes simulated --simulated-delay 250ms
KUBECONFIG=$(status_member kubeconfig)
export KUBECONFIG
prepare_host_operator

step "Running the tests that start and kill operators beside it."
env RUST_TEST_THREADS=1 RUST_LIB_BACKTRACE="${RUST_LIB_BACKTRACE:-0}" \
    BESIDE="$root/target/$cluster" OPERATOR_BINARY="$operator_binary" KUBECTL="$kubectl" \
    cargo test --locked --workspace --test e2e -- --ignored --nocapture "${@:-simulated::}"
