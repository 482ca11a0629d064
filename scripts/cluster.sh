# shellcheck shell=bash
# What demo.sh and test.sh share: telling what is going on, waiting, and a cluster with the operator in it.
# To be sourced. Both set `cluster` to its name first, and `operator_port` to a port of this machine that is theirs.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# KUBERNETES=1.34.4 asks for another version than that of devcluster/go.mod.
programs=$root/devcluster/bin${KUBERNETES:+/v$KUBERNETES}
devcluster=$programs/devcluster
kubectl=$programs/kubectl
# shellcheck disable=SC2034
helm=$programs/helm
image_file=$root/target/image/sidecarset.tar
: "${cluster:?}" "${operator_port:?}"
mode=
# shellcheck disable=SC2034 # whoever sources this tells at which step it stopped
step=

# Says in a sentence what comes next. A failure is told with this sentence.
step() {
    # shellcheck disable=SC2034
    step=$1
    printf '\n==> %s\n' "$1"
}

say() {
    printf '    %s\n' "$1"
}

fail() {
    printf '\n!!! %s\n' "$1" >&2
    exit 1
}

# Shows a command as a person would type it, and runs it.
show() {
    local word line=
    for word in "$@"; do
        [[ $word =~ ^[A-Za-z0-9_./:=,@+-]+$ ]] || word="'$word'"
        line+=" $word"
    done
    printf '    $%s\n' "$line"
    "$@" 2>&1 | sed 's/^/    /'
}

# kubectl for the cluster, whatever the caller's KUBECONFIG is.
kubectl() {
    "$kubectl" "$@"
}

# eventually SECONDS SENTENCE COMMAND...: runs the command until it succeeds. SENTENCE is what did not happen.
eventually() {
    local deadline=$((SECONDS + $1)) sentence=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        if ((SECONDS >= deadline)); then
            fail "$sentence"
        fi
        sleep 0.2
    done
}

# Fails unless both texts are equal.
expect() {
    local what=$1 expected=$2 actual=$3
    if [[ $actual != "$expected" ]]; then
        printf '\n    expected:\n%s\n    found:\n%s\n' "$expected" "$actual" >&2
        fail "$what"
    fi
}

need() {
    [[ -e $1 ]] || fail "$1 is missing: make $2 builds it."
}

is_simulated() {
    [[ $mode == simulated ]]
}

# A cluster of that name may be there from an earlier run.
cluster_exists() {
    "$devcluster" status --all --output json | grep -q "\"name\": \"$cluster\""
}

status_member() {
    "$devcluster" status --name "$cluster" --output json | sed -n "s/^  \"$1\": \"\(.*\)\",\{0,1\}$/\1/p"
}

# cluster_up ARGUMENT...: real nodes where that is possible; NODES=simulated asks for others. IP_FAMILY=ipv6 and IP_FAMILY=dual
# ask for other addresses.
cluster_up() {
    "$devcluster" up --name "$cluster" --nodes "${NODES:-auto}" ${IP_FAMILY:+--ip-family "$IP_FAMILY"} "$@"
    mode=$(status_member mode)
    KUBECONFIG=$(status_member kubeconfig)
    [[ -n $mode && -n $KUBECONFIG ]] || fail "devcluster does not say where the cluster $cluster is."
    export KUBECONFIG
}

cluster_down() {
    stop_host_operator
    "$devcluster" down --name "$cluster"
}

# commands_of PAGE HEADING PROGRAM: the commands under a heading of a page that begin like this: what stands behind the prompt,
# and the lines that go on from there.
commands_of() {
    local commands
    commands=$(awk -v heading="## $2" -v program="\$ $3" '
        /^## / { here = ($0 == heading) }
        here && /^\$ / { goes_on = 0 }
        here && index($0, program) == 1 { print substr($0, 3); goes_on = /\\$/; next }
        here && goes_on { print; goes_on = /\\$/ }
    ' "$root/$1")
    [[ -n $commands ]] || fail "$1 has no commands under \"$2\"."
    printf '%s\n' "$commands"
}

# follow FOLDER COMMANDS: runs what a page says in a folder with a copy of what it speaks of.
follow() {
    sed 's/^/    $ /' <<<"$2"
    (cd "$1" && PATH=$programs:$PATH timeout 300 bash -eu -o pipefail -c "$2" 2>&1 | sed 's/^/    /')
}

# Installs the operator with the commands that README.md gives.
install_operator() {
    local commands
    if is_simulated; then
        rm -f "$root/target/$cluster/operator.log"
        start_host_operator
        return
    fi
    "$devcluster" load-image --name "$cluster" "$image_file"
    commands=$(commands_of README.md Install kubectl)
    follow "$root" "$commands"
}

# What an operator needs that runs beside the cluster. Says which program it is.
prepare_host_operator() {
    for operator_binary in "$root"/target/*/release/sidecarset "$root/target/release/sidecarset"; do
        [[ ! -x $operator_binary ]] || break
    done
    need "$operator_binary" build
    show kubectl apply --server-side -f "$root/deploy/crd.yaml"
    kubectl create namespace sidecarset-system --dry-run=client -o yaml | kubectl apply --server-side -f - >/dev/null
    mkdir -p "$root/target/$cluster"
}

# Where nodes are simulated nothing can run on them, so the operator runs beside the cluster.
start_host_operator() {
    local address health=127.0.0.1:$((operator_port + 1))
    prepare_host_operator
    address=$(status_member hostAddress)
    [[ $address != *:* ]] || address="[$address]"
    # Each takes the place of the one before, and need not wait for the end of its lease.
    POD_NAME=beside POD_UID=$cluster "$operator_binary" operator --kubeconfig "$KUBECONFIG" \
        --webhook-url "https://$address:$operator_port" --webhook-bind ":$operator_port" --health-bind "$health" \
        >>"$root/target/$cluster/operator.log" 2>&1 &
    echo "$!" >"$root/target/$cluster/operator.pid"
    say "The operator runs beside the cluster; its log is target/$cluster/operator.log."
    eventually 60 "The operator did not become ready: see target/$cluster/operator.log." \
        answers_ready "$health"
}

# answers_ready ADDRESS:PORT, without brackets around one of IPv6. Asks without curl, which is not on every machine.
answers_ready() {
    local line
    exec 3<>"/dev/tcp/${1%:*}/${1##*:}" || return 1
    printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3
    read -r line <&3 || line=
    exec 3>&-
    [[ $line == *" 200 "* ]]
}

# stop_host_operator [SIGNAL]: also those that a test started.
stop_host_operator() {
    local file pid
    for file in "$root/target/$cluster"/operator*.pid; do
        [[ -f $file ]] || continue
        pid=$(cat "$file")
        # The number may be another program's by now.
        if [[ $(ps -o command= -p "$pid") == *"sidecarset operator"* ]]; then
            kill -s "${1:-TERM}" "$pid"
        fi
        rm -f "$file"
    done
}
