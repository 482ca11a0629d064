#!/usr/bin/env bash
# Moves a cluster from Kruise to this operator and back, with the very commands of docs/migrating.md: for scripts/test.sh.
# It removes the operator that the cluster may have, and leaves none. Nothing of Kruise runs; what it left is made by
# scripts/takeover.
# usage: cluster=NAME operator_port=PORT scripts/test-takeover.sh
set -euo pipefail
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"
# shellcheck source=scripts/takeover/left.sh
source "$root/scripts/takeover/left.sh"

files=
on_exit() {
    local code=$?
    if ((code != 0)); then
        printf '\n!!! The test of the takeover stopped at this step: %s\n' "$step" >&2
        kubectl get sidecarset -o yaml || true
        kubectl -n sidecarset-system logs -l app.kubernetes.io/name=sidecarset-operator --tail=50 --prefix || true
    fi
    [[ -z $files ]] || rm -rf "$files"
}
trap on_exit EXIT

crd=crd/sidecarsets.apps.kruise.io
pods=takeover-test
KUBECONFIG=$(status_member kubeconfig)
export KUBECONFIG

# Does what the page says under a heading, in a folder with a copy of deploy/.
do_as_said() {
    local commands
    commands=$(commands_of docs/migrating.md "$1" "")
    follow "$files" "$commands"
}

# What must not change in a running Pod, and in its containers. The kubelet may write what it likes.
identities() {
    kubectl -n "$pods" get pod -o \
        'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.metadata.generation} {.metadata.annotations}{range .status.containerStatuses[*]} {.name} {.containerID} {.restartCount}{end}{"\n"}{end}'
}

app_containers() {
    kubectl -n "$pods" get pod -o \
        'jsonpath={range .items[*]}{.metadata.name} {.metadata.uid} {.status.containerStatuses[?(@.name=="app")].containerID}{"\n"}{end}'
}

sidecars() {
    kubectl -n "$pods" get pod -o \
        'jsonpath={range .items[*]}{.metadata.name} {.status.containerStatuses[?(@.name=="agent")].image} {.status.containerStatuses[?(@.name=="agent")].restartCount}{"\n"}{end}'
}

# counts: the set's status, as the columns MATCHED, UPDATED and READY.
counts() {
    kubectl get sidecarset "$kruises_set" -o 'jsonpath={.status.matchedPods} {.status.updatedPods} {.status.readyPods}'
}

counts_are() {
    [[ $(counts) == "$1" ]]
}

revisions_in() {
    kubectl -n "$1" get controllerrevisions -l kruise.io/sidecarset-name \
        -o 'jsonpath={range .items[*]}{.revision} {.metadata.name} {.data}{"\n"}{end}' | sort
}

latest_revision() {
    kubectl get sidecarset "$kruises_set" -o 'jsonpath={.status.latestRevision}'
}

latest_revision_is() {
    [[ $(latest_revision) == "$1" ]]
}

white_list_in() {
    kubectl -n "$1" get configmap kruise-configuration -o 'jsonpath={.data}'
}

webhooks_named() {
    kubectl get mutatingwebhookconfiguration,validatingwebhookconfiguration -o name | grep -c "$1" || true
}

is_upgraded() {
    [[ $(sidecars) == "$1" ]]
}

runs_image() {
    [[ $(kubectl -n "$pods" get pod "$1" -o 'jsonpath={.status.containerStatuses[?(@.name=="agent")].image}') == *"$2" ]]
}

make_cluster_of_kruise() {
    kubectl delete --ignore-not-found -f "$root/deploy/operator.yaml" >/dev/null
    kubectl delete --ignore-not-found --wait "$crd" >/dev/null
    kubectl apply -f "$root/scripts/takeover/kruise.yaml" >/dev/null
    kubectl wait --for=condition=Established --timeout=30s "$crd" >/dev/null
    kubectl create namespace "$pods" >/dev/null
    kruises_set_with agent:v1 | kubectl create -f - >/dev/null
    kruises_set_with agent:v2 | kubectl apply --server-side --force-conflicts -f - >/dev/null
    local uid
    uid=$(kubectl get sidecarset "$kruises_set" -o 'jsonpath={.metadata.uid}')
    { kruises_revision agent:v1 1 "$uid" && kruises_revision agent:v2 2 "$uid"; } | kubectl create -f - >/dev/null
    kubectl patch sidecarset "$kruises_set" --subresource=status --type=merge -p "{\"status\": {
        \"observedGeneration\": 2, \"matchedPods\": 2, \"updatedPods\": 2, \"readyPods\": 2, \"updatedReadyPods\": 2,
        \"latestRevision\": \"$(revision_name agent:v2)\", \"collisionCount\": 0}}" >/dev/null
    { kruises_pod fresh agent:v2 && kruises_pod upgraded agent:v1 && old_pod old agent:v2; } |
        kubectl -n "$pods" create -f - >/dev/null
    kubectl -n "$pods" wait --for=condition=Ready --timeout=60s pod --all >/dev/null
    upgraded_by_kruise "$pods" upgraded agent:v2 >/dev/null
    eventually 60 "The pod was not restarted." runs_image upgraded agent:v2
    kubectl -n "$pods" wait --for=condition=Ready --timeout=60s pod --all >/dev/null
}

if [[ $(status_member mode) == simulated ]]; then
    say "Left out: where nodes are simulated, no operator can run in the cluster."
    exit
fi
files=$(mktemp -d)
cp -r "$root/deploy" "$files/deploy"

step "A cluster as Kruise leaves it."
make_cluster_of_kruise
before=$(identities)
apps=$(app_containers)
past=$(revisions_in kruise-system)

step "From Kruise to this operator, as docs/migrating.md says."
do_as_said "Back up what the way back needs"
do_as_said "Store every SidecarSet in the current version"
do_as_said "Copy the history"
do_as_said "Take over the definition"
do_as_said "Start the operator"
do_as_said "Stop Kruise"
do_as_said "Check what has changed"
eventually 30 "The status is not right: $(counts)." counts_are "3 3 3"
expect "A pod was changed." "$before" "$(identities)"
expect "The past was not taken over." "$past" "$(revisions_in sidecarset-system)"
expect "The white list was not taken over." "$(white_list_in kruise-system)" "$(white_list_in sidecarset-system)"
expect "The present definition has another name." "$(revision_name agent:v2)" "$(latest_revision)"
expect "The definition of SidecarSet still has a webhook." '{"strategy":"None"}' \
    "$(kubectl get "$crd" -o 'jsonpath={.spec.conversion}')"
expect "Webhooks of Kruise are left." 0 "$(webhooks_named kruise)"

step "The next image reaches the pods in place, the one from before 0.9 too."
kubectl patch sidecarset "$kruises_set" --type=json \
    -p '[{"op": "replace", "path": "/spec/containers/0/image", "value": "agent:v3"}]' >/dev/null
image=docker.io/library/agent:v3
eventually 90 "The pods were not upgraded." is_upgraded "fresh $image 1"$'\n'"old $image 1"$'\n'"upgraded $image 2"
eventually 30 "The status is not right: $(counts)." counts_are "3 3 3"
expect "An application was restarted." "$apps" "$(app_containers)"
expect "The set has another hash than Kruise would give it." "${hash_of[agent:v3]}" \
    "$(kubectl get sidecarset "$kruises_set" -o 'jsonpath={.metadata.annotations.kruise\.io/sidecarset-hash}')"
# An API server that asks who may own a revision learns of a definition that was made anew within half a minute. Until then it refuses
# the revision, which is tried again.
eventually 90 "The revision has another name than Kruise would give it, or was not stored." latest_revision_is "$(revision_name agent:v3)"
expect "The pod from before 0.9 does not list its sets." "$kruises_set" \
    "$(kubectl -n "$pods" get pod old -o 'jsonpath={.metadata.annotations.kruise\.io/sidecarset-injected-list}')"

step "Back to Kruise, as docs/migrating.md says."
before=$(identities)
past=$(revisions_in sidecarset-system)
do_as_said "Go back to Kruise"
expect "A pod was changed." "$before" "$(identities)"
expect "The past was not given back." "$past" "$(revisions_in kruise-system)"
expect "The definition of SidecarSet is not that of Kruise." Webhook \
    "$(kubectl get "$crd" -o 'jsonpath={.spec.conversion.strategy}')"
expect "The webhooks of Kruise are missing." 2 "$(webhooks_named kruise)"
expect "Webhooks of the operator are left." 0 "$(webhooks_named '/sidecarset$')"
expect "Kruise was not started again." 1 \
    "$(kubectl -n kruise-system get deployment kruise-controller-manager -o 'jsonpath={.spec.replicas}')"
expect "The status has what Kruise does not know." "" \
    "$(kubectl get sidecarset "$kruises_set" -o 'jsonpath={.status.conditions}')"
