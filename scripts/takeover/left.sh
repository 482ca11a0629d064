# shellcheck shell=bash
# Writes what Kruise v1.9 leaves of a SidecarSet that was rolled out: the set with its hashes and status, two revisions, and
# Pods, one of them upgraded in place and one with the annotations of releases before 0.9. To be sourced.

# From each image to the hash of the set with it, and to the end of the name of its revision. They were computed from what
# is documented of Kruise, by a program of their own.
declare -A hash_of=(
    [agent:v1]=74f29b8bbw26x92d44924569d76f256d626vx822z6xbcdwz2zf62c5b2727xv86
    [agent:v2]=68w7w4v5dd424xvw75b667262v2v4w87bwzwfc89x5965xd76fc89zwd46z6wx24
    [agent:v3]=z6f9784fbf44bf2zc92xb86v24b6xbw8449bww644b29bvb6w4vwx65974d92vfz
)
declare -A suffix_of=([agent:v1]=69f6cfcccc [agent:v2]=6d856c9f8d [agent:v3]=864cd58bc5)
hash_without_image=62258bb8d4vv7w584244bd5df277d4vw9fbf49c99967447fxw5z4f4956b97fz4
kruises_set=kruise-left
past=2026-01-02T03:04:05Z

# definition IMAGE: the list of containers, with the defaults of Kruise.
definition() {
    cat <<END
[{"image": "$1", "imagePullPolicy": "IfNotPresent", "name": "agent", "podInjectPolicy": "BeforeAppContainer",
  "resources": {}, "shareVolumePolicy": {"type": "disabled"}, "terminationMessagePath": "/dev/termination-log",
  "terminationMessagePolicy": "File", "upgradeStrategy": {"upgradeType": "ColdUpgrade"}}]
END
}

# record HASH [REVISION]: what the annotations of a Pod say of the set.
record() {
    printf '{"%s":{"updateTimestamp":"%s","hash":"%s","sidecarSetName":"%s","sidecarList":["agent"]%s}}' \
        "$kruises_set" "$past" "$1" "$kruises_set" "${2:+,\"controllerRevision\":\"$2\"}"
}

revision_name() {
    printf '%s-%s' "$kruises_set" "${suffix_of[$1]}"
}

kruises_set_with() {
    cat <<END
apiVersion: apps.kruise.io/v1beta1
kind: SidecarSet
metadata:
  name: $kruises_set
  annotations:
    kruise.io/sidecarset-hash: ${hash_of[$1]}
    kruise.io/sidecarset-hash-without-image: $hash_without_image
spec:
  selector:
    matchLabels: {app: $kruises_set}
  containers: $(definition "$1")
  updateStrategy: {type: RollingUpdate, partition: 0, maxUnavailable: 1}
  injectionStrategy: {}
  revisionHistoryLimit: 10
END
}

# kruises_revision IMAGE NUMBER UID-OF-THE-SET
kruises_revision() {
    cat <<END
---
apiVersion: apps/v1
kind: ControllerRevision
metadata:
  name: $(revision_name "$1")
  namespace: kruise-system
  labels:
    kruise.io/sidecarset-name: $kruises_set
    controller.kubernetes.io/hash: ${suffix_of[$1]}
  annotations:
    kruise.io/sidecarset-hash: ${hash_of[$1]}
    kruise.io/sidecarset-hash-without-image: $hash_without_image
  ownerReferences:
  - {apiVersion: apps.kruise.io/v1beta1, kind: SidecarSet, name: $kruises_set, uid: $3, controller: true, blockOwnerDeletion: true}
revision: $2
data:
  spec: {"\$patch": replace, containers: $(definition "$1"), imagePullSecrets: null, initContainers: null, patchPodMetadata: null, volumes: null}
END
}

# kruises_pod NAME IMAGE: one that got its sidecar when it was created.
kruises_pod() {
    cat <<END
---
apiVersion: v1
kind: Pod
metadata:
  name: $1
  labels: {app: $kruises_set}
  annotations:
    kruise.io/sidecarset-injected-list: $kruises_set
    kruise.io/sidecarset-hash: '$(record "${hash_of[$2]}" "$(revision_name "$2")")'
    kruise.io/sidecarset-hash-without-image: '$(record "$hash_without_image")'
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: agent, image: "$2", env: [{name: IS_INJECTED, value: "true"}]}
  - {name: app, image: "nginx:1.15.1"}
END
}

# old_pod NAME IMAGE: one with the annotations of releases before 0.9, which kept no list.
old_pod() {
    cat <<END
---
apiVersion: v1
kind: Pod
metadata:
  name: $1
  labels: {app: $kruises_set}
  annotations:
    kruise.io/sidecarset-hash: '{"$kruises_set":"${hash_of[$2]}"}'
    kruise.io/sidecarset-hash-without-image: '{"$kruises_set":"$hash_without_image"}'
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - {name: agent, image: "$2", env: [{name: IS_INJECTED, value: "true"}]}
  - {name: app, image: "nginx:1.15.1"}
END
}

# upgraded_by_kruise NAMESPACE POD IMAGE: the Pod after an upgrade in place.
upgraded_by_kruise() {
    local before
    before=$(kubectl -n "$1" get pod "$2" -o 'jsonpath={.status.containerStatuses[?(@.name=="agent")].imageID}')
    kubectl -n "$1" annotate --overwrite pod "$2" \
        "kruise.io/sidecarset-hash=$(record "${hash_of[$3]}" "$(revision_name "$3")")" \
        "kruise.io/sidecarset-inplace-update-state={\"$kruises_set\":{\"revision\":\"${hash_of[$3]}\",\"updateTimestamp\":\"$past\",\"lastContainerStatuses\":{\"agent\":{\"imageID\":\"$before\"}}}}"
    kubectl -n "$1" set image "pod/$2" "agent=$3"
    kubectl -n "$1" patch pod "$2" --subresource=status --type=strategic -p "{\"status\": {\"conditions\": [
        {\"type\": \"SidecarSetUpgradable\", \"status\": \"True\", \"reason\": \"AllSidecarsetUpgradable\",
         \"message\": \"{\\\"$kruises_set\\\":true}\", \"lastTransitionTime\": \"$past\"}]}}"
}
