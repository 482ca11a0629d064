#!/usr/bin/env bash
# Shows the user's guide happen on a cluster of its own, and checks every step. `make demo` builds what it needs.
# `demo.sh down` removes the cluster.
set -euo pipefail

cluster=demo
operator_port=19443
# shellcheck source=scripts/cluster.sh
source "$(dirname "${BASH_SOURCE[0]}")/cluster.sh"

on_exit() {
    local code=$?
    if ((code != 0)); then
        printf '\n!!! The demo stopped at this step: %s\n' "$step" >&2
        printf '    The cluster is left as it is; make demo-down removes it.\n' >&2
    fi
}
trap on_exit EXIT

# Prints the lines of the status that the guide prints.
guides_status() {
    kubectl get sidecarset test-sidecarset -o yaml |
        grep -E '^status:|^  (matchedPods|observedGeneration|readyPods|updatedPods):'
}

# status_is GENERATION MATCHED READY UPDATED
status_is() {
    [[ $(guides_status) == $'status:\n'"  matchedPods: $2"$'\n'"  observedGeneration: $1"$'\n'"  readyPods: $3"$'\n'"  updatedPods: $4" ]]
}

show_guides_status() {
    printf "    \$ kubectl get sidecarset test-sidecarset -o yaml | grep -E '%s'\n" \
        '^status:|^  (matchedPods|observedGeneration|readyPods|updatedPods):'
    guides_status | sed 's/^/    /'
}

# container NAME MEMBER: a member of the status of a container of test-pod.
container() {
    kubectl get pod test-pod -o "jsonpath={.status.containerStatuses[?(@.name==\"$1\")].$2}"
}

set_status() {
    kubectl get sidecarset test-sidecarset -o "jsonpath={.status.$1}"
}

image_in_pod_is() {
    [[ $(kubectl get pod test-pod -o 'jsonpath={.spec.containers[?(@.name=="sidecar1")].image}') == "$1" ]]
}

sidecar_restarted() {
    [[ $(container sidecar1 restartCount) == 1 && $(container sidecar1 ready) == true ]]
}

level_in_pod() {
    kubectl get pod test-pod -o 'jsonpath={.spec.containers[?(@.name=="sidecar1")].env[?(@.name=="LOG_LEVEL")].value}'
}

# Waits for the new sidecar, and says what the time goes into.
wait_for_the_restart() {
    local start=$SECONDS told=0
    until sidecar_restarted; do
        if ((SECONDS - start > 90)); then
            fail "The sidecar was not restarted within 90 s."
        fi
        if ((SECONDS - start >= told)); then
            say "$((SECONDS - start)) s: the old sidecar is still on its way out"
            told=$((told + 5))
        fi
        sleep 0.5
    done
    say "$((SECONDS - start)) s: the new sidecar runs"
}

need "$devcluster" devcluster
if [[ ${1:-} == down ]]; then
    trap - EXIT
    cluster_down
    exit
fi
need "$image_file" image

if cluster_exists; then
    step "Removing the cluster of an earlier demo."
    cluster_down
fi

step "Starting a Kubernetes of its own on this machine."
cluster_up
if is_simulated; then
    say "Nothing really runs on these nodes: their kubelet is a simulation that reports containers."
else
    say "No registry is asked: centos and nginx are small stand-ins made of busybox, under the names that the guide uses."
fi

step "Installing the operator with one command."
install_operator

step "The guide's first file: a SidecarSet for pods labelled app=nginx."
cd "$root"
show kubectl apply -f examples/guide/sidecarset.yaml
show kubectl wait --for=condition=Ready --timeout=60s sidecarset/test-sidecarset

step "The guide's second file: a pod with one container of its own."
show kubectl apply -f examples/guide/pod.yaml
show kubectl wait --for=condition=Ready --timeout=90s pod/test-pod

step "The pod has two containers: the sidecar was injected when it was created."
show kubectl get pod
expect "kubectl get pod does not say what the guide says." "test-pod 2/2 Running 0" \
    "$(kubectl get pod test-pod --no-headers | awk '{print $1, $2, $3, $4}')"
expect "The containers are not the sidecar and the application's." "sidecar1 app" \
    "$(kubectl get pod test-pod -o 'jsonpath={.spec.containers[*].name}')"

step "The status says what the guide says."
eventually 30 "The status did not become the guide's." status_is 1 1 1 1
show_guides_status

step "kubectl edit: the sidecar's image goes from centos:6.7 to centos:6.8."
old_image=$(container sidecar1 imageID)
old_app=$(container app containerID)
say "The application's container is $old_app"
say "The editor is sed here: KUBE_EDITOR='sed -i s/centos:6.7/centos:6.8/'"
KUBE_EDITOR='sed -i s/centos:6.7/centos:6.8/' show kubectl edit sidecarset test-sidecarset
eventually 30 "The pod did not get the new image." image_in_pod_is centos:6.8

step "The sidecar alone is restarted, in place."
if ! is_simulated; then
    say "The guide's sidecar is a sleep, which does not listen to SIGTERM: it takes the whole grace period, 30 s."
fi
wait_for_the_restart
show kubectl get pod
[[ $(container sidecar1 imageID) != "$old_image" ]] || fail "The sidecar still runs the old image."
expect "The application's container is another one." "$old_app" "$(container app containerID)"
expect "The application's container was restarted." 0 "$(container app restartCount)"
say "sidecar1: restarted once, from ${old_image##*@} to $(container sidecar1 imageID | sed 's/.*@//')"
say "app:      never restarted, still $(container app containerID)"
eventually 30 "The status did not follow." status_is 2 1 1 1
show_guides_status

step "Another change than the image: an environment variable. It cannot reach a running pod."
show kubectl patch sidecarset test-sidecarset --type=json \
    -p '[{"op":"add","path":"/spec/containers/0/env","value":[{"name":"LOG_LEVEL","value":"debug"}]}]'
waits_for_a_new_pod() { [[ $(set_status notUpgradablePods) == 1 ]]; }
eventually 30 "The pod was not counted as one that waits for its next creation." waits_for_a_new_pod
reason=$(set_status 'conditions[?(@.type=="Progressing")].reason')
expect "The condition does not say why." NotUpgradable "$reason"
say "status.notUpgradablePods: $(set_status notUpgradablePods)"
say "condition Progressing: $reason: $(set_status 'conditions[?(@.type=="Progressing")].message')"
sleep 2
expect "The sidecar was restarted." 1 "$(container sidecar1 restartCount)"
expect "The pod was changed." "" "$(level_in_pod)"

step "The pod takes it when it is created anew: the guide calls that lazy."
show kubectl delete pod test-pod --grace-period=1
show kubectl apply -f examples/guide/pod.yaml
show kubectl wait --for=condition=Ready --timeout=90s pod/test-pod
expect "The new pod does not have the new environment." debug "$(level_in_pod)"
eventually 30 "The status did not follow." status_is 3 1 1 1
say "sidecar1 has LOG_LEVEL=$(level_in_pod)"
show kubectl get sidecarset,pod

operators_log="kubectl -n sidecarset-system logs deployment/sidecarset-operator"
if is_simulated; then
    operators_log="less $root/target/$cluster/operator.log"
fi
step "Everything happened as the guide says. The cluster stays up for you:"
cat <<EOF

    export KUBECONFIG=$KUBECONFIG
    export PATH=$programs:\$PATH
    kubectl get sidecarset,pod
    $operators_log

    make demo-down      removes it
EOF
