//! A set among the others: what is refused because of them, and what is only surprising.

use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::normalize::{defaults::defaulted, normalize};
use sidecarset_core::validation::{Violations, Writing, warnings};
use std::collections::BTreeMap;
use std::slice;

/// A set of one container, whose requests are stated.
fn set(name: &str, container: &str) -> Value {
    json!({
        "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "containers": [{"name": container, "image": "i", "resources": {"requests": {"cpu": "10m"}}}],
            "updateStrategy": {"type": "NotUpdate"},
        },
    })
}

fn canary(name: &str, base: &str) -> Value {
    let mut set = set(name, "agent");
    set["metadata"]["annotations"] =
        json!({"apps.kruise.io/sidecarset-canary": "true", "apps.kruise.io/sidecarset-base": base});
    set
}

fn with(mut set: Value, pointer: &str, value: Value) -> Value {
    *set.pointer_mut(pointer).unwrap() = value;
    set
}

fn read(set: &Value) -> SidecarSet {
    serde_json::from_value(set.clone()).unwrap()
}

fn catalog(sets: &[Value]) -> Catalog {
    let mut catalog = Catalog::default();
    for set in sets {
        catalog.put_set(&read(set));
    }
    catalog
}

fn violations(set: &Value, old: Option<&Value>, others: &[Value]) -> Vec<String> {
    let (set, old) = (read(set), old.map(read));
    let canonical = normalize(&set).unwrap();
    let mut violations = Violations::default();
    let spec = defaulted(&set.spec);
    Writing { set: &set, spec: &spec, canonical: &canonical, old: old.as_ref() }
        .check(&catalog(others), &mut violations);
    violations.iter().map(ToString::to_string).collect()
}

fn told(set: &Value, catalog: &Catalog) -> Vec<String> {
    let set = read(set);
    let canonical = normalize(&set).unwrap();
    let spec = defaulted(&set.spec);
    warnings(Writing { set: &set, spec: &spec, canonical: &canonical, old: None }, catalog)
}

#[test]
fn a_container_name_of_a_set_that_may_select_the_same_pods_is_refused() {
    let other = set("other", "agent");

    assert_eq!(
        violations(&set("mine", "agent"), None, slice::from_ref(&other)),
        ["spec.containers[0].name: container agent already exists in SidecarSet other, which may select the same pods"]
    );
    assert_eq!(violations(&set("mine", "different"), None, slice::from_ref(&other)), [""; 0]);
    // The set as it was is no other set.
    assert_eq!(violations(&set("other", "agent"), Some(&other), slice::from_ref(&other)), [""; 0]);
}

#[test]
fn an_init_container_and_a_container_of_one_name_are_refused() {
    let mut init = set("mine", "unused");
    init["spec"]["initContainers"] = json!([{"name": "z", "image": "i"}, {"name": "agent", "image": "i"}]);

    assert_eq!(
        violations(&init, None, &[set("other", "agent")]),
        [
            "spec.initContainers[1].name: container agent already exists in SidecarSet other, which may select the same pods"
        ]
    );
}

#[test]
fn the_containers_of_a_pair_have_names_too() {
    let hot = with(
        set("mine", "agent"),
        "/spec/containers/0",
        json!({
            "name": "agent", "image": "i", "resources": {"requests": {"cpu": "10m", "memory": "1Gi"}},
            "upgradeStrategy": {"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "e"},
        }),
    );

    assert_eq!(violations(&hot, None, &[set("other", "agent")]), [""; 0]);
    assert_eq!(
        violations(&hot, None, &[set("other", "agent-2")]),
        [
            "spec.containers[0].name: container agent-2 already exists in SidecarSet other, which may select the same pods"
        ]
    );
    assert_eq!(
        told(&hot, &Catalog::default()),
        ["spec.containers[0].resources.requests: counts twice in each pod, for a hot upgrade needs two containers: \
             cpu 2 x 10m, memory 2 x 1Gi"]
    );
}

#[test]
fn a_name_is_free_where_no_pod_can_be_selected_by_both() {
    let mine = set("mine", "agent");
    for (what, selector) in [
        ("another value", json!({"matchLabels": {"app": "redis"}})),
        ("not the value", json!({"matchExpressions": [{"key": "app", "operator": "NotIn", "values": ["nginx"]}]})),
        ("no label", json!({"matchExpressions": [{"key": "app", "operator": "DoesNotExist"}]})),
    ] {
        let other = with(set("other", "agent"), "/spec/selector", selector);

        assert_eq!(violations(&mine, None, &[other]), [""; 0], "{what}");
    }
    let exists = json!({"matchExpressions": [{"key": "tier", "operator": "Exists"}]});
    let other = with(set("other", "agent"), "/spec/selector", exists);
    assert_eq!(violations(&mine, None, &[other]).len(), 1, "a pod may have both labels");
}

#[test]
fn a_name_is_free_where_the_namespaces_differ() {
    let mut mine = set("mine", "agent");
    mine["spec"]["namespace"] = json!("shop");
    let mut other = set("other", "agent");
    other["spec"]["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": "bank"}});

    assert_eq!(violations(&mine, None, &[other]), [""; 0]);
}

#[test]
fn one_volume_may_be_in_two_sets_but_not_two_of_one_name() {
    let with_volume = |mut set: Value, volume: Value| {
        set["spec"]["volumes"] = json!([volume]);
        set
    };
    let mine = with_volume(set("mine", "a"), json!({"name": "logs", "emptyDir": {}}));

    assert_eq!(violations(&mine, None, &[with_volume(set("other", "b"), json!({"name": "logs"}))]), [""; 0]);
    assert_eq!(
        violations(&mine, None, &[with_volume(set("other", "b"), json!({"name": "logs", "hostPath": {"path": "/l"}}))]),
        ["spec.volumes[0]: volume logs is another one in SidecarSet other, which may select the same pods"]
    );
}

#[test]
fn an_annotation_that_two_sets_write_is_refused_where_one_would_undo_the_other() {
    let writing = |name: &str, policy: &str| {
        let mut set = set(name, name);
        set["spec"]["patchPodMetadata"] = json!([
            {"annotations": {"own": name}}, {"annotations": {"shared": "{}"}, "patchPolicy": policy},
        ]);
        set
    };
    let found = |mine: &str, theirs: &str| violations(&writing("mine", mine), None, &[writing("other", theirs)]);
    let conflict = ["spec.patchPodMetadata[1].annotations[shared]: is in conflict with SidecarSet other, which may \
                     select the same pods"];

    assert_eq!(found("Overwrite", "Overwrite"), conflict);
    assert_eq!(found("Overwrite", "MergePatchJson"), conflict);
    assert_eq!(found("MergePatchJson", "Overwrite"), conflict);
    assert_eq!(found("MergePatchJson", "MergePatchJson"), [""; 0]);
    assert_eq!(found("Retain", "Overwrite"), [""; 0]);
}

#[test]
fn a_canary_and_its_base_are_exempt_from_each_other_both_ways() {
    let (base, canary) = (set("base", "agent"), canary("canary", "base"));

    assert_eq!(violations(&canary, None, slice::from_ref(&base)), [""; 0]);
    assert_eq!(violations(&base, Some(&base), &[base.clone(), canary]), [""; 0]);
}

#[test]
fn two_canaries_of_one_base_are_not_exempt_from_each_other() {
    let found = violations(&canary("two", "base"), None, &[set("base", "agent"), canary("one", "base")]);

    assert_eq!(
        found,
        ["spec.containers[0].name: container agent already exists in SidecarSet one, which may select the same pods"]
    );
}

#[test]
fn a_canary_needs_a_base_that_is_none() {
    let path = "metadata.annotations[apps.kruise.io/sidecarset-base]";
    let nested = [set("base", "agent"), canary("middle", "base")];

    assert_eq!(violations(&canary("canary", "base"), None, &[]), [format!("{path}: there is no SidecarSet \"base\"")]);
    assert_eq!(
        violations(&canary("canary", "middle"), None, &nested)[0],
        format!("{path}: base sidecarSet cannot be canary")
    );
    assert_eq!(
        violations(&canary("base", "elsewhere"), None, &[set("elsewhere", "x"), canary("canary", "base")])[0],
        format!("{path}: SidecarSet \"canary\" is a canary of this set, which so cannot be one itself")
    );
}

#[test]
fn a_set_becomes_no_canary_later_and_changes_no_base() {
    let others = [set("base", "agent"), set("next", "x")];
    let message = "metadata.annotations[apps.kruise.io/sidecarset-base]: is immutable: a set is a canary of one base, \
                   from its creation on";

    assert_eq!(violations(&canary("mine", "base"), Some(&set("mine", "agent")), &others), [message]);
    assert_eq!(violations(&canary("mine", "next"), Some(&canary("mine", "base")), &others)[0], message);
    assert_eq!(violations(&canary("mine", "base"), Some(&canary("mine", "base")), &others), [""; 0]);
}

#[test]
fn a_canary_of_itself_or_with_a_rollout_is_refused() {
    let itself = with(canary("mine", "mine"), "/spec/updateStrategy", json!({"type": "RollingUpdate"}));

    let found: Vec<String> = normalize(&read(&itself)).unwrap_err().iter().map(ToString::to_string).collect();

    assert_eq!(
        found,
        [
            "metadata.annotations[apps.kruise.io/sidecarset-base]: base sidecarSet cannot be itself",
            "spec.updateStrategy.type: RollingUpdate is not supported for canary sidecarSet: NotUpdate is",
        ]
    );
}

#[test]
fn a_container_without_requests_is_told() {
    let bare = with(set("mine", "agent"), "/spec/containers/0/resources", json!({}));

    assert_eq!(
        told(&bare, &Catalog::default()),
        [
            "spec.containers[0].resources: has no requests: nodes are filled as if it used nothing, and no selected pod can be Guaranteed"
        ]
    );
    assert_eq!(told(&set("mine", "agent"), &Catalog::default()), [""; 0]);
}

#[test]
fn two_mounts_at_one_path_are_told_however_it_is_written() {
    let mount = |path: &str| json!({"name": "v", "mountPath": path});
    let mut twice = set("mine", "agent");
    twice["spec"]["containers"][0]["volumeMounts"] = json!([mount("/a"), mount("/b"), mount("/a/")]);
    twice["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {}}]);

    assert_eq!(
        told(&twice, &Catalog::default()),
        ["spec.containers[0].volumeMounts[2].mountPath: \"/a/\" is the path of volumeMounts[0] too, which it hides"]
    );
}

#[test]
fn sets_for_different_operating_systems_share_the_names_of_containers() {
    let theirs = [set("theirs", "agent")];
    let for_os = |systems: Value| {
        let mut mine = set("mine", "agent");
        mine["spec"]["injectionStrategy"] = json!({"operatingSystems": systems});
        violations(&mine, None, &theirs).len()
    };

    assert_eq!(for_os(json!(["windows"])), 0);
    assert_eq!(for_os(json!(["windows", "linux"])), 1);
}

#[test]
fn a_selection_of_many_namespaces_is_told_with_their_number() {
    let mut catalog = Catalog::default();
    for at in 0..12 {
        let labels = BTreeMap::from([("team".to_owned(), if at < 10 { "a" } else { "b" }.to_owned())]);
        catalog.put_namespace(&format!("ns-{at}"), labels);
    }
    let mut narrow = set("mine", "agent");
    narrow["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "a"}});

    assert_eq!(
        told(&set("mine", "agent"), &catalog),
        ["spec.namespaceSelector: pods of 12 namespaces are selected where their labels match"]
    );
    assert_eq!(
        told(&narrow, &catalog),
        ["spec.namespaceSelector: pods of 10 namespaces are selected where their labels match"]
    );
    narrow["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "b"}});
    assert_eq!(told(&narrow, &catalog), [""; 0]);
}

#[test]
fn what_selects_or_injects_nothing_is_told() {
    let mut set = set("mine", "agent");
    set["metadata"]["annotations"] = json!({"apps.kruise.io/sidecarset-base": "base"});
    set["spec"]["selector"]["matchExpressions"] = json!([{"key": "app", "operator": "NotIn", "values": ["nginx"]}]);
    set["spec"]["volumes"] = json!([{"name": "spare"}]);
    set["spec"]["imagePullSecrets"] = json!([{"name": "A_b"}]);
    let field = json!({"fieldRef": {"fieldPath": "metadata.labels['main']"}});
    set["spec"]["containers"][0]["transferEnv"] = json!([
        {"envName": "A"},
        {"sourceContainerName": "app"},
        {"envName": "A", "sourceContainerName": "app", "sourceContainerNameFrom": field},
    ]);

    assert_eq!(
        told(&set, &Catalog::default()),
        [
            "spec.selector: no labels fulfil it: no pod is selected",
            "metadata.annotations[apps.kruise.io/sidecarset-base]: is ignored: a canary has \
             apps.kruise.io/sidecarset-canary \"true\" and a name in apps.kruise.io/sidecarset-base",
            "spec.containers[0].transferEnv[0]: names no container, and so does nothing",
            "spec.containers[0].transferEnv[1]: names no variable, and so does nothing",
            "spec.containers[0].transferEnv[2].sourceContainerName: is not used, because sourceContainerNameFrom is",
            "spec.volumes[0]: is mounted by no container of the set, and so never injected",
            "spec.imagePullSecrets[0].name: \"A_b\" is not the name of a Secret",
        ]
    );
}

#[test]
fn what_kubernetes_does_not_know_is_told_for_it_may_be_misspelt() {
    let mut set = set("mine", "agent");
    set["spec"]["containers"][0]["imagePulPolicy"] = json!("Always");
    set["spec"]["initContainers"] = json!([{
        "name": "init", "image": "i", "resources": {"requests": {"cpu": 1}},
        "volumeMounts": [{"name": "v", "mountPath": "/v", "readonly": true}],
    }]);
    set["spec"]["volumes"] = json!([{"name": "v", "emptyDir": {"size": "1Gi"}}]);
    let what = "is unknown to Kubernetes 1.34: misspelt or newer, and dropped from pods by an API server that does not \
                know it";

    assert_eq!(
        told(&set, &Catalog::default()),
        [
            format!("spec.initContainers[0].volumeMounts[0].readonly: {what}"),
            format!("spec.containers[0].imagePulPolicy: {what}"),
            format!("spec.volumes[0].emptyDir.size: {what}"),
        ]
    );
}

fn told_of_strategy(strategy: Value, status: &Value) -> Vec<String> {
    let mut set = set("mine", "agent");
    set["spec"]["updateStrategy"] = strategy;
    set["status"] = status.clone();
    told(&set, &Catalog::default())
}

#[test]
fn a_policy_for_failures_that_does_nothing_is_told() {
    let without_threshold = json!({"progressDeadlineSeconds": 60, "onFailure": "Rollback"});

    assert_eq!(
        told_of_strategy(without_threshold, &Value::Null),
        [
            "spec.updateStrategy.progressDeadlineSeconds: does nothing without failureThreshold",
            "spec.updateStrategy.onFailure: does nothing without failureThreshold",
        ]
    );
    assert_eq!(
        told_of_strategy(json!({"type": "NotUpdate", "failureThreshold": 1}), &Value::Null),
        ["spec.updateStrategy.failureThreshold: does nothing, because type NotUpdate upgrades no pod"]
    );
}

#[test]
fn a_threshold_that_is_out_of_reach_is_told() {
    let out_of_reach = "spec.updateStrategy.failureThreshold: is more than maxUnavailable: as many pods that fail stop \
                        the rollout before it is reached";
    let forty = json!({"matchedPods": 40, "updatedPods": 0, "readyPods": 0});

    assert_eq!(told_of_strategy(json!({"failureThreshold": 2}), &Value::Null), [out_of_reach]);
    assert_eq!(
        told_of_strategy(json!({"failureThreshold": "11%", "maxUnavailable": "10%"}), &Value::Null),
        [out_of_reach]
    );
    assert_eq!(told_of_strategy(json!({"failureThreshold": "10%", "maxUnavailable": 3}), &forty), [out_of_reach]);
    assert_eq!(told_of_strategy(json!({"failureThreshold": "10%", "maxUnavailable": 4}), &forty), [""; 0]);
    assert_eq!(told_of_strategy(json!({"failureThreshold": "10%", "maxUnavailable": 3}), &Value::Null), [""; 0]);
}
