#!/usr/bin/env bash
# Runs the tests: those that need no cluster, then those on a cluster that is made for them and removed again.
# `test.sh e2e` runs only the latter, `test.sh chart` only those of the chart, `test.sh families` only those of IPv6, and
# `test.sh takeover` only the move from Kruise and back. `make test` and `make e2e` build what this needs.
set -euo pipefail

cluster="test"
operator_port=19445
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

rings=${1:-all}
is_cluster_up=no
summary=()
what=
start=0

# What a person needs to see why a test failed.
diagnose() {
    printf '\n--- the log of the operator\n'
    if is_simulated; then
        tail -n 200 "$root/target/$cluster/operator.log" || true
    else
        kubectl -n sidecarset-system logs deployment/sidecarset-operator --tail=200 --all-containers || true
        kubectl -n sidecarset-system logs deployment/sidecarset-operator --tail=50 --previous 2>/dev/null || true
    fi
    printf '\n--- kubectl get sidecarset,pod -A\n'
    kubectl get sidecarset,pod -A -o wide || true
    printf '\n--- the last events\n'
    kubectl get events -A --sort-by=.lastTimestamp | tail -n 60 || true
}

on_exit() {
    local code=$?
    trap - EXIT INT TERM
    if [[ -n $what ]]; then
        summary+=("$(printf '%-40s FAILED  %4s s' "$what" $((SECONDS - start)))")
    fi
    if ((code != 0)); then
        printf '\n!!! The tests stopped at this step: %s\n' "$step" >&2
        [[ $is_cluster_up == no ]] || diagnose
    fi
    if [[ $is_cluster_up != no ]]; then
        printf '\n==> Removing the cluster.\n'
        cluster_down || code=1
    fi
    if ((${#summary[@]} > 0)); then
        printf '\n==> Summary\n'
        printf '    %s\n' "${summary[@]}"
    fi
    if ((code == 0)); then
        printf '    All of it passed, in %s s.\n' "$SECONDS"
    else
        printf '    FAILED, after %s s.\n' "$SECONDS"
    fi
    exit "$code"
}
trap on_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# timed WHAT COMMAND...
timed() {
    what=$1
    start=$SECONDS
    shift
    "$@"
    summary+=("$(printf '%-40s passed  %4s s' "$what" $((SECONDS - start)))")
    what=
}

cd "$root"
need "$devcluster" devcluster
need "$helm" devcluster
need "$image_file" image

if [[ $rings == all ]]; then
    step "Running the tests that need no cluster (building them takes minutes the first time)."
    # More random histories than while working: they take most of a minute.
    timed "units, cases, edges" env SIMULATION_HISTORIES="${SIMULATION_HISTORIES:-1500}" cargo test --locked
    # The benchmarks and xtask are no default members. With --workspace, so that no dependency is built anew with fewer
    # features; what is tested again by this takes seconds.
    timed "benchmarks, xtask" env SIMULATION_HISTORIES=1 cargo test --locked --quiet --workspace --lib
    # As devcluster/build.sh builds, so that nothing of Kubernetes is compiled twice.
    timed "devcluster" env CGO_ENABLED=0 go -C devcluster test -trimpath -vet=off ./...
    # Not from the cache of Go, which does not look at files outside of the module, such as the chart.
    timed "chart" env CGO_ENABLED=0 go -C devcluster/helm test -count=1 -trimpath -vet=off ./...
    "$helm" lint --strict --quiet deploy/chart
fi

if [[ $rings == all || $rings == e2e ]]; then
    # With --workspace, because cargo would build the dependencies of a single package anew, with fewer features.
    step "Building the tests on a cluster."
    timed "building the tests on a cluster" cargo test --locked --workspace --test e2e --no-run

    # A cluster of its own, removed before the next one is there.
    step "Running the tests that start and kill operators beside simulated nodes."
    timed "beside simulated nodes" env cluster="$cluster-beside" scripts/test-simulated.sh
fi

if [[ $rings == all || $rings == e2e || $rings == families ]]; then
    timed "IPv6 and both families" env cluster="$cluster" operator_port=$((operator_port + 10)) scripts/test-families.sh
fi
[[ $rings != families ]] || exit 0

if cluster_exists; then
    step "Removing the cluster of an earlier run."
    cluster_down
fi

step "Starting a Kubernetes of its own on this machine."
is_cluster_up=yes
# With so much room for images that an image of a test does not fit, and as strict as providers are: who changes what an object
# belongs to must be allowed to delete it, as on OpenShift, and GKE's quota.
timed "cluster" cluster_up --image-store-size 256Mi \
    --api-server-argument=--admission-control-config-file="$root/scripts/admission.yaml" \
    --api-server-argument=--enable-admission-plugins=OwnerReferencesPermissionEnforcement

step "Installing the operator with one command."
timed "operator" install_operator

# e2e_tests THREADS ARGUMENT...: runs tests on the cluster, so many at once.
e2e_tests() {
    local threads=$1
    shift
    env KUBECTL="$kubectl" RUST_TEST_THREADS="$threads" RUST_LIB_BACKTRACE="${RUST_LIB_BACKTRACE:-0}" \
        OPERATOR="$root/scripts/operator.sh" DEVCLUSTER="$devcluster" cluster="$cluster" operator_port="$operator_port" \
        cargo test --locked --workspace --test e2e -- "$@"
}

if [[ $rings == all || $rings == e2e ]]; then
    step "Running the tests on the cluster (a minute or two)."
    # They mostly wait for containers, so more of them than there are processors run at once.
    timed "end to end ($mode nodes)" e2e_tests "${RUST_TEST_THREADS:-8}"

    step "Running the tests that stop or kill the operator or the control plane, one at a time."
    timed "while others are away" e2e_tests 1 --ignored --skip simulated::
fi

if [[ $rings != takeover ]]; then
    step "Installing, upgrading and uninstalling the chart."
    timed "chart on a cluster" env cluster="$cluster" operator_port="$operator_port" scripts/test-chart.sh
fi

if [[ $rings != chart ]]; then
    step "Moving a cluster from Kruise and back."
    timed "takeover on a cluster" env cluster="$cluster" operator_port="$operator_port" scripts/test-takeover.sh
fi
