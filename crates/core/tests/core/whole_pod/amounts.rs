//! Resources of containers, and of the Pod.

use super::{NOTHING, agent, injected, misfits, pod, set, warnings};
use serde_json::{Value, json};

fn amounts(requests: &Value, limits: &Value) -> Value {
    json!({"requests": requests, "limits": limits})
}

#[test]
fn sidecars_fit_into_the_resources_of_the_pod() {
    let pod = pod(
        json!({"resources": amounts(&json!({"cpu": "100m", "memory": "100Mi"}), &json!({"cpu": "200m", "memory": "128Mi"}),
        )}),
    );
    let large = agent(
        json!({"resources": amounts(&json!({"cpu": "110m", "memory": "64Mi"}), &json!({"cpu": "500m", "memory": "128Mi"}),
        )}),
    );
    let small = agent(json!({"resources": amounts(&json!({"cpu": "0.1"}), &json!({"memory": "100Mi"}))}));

    assert_eq!(
        misfits(&large, &pod),
        [
            "spec.containers[agent].resources.requests.cpu of SidecarSet log-sc: with it the containers of the Pod need \
             110m, and its spec.resources.requests.cpu is 100m",
            "spec.containers[agent].resources.limits.cpu of SidecarSet log-sc: 500m is more than \
             spec.resources.limits.cpu of the Pod, which is 200m",
        ]
    );
    assert_eq!(misfits(&small, &pod), NOTHING);
}

#[test]
fn what_a_pod_requests_for_its_containers_grows_with_them() {
    let container =
        |request: &str| json!([{"name": "web", "image": "w:1", "resources": {"requests": {"cpu": request}}}]);
    let of = |requests: Value, own: &str| {
        pod(json!({"resources": amounts(&requests, &json!({"cpu": "1"})), "containers": container(own)}))
    };
    let set = agent(json!({"resources": {"requests": {"cpu": "300m"}}}));

    let (grown, injection) = injected(&set, &of(json!({"cpu": "500m"}), "500m"));
    assert_eq!(grown["spec"]["resources"]["requests"]["cpu"], "800m");
    assert_eq!(
        injection.warnings,
        ["spec.resources.requests.cpu: raised to 800m, for the sidecars are in the Pod too"]
    );
    // What is more than the containers need was meant as it is.
    assert_eq!(misfits(&set, &of(json!({"cpu": "600m"}), "500m")).len(), 1);
    assert_eq!(
        misfits(&set, &of(json!({"cpu": "800m"}), "800m")),
        [
            "spec.containers[agent].resources.requests.cpu of SidecarSet log-sc: the containers of the Pod request 1100m, \
             and its spec.resources.limits.cpu is 1"
        ]
    );
    // Where the Pod says nothing the API server fills it in.
    assert_eq!(injected(&set, &of(json!({}), "500m")).0["spec"]["resources"]["requests"], json!({}));
    assert_eq!(misfits(&set, &of(json!({}), "800m")).len(), 1);
}

#[test]
fn native_sidecars_count_while_the_init_containers_after_them_run() {
    let native = |place: &str| {
        let container = json!({
            "name": "agent", "image": "a:1", "restartPolicy": "Always", "podInjectPolicy": place,
            "resources": {"requests": {"memory": "100Mi"}},
        });
        set(json!({"containers": [], "initContainers": [container]}))
    };
    let init = json!([{"name": "setup", "image": "s:1", "resources": {"requests": {"memory": "1Gi"}}}]);
    let pod = pod(json!({"resources": amounts(&json!({"memory": "1100Mi"}), &json!({})), "initContainers": init}));

    assert_eq!(misfits(&native("AfterAppContainer"), &pod), NOTHING);
    assert_eq!(
        misfits(&native("BeforeAppContainer"), &pod),
        [
            "spec.initContainers[agent].resources.requests.memory of SidecarSet log-sc: with it the containers of the Pod \
             need 1124Mi, and its spec.resources.requests.memory is 1100Mi"
        ]
    );
}

#[test]
fn huge_pages_of_the_pod_are_divided_between_its_containers() {
    let pages = |amount: &str| json!({"limits": {"hugepages-2Mi": amount, "cpu": "10m"}});
    let container = json!([{"name": "web", "image": "w:1", "resources": pages("4Mi")}]);
    let of = |amount: &str| {
        pod(json!({"containers": container, "resources": {
            "limits": {"hugepages-2Mi": amount}, "requests": {"hugepages-2Mi": amount, "cpu": "1"},
        }}))
    };
    let set = agent(json!({"resources": pages("4Mi")}));

    assert_eq!(misfits(&set, &of("8Mi")), NOTHING);
    assert_eq!(misfits(&set, &of("6Mi")).len(), 2);
    let resources = injected(&set, &of("4Mi")).0["spec"]["resources"].take();
    assert_eq!(
        (&resources["limits"]["hugepages-2Mi"], &resources["requests"]["hugepages-2Mi"]),
        (&json!("8Mi"), &json!("8Mi"))
    );
}

#[test]
fn a_guaranteed_pod_is_told_that_it_is_none_with_the_sidecar() {
    let equal = json!({"requests": {"cpu": "2000m", "memory": "1Gi"}, "limits": {"cpu": 2, "memory": "1024Mi"}});
    let of = |resources: &Value| pod(json!({"containers": [{"name": "web", "image": "w:1", "resources": resources}]}));
    let set = |resources: Value| agent(json!({"resources": resources}));
    let told = "spec.containers[agent].resources of SidecarSet log-sc: the Pod is not Guaranteed with it: its limits of cpu \
                and memory are not what it requests";

    for burstable in [
        json!({}),
        json!({"requests": {"cpu": "10m", "memory": "16Mi"}}),
        json!({"requests": {"cpu": "10m"}, "limits": {"cpu": "20m", "memory": "16Mi"}}),
        json!({"limits": {"cpu": "0", "memory": "16Mi"}}),
    ] {
        assert_eq!(warnings(&set(burstable.clone()), &of(&equal)), [told], "{burstable}");
    }
    assert_eq!(warnings(&set(json!({"limits": {"cpu": "10m", "memory": "16Mi"}})), &of(&equal)), NOTHING);
    // A Pod that is none anyway loses nothing.
    assert_eq!(warnings(&set(json!({})), &of(&json!({"limits": {"cpu": "1"}}))), NOTHING);
    // Where the Pod has resources of its own these decide.
    let mut with_own = of(&equal);
    with_own["spec"]["resources"] = json!({"limits": {"cpu": "3", "memory": "2Gi"}});
    assert_eq!(warnings(&set(json!({})), &with_own), NOTHING);
}

#[test]
fn computed_resources_count_like_written_ones() {
    let policy = json!({
        "targetContainersMode": "max", "targetContainersNameRegex": ".*",
        "resourcesExpr": {"requests": {"cpu": "cpu"}, "limits": {"cpu": "cpu", "memory": "memory"}},
    });
    let equal = json!({"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "1", "memory": "1Gi"}});
    let web = json!([{"name": "web", "image": "w:1", "resources": equal}]);
    let set = agent(json!({"resourcesPolicy": policy}));

    assert_eq!(warnings(&set, &pod(json!({"containers": web}))), NOTHING);
    let tight = pod(json!({"containers": web, "resources": {"requests": {"cpu": "1500m"}}}));
    assert_eq!(misfits(&set, &tight).len(), 1);
}

#[test]
fn a_sidecar_requests_no_more_than_it_may_use_for_any_pod() {
    let set = agent(json!({"resourcesPolicy": {
        "targetContainersMode": "sum", "targetContainersNameRegex": ".*",
        "resourcesExpr": {"requests": {"cpu": "2*cpu", "memory": "memory"}, "limits": {"cpu": "cpu", "memory": "memory"}},
    }}));
    let of = |request: &str, limit: &str| {
        let resources =
            json!({"requests": {"cpu": request, "memory": "1Gi"}, "limits": {"cpu": limit, "memory": "1Gi"}});
        pod(json!({"containers": [{"name": "web", "image": "w:1", "resources": resources}]}))
    };

    assert_eq!(misfits(&set, &of("500m", "1")), NOTHING);
    assert_eq!(
        misfits(&set, &of("600m", "1")),
        [
            "spec.containers[agent].resourcesPolicy.resourcesExpr.requests.cpu of SidecarSet log-sc: is 1200m for this Pod, and \
             the limit is 1"
        ]
    );
}
