//! Names of containers, over all lists.

use super::{NOTHING, agent, injected, misfits, names, pod, set};
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;
use std::sync::Arc;

fn native_agent() -> Arc<CanonicalSet> {
    set(json!({
        "containers": [], "initContainers": [{"name": "agent", "image": "agent:v1", "restartPolicy": "Always"}],
    }))
}

#[test]
fn a_sidecar_does_not_take_the_name_of_a_container_of_the_other_list() {
    let own = |list: &str| {
        let mut pod = pod(json!({}));
        pod["spec"][list] = json!([{"name": "agent", "image": "own:1"}]);
        pod
    };

    assert_eq!(
        misfits(&native_agent(), &own("containers")),
        ["spec.initContainers[agent].name of SidecarSet log-sc: the Pod has a container agent of its own in \
             spec.containers"]
    );
    assert_eq!(
        misfits(&agent(json!({})), &own("initContainers")),
        ["spec.containers[agent].name of SidecarSet log-sc: the Pod has a container agent of its own in \
             spec.initContainers"]
    );
}

#[test]
fn the_copy_of_a_pod_from_before_a_sidecar_became_native_has_it_once() {
    let (copied, _) = injected(&agent(json!({})), &pod(json!({})));

    let (again, injection) = injected(&native_agent(), &copied);

    assert_eq!(names(&again, "containers"), ["web"]);
    assert_eq!(names(&again, "initContainers"), ["agent"]);
    assert_eq!(injection.warnings, NOTHING);
}

#[test]
fn the_copy_of_a_pod_from_before_a_sidecar_was_renamed_loses_the_earlier_one() {
    let hot = json!({"upgradeStrategy": {"upgradeType": "HotUpgrade", "hotUpgradeEmptyImage": "empty:1"}});
    let foreign = json!({"name": "other", "image": "o:1", "env": [{"name": "IS_INJECTED", "value": "true"}]});
    let renamed = set(json!({"containers": [{"name": "shipper", "image": "agent:v1"}]}));
    for before in [agent(json!({})), agent(hot)] {
        let (mut copied, _) = injected(&before, &pod(json!({})));
        copied["spec"]["containers"].as_array_mut().unwrap().push(foreign.clone());

        let (again, _) = injected(&renamed, &copied);

        assert_eq!(names(&again, "containers"), ["shipper", "web", "other"]);
    }
}
