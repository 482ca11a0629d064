//! One canonical form from every spelling.

use crate::build::sidecar_set;
use serde_json::{Value, json};
use sidecarset_core::amount::Amount;
use sidecarset_core::registration::FailurePolicy;

#[test]
fn a_percentage_that_is_none_and_a_negative_number_are_refused() {
    let text = sidecar_set().strategy("maxUnavailable", "abc").strategy("partition", -1).violations();

    assert_eq!(
        text,
        [
            "spec.updateStrategy.partition: must be greater than or equal to 0",
            "spec.updateStrategy.maxUnavailable: must be an integer or a percentage (such as 5 or \"10%\")",
        ]
    );
}

#[test]
fn the_older_spelling_is_checked_under_its_own_path() {
    let text = sidecar_set().spec("strategy", json!({"rollingUpdate": {"maxUnavailable": -1}})).violations();

    assert_eq!(text, ["spec.strategy.rollingUpdate.maxUnavailable: must be greater than or equal to 0"]);
}

#[test]
fn a_selector_is_required_and_not_empty() {
    assert_eq!(
        sidecar_set().spec("selector", Value::Null).violations(),
        ["spec.selector: is required: no selector defined for SidecarSet"]
    );
    assert_eq!(
        sidecar_set().spec("selector", json!({})).violations(),
        ["spec.selector: must not be empty: an empty selector would match every pod"]
    );
}

#[test]
fn everything_wrong_is_told_at_once() {
    let text = sidecar_set()
        .spec("selector", Value::Null)
        .spec("containers", json!([]))
        .strategy("type", "Sometimes")
        .strategy("maxUnavailable", "x%")
        .violations();

    assert_eq!(
        text,
        [
            "spec.selector: is required: no selector defined for SidecarSet",
            "spec.containers: is required: no initContainer or container defined for SidecarSet",
            "spec.updateStrategy.type: \"Sometimes\" is not one of RollingUpdate, NotUpdate",
            "spec.updateStrategy.maxUnavailable: must be an integer or a percentage (such as 5 or \"10%\")",
        ]
    );
}

#[test]
fn a_set_may_say_what_becomes_of_its_pods_while_the_operator_is_away() {
    let saying = |policy| sidecar_set().spec("injectionStrategy", json!({"failurePolicy": policy}));

    assert_eq!(sidecar_set().build().failure_policy, None);
    assert_eq!(saying("Ignore").build().failure_policy, Some(FailurePolicy::Ignore));
    assert_eq!(
        saying("Sometimes").violations(),
        ["spec.injectionStrategy.failurePolicy: \"Sometimes\" is not one of Fail, Ignore"]
    );
}

#[test]
fn max_unavailable_is_one_where_nobody_says_otherwise() {
    assert_eq!(sidecar_set().build().rollout.max_unavailable, Amount::Count(1));
}

#[test]
fn partition_and_selector_contradict_each_other_only_where_running_pods_are_upgraded() {
    let canaries = json!({"matchLabels": {"canary": "yes"}});
    let set = |kind: &str, partition: Value| {
        sidecar_set().strategy("type", kind).strategy("selector", canaries.clone()).strategy("partition", partition)
    };
    let refused = ["spec.updateStrategy: partition and selector cannot be used together"];

    assert_eq!(set("RollingUpdate", json!(1)).violations(), refused);
    assert_eq!(set("RollingUpdate", json!("0%")).violations(), refused);
    assert_eq!(set("RollingUpdate", json!(0)).violations(), [""; 0]);
    assert_eq!(set("NotUpdate", json!("50%")).violations(), [""; 0]);
}

#[test]
fn an_empty_namespace_selector_means_every_namespace() {
    let set = sidecar_set().spec("namespaceSelector", json!({})).build();

    assert_eq!(set.namespaces, sidecar_set().build().namespaces);
}

#[test]
fn the_hashes_are_those_of_kruise() {
    let containers = json!([{"name": "agent", "image": "busybox:1.36"}]);

    let set = sidecar_set().spec("containers", containers).build();

    assert_eq!(&*set.hashes.full, "vcv9449744252484czf45xb572z8zbcwvc7c5b5cx85c44f2wf2964d88c5zd944");
    assert_eq!(&*set.hashes.without_image, "62258bb8d4vv7w584244bd5df277d4vw9fbf49c99967447fxw5z4f4956b97fz4");
}

#[test]
fn init_containers_are_sorted_by_name() {
    let init = json!([{"name": "b", "image": "i"}, {"name": "a", "image": "i"}]);

    let set = sidecar_set().spec("initContainers", init).build();

    let names: Vec<_> = set.init_containers.iter().map(|sidecar| &*sidecar.name).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn a_set_is_for_linux_unless_it_says_otherwise() {
    let container = |context: Value| json!([{"name": "agent", "image": "i", "securityContext": context}]);
    let saying = |systems: Value| sidecar_set().spec("injectionStrategy", json!({"operatingSystems": systems}));

    assert_eq!(sidecar_set().build().operating_systems.to_string(), "linux");
    let with_options =
        sidecar_set().spec("containers", container(json!({"windowsOptions": {"runAsUserName": "User"}})));
    assert_eq!(with_options.build().operating_systems.to_string(), "windows");
    assert_eq!(saying(json!(["windows"])).build().operating_systems.to_string(), "windows");
    assert_eq!(saying(json!(["windows", "linux"])).build().operating_systems.to_string(), "linux and windows");
    assert_eq!(
        saying(json!(["linux", "Windows"])).violations(),
        ["spec.injectionStrategy.operatingSystems[1]: \"Windows\" is not one of linux, windows"]
    );
    assert_eq!(
        saying(json!([])).violations(),
        ["spec.injectionStrategy.operatingSystems: must name one: linux, windows, or both"]
    );
}
