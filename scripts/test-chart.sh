#!/usr/bin/env bash
# Installs, upgrades, rolls back and uninstalls the operator with Helm, on a cluster in which it was installed from the plain
# manifest: for scripts/test.sh. It leaves a cluster without an operator.
# usage: cluster=NAME operator_port=PORT scripts/test-chart.sh
set -euo pipefail
# The chart of this commit is upgraded to that of the working tree: the last one without values for platforms.
: "${PREVIOUS_CHART:=b830ddcca4c5}"
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

# values ARGUMENT...: upgrades to these values and to no others that were given before.
values() {
    release upgrade --reset-values "$@"
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

# previous_chart FOLDER: puts the earlier chart there, if its commit is known.
previous_chart() {
    git -C "$root" archive "$PREVIOUS_CHART" deploy/chart 2>/dev/null | tar -x -C "$1" 2>/dev/null
}

configuration() {
    kubectl get mutatingwebhookconfiguration sidecarset -o "jsonpath={.metadata.$1}"
}

# is_narrowed_to KEY: whether every webhook for Pods asks for that of namespaces.
is_narrowed_to() {
    local selectors
    selectors=$(kubectl get mutatingwebhookconfiguration sidecarset \
        -o 'go-template={{range .webhooks}}{{if eq (index (index .rules 0).resources 0) "pods"}}{{.namespaceSelector}}{{"\n"}}{{end}}{{end}}')
    [[ -n $selectors ]] && ! grep -v "key:$1 " <<<"$selectors"
}

# operator_pods TEMPLATE: for each Pod of the operator that is not on its way out.
operator_pods() {
    kubectl -n "$operator" get pod -l app.kubernetes.io/name=sidecarset-operator \
        -o "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}$1 {{end}}{{end}}"
}

quota_counts() {
    [[ $(kubectl -n "$operator" get resourcequota sidecarset-operator -o 'jsonpath={.status.used.pods}') == "$1" ]]
}

is_short_of_quota() {
    local messages
    messages=$(kubectl -n "$operator" get events -o 'jsonpath={.items[*].message}')
    [[ $messages == *'insufficient quota to match these scopes'* ]]
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
# It may also be of another version.
column=/spec/versions/0/additionalPrinterColumns/0/description
kubectl patch "$crd" --type=json --patch="[{\"op\": \"replace\", \"path\": \"$column\", \"value\": \"other\"}]" >/dev/null
release install --create-namespace --take-ownership --force-conflicts
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

step "What others add to the webhook configurations, and what the values ask for, is there after a restart."
kubectl annotate mutatingwebhookconfiguration sidecarset example.com/owner=others >/dev/null
kubectl label mutatingwebhookconfiguration sidecarset example.com/tier=others >/dev/null
values --values "$root/deploy/chart/platforms/aks.yaml" --set commonLabels.team=platform
kubectl -n "$operator" rollout restart deployment/sidecarset-operator >/dev/null
kubectl -n "$operator" rollout status deployment/sidecarset-operator --timeout=90s >/dev/null
expect "The annotation of others is gone." others "$(configuration 'annotations.example\.com/owner')"
expect "The label of others is gone." others "$(configuration 'labels.example\.com/tier')"
expect "The annotation of the values is missing." true "$(configuration 'annotations.admissions\.enforcer/disabled')"
expect "The label of the values is missing." platform "$(configuration labels.team)"
values
eventually 30 "The annotation stays that nobody asks for." \
    eval "[[ -z \$(configuration 'annotations.admissions\.enforcer/disabled') ]]"
expect "The annotation of others is gone." others "$(configuration 'annotations.example\.com/owner')"

step "Pods that a selector of the values leaves out get no sidecar, and others do."
values --set-json 'webhook.namespaceSelector={"matchExpressions":[{"key":"platform","operator":"DoesNotExist"}]}'
eventually 30 "The webhooks lack the selector." is_narrowed_to platform
expect "The pod did not get its sidecar." "agent not-left-out" "$(pod not-left-out)"
kubectl label namespace "$pods" platform=yes >/dev/null
expect "A pod that is left out got a sidecar." left-out "$(pod left-out)"
kubectl label namespace "$pods" platform- >/dev/null
values

step "The priority of the operator's Pods has its quota, without which this API server admits none."
eventually 30 "The quota does not count the operators." quota_counts 2
values --set resourceQuota.enabled=false
kubectl -n "$operator" rollout restart deployment/sidecarset-operator >/dev/null
eventually 60 "Pods of this priority are admitted without a quota: this tries nothing." is_short_of_quota
values
expect "The pod did not get its sidecar." "agent with-a-quota" "$(pod with-a-quota)"

step "In the network of the node, on other ports."
node=$(status_member nodeAddress)
values --values "$root/deploy/chart/platforms/eks-overlay.yaml" --set replicas=1
expect "The operator is not in the network of its node." "$node " "$(operator_pods {{.status.podIP}})"
answers_ready "$node:18081" || fail "The operator does not answer health checks on its other port."
expect "The pod did not get its sidecar." "agent on-the-host-network" "$(pod on-the-host-network)"
values --values "$root/deploy/chart/platforms/eks-overlay.yaml" --set replicas=1,operator.logFormat=text
expect "The pod did not get its sidecar." "agent on-the-host-network-again" "$(pod on-the-host-network-again)"

step "Without a user of its own, and with one that the cluster chooses; with more of the environment."
values --values "$root/deploy/chart/platforms/openshift.yaml" \
    --set 'operator.extraEnv[0].name=RUST_LOG,operator.extraEnv[0].value=debug'
expect "The operators have a user of their own." "<no value> <no value> " \
    "$(operator_pods {{.spec.securityContext.runAsUser}})"
expect "The operators lack the variable." "debug debug " \
    "$(operator_pods '{{range (index .spec.containers 0).env}}{{if eq .name "RUST_LOG"}}{{.value}}{{end}}{{end}}')"
log=$(kubectl -n "$operator" logs -l app.kubernetes.io/name=sidecarset-operator --tail=-1)
[[ $log == *'"level":"DEBUG"'* ]] ||
    fail "The operators do not say what RUST_LOG asks for."
values --set podSecurityContext.runAsUser=1000680000,podSecurityContext.runAsGroup=0
expect "The pod did not get its sidecar." "agent as-another-user" "$(pod as-another-user)"

step "What the values of each platform come to is taken by this API server."
for platform in "$root"/deploy/chart/platforms/*.yaml; do
    case $platform in
    # They ask for addresses that this cluster does not have: scripts/test-families.sh.
    */ipv6.yaml | */dual-stack.yaml) continue ;;
    esac
    helm template sidecarset "$root/deploy/chart" --namespace "$operator" --values "$platform" |
        kubectl apply --server-side --force-conflicts --field-manager=helm --dry-run=server --validate=strict -f - >/dev/null
    say "${platform##*/}"
done

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

step "helm upgrade from an earlier chart."
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s
earlier=$(mktemp -d)
if previous_chart "$earlier"; then
    # It has no quota, without which this API server does not admit its priority.
    show helm install sidecarset "$earlier/deploy/chart" --namespace "$operator" --wait --timeout 90s \
        --take-ownership --force-conflicts --set priorityClassName=
    expect "The pod did not get its sidecar." "agent of-the-earlier-chart" "$(pod of-the-earlier-chart)"
    registered=$(configurations)
    release upgrade --reset-then-reuse-values --set priorityClassName=system-cluster-critical
    expect "The pod did not get its sidecar." "agent of-the-later-chart" "$(pod of-the-later-chart)"
    expect "The webhook configurations were made anew." "$registered" "$(configurations)"
else
    say "Left out: this is no clone of the repository, or one without commit $PREVIOUS_CHART."
    release install
fi
rm -rf "$earlier"
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s

step "helm install with the values of a platform, as docs/platforms.md says."
follow "$root" "$(commands_of docs/platforms.md Install helm | sed 's|PLATFORM|single-node|; $ s|$| --wait --timeout 90s|')"
expect "There is another number of operators." "Running " "$(operator_pods {{.status.phase}})"
expect "The pod did not get its sidecar." "agent on-a-platform" "$(pod on-a-platform)"
expect "A running pod was changed." "$before" "$(identity first)"

step "helm uninstall, for the last time."
show helm uninstall sidecarset --namespace "$operator" --wait --timeout 90s
expect_uninstalled uninstalled-again
kubectl delete namespace "$pods" --wait=false >/dev/null
