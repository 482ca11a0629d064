#!/usr/bin/env bash
# Installs, upgrades, rolls back and uninstalls the operator with Helm, on a cluster in which it was installed from the plain
# manifest: for scripts/test.sh. It leaves a cluster without an operator.
# usage: cluster=NAME operator_port=PORT scripts/test-chart.sh
set -euo pipefail
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

on_exit() {
    local code=$?
    if ((code != 0)); then
        printf '\n!!! The tests of the chart stopped at this step: %s\n' "$step" >&2
        kubectl -n "$operator" get all,events -o wide || true
        kubectl -n "$operator" logs -l app.kubernetes.io/name=sidecarset-operator --tail=50 --prefix || true
    fi
}
trap on_exit EXIT

operator=sidecarset-system
pods=chart-test
crd=crd/sidecarsets.apps.kruise.io
KUBECONFIG=$(status_member kubeconfig)
export KUBECONFIG

helm() {
    "$helm" "$@"
}

# release COMMAND ARGUMENT...
release() {
    show helm "$1" sidecarset "$root/deploy/chart" --namespace "$operator" --wait --timeout 90s "${@:2}" | grep -v '^ *$'
}

sidecar_set() {
    kubectl apply --server-side -f - >/dev/null <<'END'
apiVersion: apps.kruise.io/v1beta1
kind: SidecarSet
metadata:
  name: chart
spec:
  namespace: chart-test
  selector:
    matchLabels:
      app: chart
  containers:
  - name: agent
    image: agent:v1
END
    kubectl wait --for=condition=Injecting --timeout=60s sidecarset/chart >/dev/null
}

# pod NAME: creates one, and says of which containers it consists.
pod() {
    kubectl -n "$pods" run "$1" --image=agent:v1 --labels=app=chart --override-type=strategic \
        --overrides='{"spec": {"terminationGracePeriodSeconds": 1}}' >/dev/null
    kubectl -n "$pods" get pod "$1" -o 'jsonpath={.spec.containers[*].name}'
}

# What must not change in a running Pod: which one it is, its containers and their restarts.
identity() {
    kubectl -n "$pods" get pod "$1" \
        -o 'jsonpath={.metadata.uid}{range .status.containerStatuses[*]} {.containerID} {.restartCount}{end}'
}

configurations() {
    kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration \
        -o 'jsonpath={range .items[?(@.metadata.name=="sidecarset")]}{.metadata.uid} {end}'
}

is_unregistered() {
    [[ -z $(configurations) ]]
}

log_format() {
    kubectl -n "$operator" get deployment sidecarset-operator \
        -o 'jsonpath={.spec.template.spec.containers[0].args}' | grep -o 'log-format=[a-z]*'
}

# Nobody is asked any more, and nothing has changed that runs.
expect_uninstalled() {
    eventually 30 "The webhook configurations stay behind." is_unregistered
    expect "A pod did not come into being as its author wrote it." "$1" "$(pod "$1")"
    expect "A running pod was changed." "$before" "$(identity first)"
    kubectl get "$crd" sidecarset/chart >/dev/null
}

if [[ $(status_member mode) == simulated ]]; then
    say "Left out: where nodes are simulated, no operator can run in the cluster."
    exit
fi

step "A pod that runs with its sidecar, from the plain manifest."
kubectl create namespace "$pods" >/dev/null
sidecar_set
expect "The pod did not get its sidecar." "agent first" "$(pod first)"
kubectl -n "$pods" wait --for=condition=Ready --timeout=60s pod/first >/dev/null
before=$(identity first)

step "Uninstalling what the plain manifest installed."
show kubectl delete -f "$root/deploy/operator.yaml"
expect_uninstalled without-operator

step "helm install, where the definition of SidecarSet is there before it."
refusal=$(helm install sidecarset "$root/deploy/chart" --namespace "$operator" --create-namespace 2>&1 || true)
[[ $refusal == *'"sidecarsets.apps.kruise.io"'*'cannot be imported into the current release'* ]] ||
    fail "A definition of others was taken over without having been asked for: $refusal"
release install --create-namespace --take-ownership
sidecar_set
expect "The pod did not get its sidecar." "agent installed" "$(pod installed)"
registered=$(configurations)

step "helm upgrade and helm rollback."
release upgrade --set operator.logFormat=text
expect "The operator was not upgraded." log-format=text "$(log_format)"
expect "The pod did not get its sidecar." "agent upgraded" "$(pod upgraded)"
show helm rollback sidecarset 1 --namespace "$operator" --wait --timeout 90s
expect "The operator was not rolled back." log-format=json "$(log_format)"
expect "The pod did not get its sidecar." "agent rolled-back" "$(pod rolled-back)"
expect "The webhook configurations were made anew." "$registered" "$(configurations)"
expect "A running pod was changed." "$before" "$(identity first)"

# The command of docs/operations.md, with a limit to how long it may take.
step "helm uninstall."
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s
expect_uninstalled uninstalled

step "helm install again, as README.md says, which takes up what stayed."
commands=$(commands_of README.md Install helm | sed 's|REGISTRY/sidecarset|docker.io/library/sidecarset|; s|TAG|dev|')
follow "$root" "$commands"
kubectl wait --for=condition=Injecting --timeout=60s sidecarset/chart >/dev/null
expect "The pod did not get its sidecar." "agent installed-again" "$(pod installed-again)"
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s

step "helm install before the definition of SidecarSet is there."
kubectl delete "$crd" --timeout=60s >/dev/null
show helm install sidecarset "$root/deploy/chart" --namespace "$operator" --set crds.install=false
show kubectl apply --server-side -f "$root/deploy/crd.yaml"
show kubectl -n "$operator" rollout status deployment/sidecarset-operator --timeout=90s
sidecar_set
expect "The pod did not get its sidecar." "agent defined-later" "$(pod defined-later)"
expect "A running pod was changed." "$before" "$(identity first)"

step "helm uninstall, for the last time."
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s
expect_uninstalled uninstalled-again
kubectl delete namespace "$pods" --wait=false >/dev/null
