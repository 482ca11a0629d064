//! What containers may do, and what their Pod says of it.

use super::{NOTHING, agent, misfits, pod, set};
use serde_json::{Value, json};

#[test]
fn a_sidecar_says_of_its_rights_what_the_system_of_the_pod_understands() {
    let linux = agent(json!({"securityContext": {"runAsUser": 1000, "capabilities": {"drop": ["ALL"]}}}));
    let windows = agent(json!({"securityContext": {"windowsOptions": {"runAsUserName": "User"}}}));
    let on = |os: &str| pod(json!({"os": {"name": os}}));

    assert_eq!(
        misfits(&linux, &on("windows")),
        [
            "spec.containers[agent].securityContext.capabilities of SidecarSet log-sc: is not allowed in a Pod with \
             spec.os.name windows",
            "spec.containers[agent].securityContext.runAsUser of SidecarSet log-sc: is not allowed in a Pod with \
             spec.os.name windows",
        ]
    );
    assert_eq!(
        misfits(&windows, &on("linux")),
        ["spec.containers[agent].securityContext.windowsOptions of SidecarSet log-sc: is not allowed in a Pod with \
             spec.os.name linux"]
    );
    assert_eq!(misfits(&linux, &on("linux")), NOTHING);
    assert_eq!(misfits(&windows, &on("windows")), NOTHING);
    assert_eq!(misfits(&windows, &pod(json!({}))), NOTHING);
}

#[test]
fn all_containers_of_a_pod_are_processes_of_the_host_or_none_is() {
    let options = |is_one: bool| json!({"windowsOptions": {"hostProcess": is_one}});
    let web = |context: Value| json!([{"name": "web", "image": "w:1", "securityContext": context}]);
    let hosts = pod(json!({"hostNetwork": true, "containers": web(options(true))}));
    let whole = pod(json!({"hostNetwork": true, "securityContext": options(true)}));
    let (plain, one, none) = (
        agent(json!({})),
        agent(json!({"securityContext": options(true)})),
        agent(json!({"securityContext": options(false)})),
    );

    let field = "spec.containers[agent].securityContext.windowsOptions.hostProcess of SidecarSet log-sc";
    assert_eq!(misfits(&plain, &hosts), [format!("{field}: the containers of the Pod are processes of the host")]);
    assert_eq!(misfits(&one, &hosts), NOTHING);
    assert_eq!(misfits(&plain, &whole), NOTHING);
    assert_eq!(misfits(&none, &whole), [format!("{field}: is false, and true for the whole Pod")]);
    assert_eq!(
        misfits(&one, &pod(json!({}))),
        [format!("{field}: the containers of the Pod are not processes of the host")]
    );
    assert_eq!(misfits(&plain, &pod(json!({"hostNetwork": true}))), NOTHING);
}

#[test]
fn a_sidecar_that_takes_the_place_of_all_containers_is_a_process_of_the_host_by_itself() {
    let options = json!({"windowsOptions": {"hostProcess": true}});
    let set = agent(json!({"securityContext": options}));
    let replaced = |has_host_network: bool| {
        pod(json!({"hostNetwork": has_host_network, "containers": [{"name": "agent", "image": "own:1"}]}))
    };

    assert_eq!(misfits(&set, &replaced(true)), NOTHING);
    assert_eq!(
        misfits(&set, &replaced(false)),
        ["spec.containers[agent].securityContext.windowsOptions.hostProcess of SidecarSet log-sc: needs a Pod with \
             spec.hostNetwork: true"]
    );
}

#[test]
fn a_claim_is_one_that_the_pod_has() {
    let set = agent(json!({"resources": {"claims": [{"name": "gpu"}]}}));

    assert_eq!(
        misfits(&set, &pod(json!({}))),
        ["spec.containers[agent].resources.claims[0].name of SidecarSet log-sc: the Pod has no \"gpu\" among its \
             spec.resourceClaims"]
    );
    assert_eq!(misfits(&set, &pod(json!({"resourceClaims": [{"name": "gpu", "resourceClaimName": "g"}]}))), NOTHING);
}

#[test]
fn what_the_user_namespace_of_the_pod_allows_is_all_that_a_sidecar_may() {
    let unmasked = agent(json!({"securityContext": {"procMount": "Unmasked"}}));
    let device = set(json!({
        "containers": [{"name": "agent", "image": "a:1", "volumeDevices": [{"name": "disk", "devicePath": "/dev/x"}]}],
        "volumes": [{"name": "disk", "persistentVolumeClaim": {"claimName": "disk"}}],
    }));
    let own_users = pod(json!({"hostUsers": false}));

    assert_eq!(
        misfits(&unmasked, &pod(json!({}))),
        ["spec.containers[agent].securityContext.procMount of SidecarSet log-sc: Unmasked needs a Pod with \
             spec.hostUsers: false"]
    );
    assert_eq!(misfits(&unmasked, &own_users), NOTHING);
    assert_eq!(
        misfits(&device, &own_users),
        [
            "spec.containers[agent].volumeDevices of SidecarSet log-sc: are not allowed in a Pod with spec.hostUsers: false"
        ]
    );
    assert_eq!(misfits(&device, &pod(json!({}))), NOTHING);
}

#[test]
fn a_sidecar_sleeps_no_longer_than_its_pod_has_time_to_end() {
    let set = agent(json!({"lifecycle": {"preStop": {"sleep": {"seconds": 60}}}}));

    assert_eq!(
        misfits(&set, &pod(json!({}))),
        ["spec.containers[agent].lifecycle.preStop.sleep.seconds of SidecarSet log-sc: 60 is more than \
             spec.terminationGracePeriodSeconds of the Pod, which is 30"]
    );
    assert_eq!(misfits(&set, &pod(json!({"terminationGracePeriodSeconds": 60}))), NOTHING);
    assert_eq!(misfits(&set, &pod(json!({"terminationGracePeriodSeconds": -5}))).len(), 1);
}

#[test]
fn a_pod_that_never_restarts_has_no_container_that_restarts_for_other_amounts() {
    let policy = json!([
        {"resourceName": "cpu", "restartPolicy": "NotRequired"},
        {"resourceName": "memory", "restartPolicy": "RestartContainer"},
    ]);
    let set = agent(json!({"resizePolicy": policy}));

    assert_eq!(
        misfits(&set, &pod(json!({"restartPolicy": "Never"}))),
        ["spec.containers[agent].resizePolicy[1].restartPolicy of SidecarSet log-sc: has to be NotRequired, because \
             spec.restartPolicy of the Pod is Never"]
    );
    assert_eq!(misfits(&set, &pod(json!({"restartPolicy": "OnFailure"}))), NOTHING);
}

#[test]
fn annotations_with_profiles_say_what_the_fields_of_a_sidecar_say() {
    let set = agent(json!({"securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}));
    let annotated = |value: &str| {
        let mut pod = pod(json!({}));
        pod["metadata"]["annotations"] = json!({"container.seccomp.security.alpha.kubernetes.io/agent": value});
        pod
    };

    assert_eq!(
        misfits(&set, &annotated("unconfined")),
        ["spec.containers[agent].securityContext.seccompProfile of SidecarSet log-sc: is not what annotation \
             container.seccomp.security.alpha.kubernetes.io/agent of the Pod says"]
    );
    assert_eq!(misfits(&set, &annotated("runtime/default")), NOTHING);
}

#[test]
fn annotations_of_a_set_leave_those_of_the_pod_valid() {
    let app_armor = |container: &str| {
        let key = format!("container.apparmor.security.beta.kubernetes.io/{container}");
        set(json!({"patchPodMetadata": [{"annotations": {key: "unconfined"}}]}))
    };
    let large = set(json!({"patchPodMetadata": [{"annotations": {"note": "x".repeat(200_000)}}]}));
    let mut full = pod(json!({}));
    full["metadata"]["annotations"] = json!({"own": "y".repeat(62_000)});

    assert_eq!(misfits(&app_armor("agent"), &pod(json!({}))), NOTHING);
    assert_eq!(
        misfits(&app_armor("nobody"), &pod(json!({}))),
        [
            "spec.patchPodMetadata: annotation container.apparmor.security.beta.kubernetes.io/nobody of SidecarSet log-sc: \
             the Pod has no container nobody"
        ]
    );
    assert_eq!(misfits(&large, &pod(json!({}))), NOTHING);
    assert_eq!(misfits(&large, &full).len(), 1);
}

#[test]
fn annotations_of_a_set_say_what_the_pod_says_of_its_own_profiles() {
    let writing = |key: &str| {
        set(json!({"patchPodMetadata": [{"annotations": {key: "unconfined"}, "patchPolicy": "Overwrite"}]}))
    };
    let of_container = |field: &str, kind: &str| {
        let context = json!({field: {"type": kind}});
        pod(json!({"containers": [{"name": "web", "image": "w:1", "securityContext": context}]}))
    };
    let whole = |kind: &str| pod(json!({"securityContext": {"seccompProfile": {"type": kind}}}));

    for (key, field) in [
        ("container.seccomp.security.alpha.kubernetes.io/web", "seccompProfile"),
        ("container.apparmor.security.beta.kubernetes.io/web", "appArmorProfile"),
    ] {
        assert_eq!(misfits(&writing(key), &of_container(field, "Unconfined")), NOTHING);
        assert_eq!(
            misfits(&writing(key), &of_container(field, "RuntimeDefault")),
            [format!(
                "spec.patchPodMetadata: annotation {key} of SidecarSet log-sc: is not what securityContext of container web says"
            )]
        );
    }
    let key = "seccomp.security.alpha.kubernetes.io/pod";
    assert_eq!(misfits(&writing(key), &whole("Unconfined")), NOTHING);
    assert_eq!(
        misfits(&writing(key), &whole("RuntimeDefault")),
        [format!(
            "spec.patchPodMetadata: annotation {key} of SidecarSet log-sc: is not what securityContext of the Pod says"
        )]
    );
}
