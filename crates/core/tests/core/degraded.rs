//! What a person should look at.

use crate::build::{PodBuilder, now, pod, sidecar_set, summarize_after};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::rollout::{Hold, Plan};
use sidecarset_core::status;

fn seen(set: &CanonicalSet, pods: &[PodBuilder]) -> SidecarSetStatus {
    summarize_after(set, pods, None, now())
}

fn degraded(status: &SidecarSetStatus) -> [&str; 3] {
    let condition = status.conditions.iter().find(|condition| condition.type_ == "Degraded").unwrap();
    [&condition.status, &condition.reason, &condition.message]
}

fn failing(status: &SidecarSetStatus) -> Value {
    serde_json::to_value(status).unwrap()["failingPods"].take()
}

/// A Pod whose sidecar waits.
fn waits(pod: PodBuilder, reason: &str) -> PodBuilder {
    let agent = "/status/containerStatuses/0";
    pod.not_ready().member(agent, "state", json!({"waiting": {"reason": reason, "message": "back-off 20s"}}))
}

fn ended(began: &str, end: &str) -> Value {
    json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": began, "finishedAt": end}})
}

/// A Pod whose sidecar runs since 03:04:00 after a short run that began at a time.
fn runs_again(pod: PodBuilder, began: &str, end: &str) -> PodBuilder {
    let agent = "/status/containerStatuses/0";
    let running = json!({"running": {"startedAt": "2026-01-02T03:04:00Z"}});
    pod.member(agent, "state", running).member(agent, "lastState", ended(began, end))
}

fn at(time: &str) -> Seconds {
    time.parse::<jiff::Timestamp>().unwrap().into()
}

const FINE: [&str; 3] = ["False", "AsExpected", "nothing is known to be wrong with the pods of this set"];

#[test]
fn pods_that_run_or_are_on_their_way_degrade_nothing() {
    let set = sidecar_set().build();

    let status = seen(&set, &[pod("a", &set), waits(pod("b", &set), "ContainerCreating")]);

    assert_eq!(degraded(&status), FINE);
    assert_eq!(failing(&status), Value::Null);
}

#[test]
fn pods_that_cannot_pull_the_image_are_counted_and_named() {
    let set = sidecar_set().image("agent:v9").build();
    let names = ["web-4", "web-0", "web-1", "web-3", "web-2"];
    let pods = names.map(|name| waits(pod(name, &set), "ImagePullBackOff"));

    let status = seen(&set, &pods);

    let message = "5 pods fail to pull agent:v9 (shop/web-0, shop/web-1, shop/web-2, and 2 more): ImagePullBackOff";
    assert_eq!(degraded(&status), ["True", "ImagePullFailing", message]);
    assert_eq!(failing(&status), json!([{"reason": "ImagePullBackOff", "count": 5}]));
}

#[test]
fn what_the_kubelet_tells_in_turns_changes_no_status() {
    let set = sidecar_set().build();
    let first = seen(&set, &[waits(pod("a", &set), "ErrImagePull")]);

    let second = summarize_after(&set, &[waits(pod("a", &set), "ImagePullBackOff")], Some(&first), now());

    assert_eq!(second, first);
}

#[test]
fn the_worst_is_the_reason_and_the_message_tells_all() {
    let set = sidecar_set().build();
    let pods = [
        waits(pod("a", &set), "CrashLoopBackOff"),
        waits(pod("b", &set), "CreateContainerConfigError"),
        waits(pod("c", &set), "InvalidImageName"),
        waits(pod("d", &set), "ErrImagePull"),
    ];

    let status = seen(&set, &pods);

    let message = "1 pod fails to pull agent:v1 (shop/c): InvalidImageName; 1 pod fails to pull agent:v1 (shop/d): \
                   ImagePullBackOff; 1 pod fails to start agent (agent:v1) (shop/b): CreateContainerConfigError; 1 pod \
                   fails to keep agent (agent:v1) running (shop/a): CrashLoopBackOff";
    assert_eq!(degraded(&status), ["True", "ImagePullFailing", message]);
    let counts = json!([
        {"reason": "CrashLoopBackOff", "count": 1}, {"reason": "CreateContainerConfigError", "count": 1},
        {"reason": "ImagePullBackOff", "count": 1}, {"reason": "InvalidImageName", "count": 1},
    ]);
    assert_eq!(failing(&status), counts);
}

#[test]
fn a_message_stays_short_whatever_stands_in_the_pods() {
    let set = sidecar_set().build();
    let image = |number: usize| format!("{number}{}", "é".repeat(5000));
    let odd = |number| {
        let pod = pod(&format!("web-{number}"), &set).set("/spec/containers/0/image", image(number));
        waits(pod, "ErrImagePull")
    };

    let status = seen(&set, &(0..9).map(odd).collect::<Vec<_>>());

    let message = degraded(&status)[2];
    assert!(message.ends_with("1 pod more: ImagePullBackOff"), "{message}");
    assert!(message.len() < 2000, "{}", message.len());
    assert_eq!(failing(&status), json!([{"reason": "ImagePullBackOff", "count": 9}]));
}

#[test]
fn an_application_that_fails_is_not_the_sets_trouble() {
    let set = sidecar_set().build();
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});

    let status = seen(&set, &[pod("a", &set).not_ready().member("/status/containerStatuses/1", "state", crashing)]);

    assert_eq!(degraded(&status), FINE);
}

#[test]
fn a_native_sidecar_that_fails_degrades_the_set() {
    let mesh = json!([{"name": "mesh", "image": "mesh:v1", "restartPolicy": "Always"}]);
    let set = sidecar_set().spec("initContainers", mesh.clone()).build();
    let fails = json!([{"name": "mesh", "state": {"waiting": {"reason": "RunContainerError"}}}]);
    let pod = pod("a", &set).not_ready().member("/spec", "initContainers", mesh);

    let status = seen(&set, &[pod.member("/status", "initContainerStatuses", fails)]);

    let message = "1 pod fails to start mesh (mesh:v1) (shop/a): RunContainerError";
    assert_eq!(degraded(&status), ["True", "ContainersNotStarting", message]);
}

#[test]
fn an_init_container_of_the_set_counts_and_one_of_the_pod_does_not() {
    let set = sidecar_set().spec("initContainers", json!([{"name": "setup", "image": "setup:v1"}])).build();
    let with_init = |name: &str, container: &str| {
        let status = json!([{"name": container, "state": {"waiting": {"reason": "ErrImagePull"}}}]);
        let image = json!([{"name": container, "image": "setup:v1"}]);
        pod(name, &set).not_ready().member("/spec", "initContainers", image).member(
            "/status",
            "initContainerStatuses",
            status,
        )
    };

    let status = seen(&set, &[with_init("a", "setup"), with_init("b", "own")]);

    assert_eq!(failing(&status), json!([{"reason": "ImagePullBackOff", "count": 1}]));
    let message = "1 pod fails to pull setup:v1 (shop/a): ImagePullBackOff";
    assert_eq!(degraded(&status), ["True", "ImagePullFailing", message]);
}

#[test]
fn a_pod_of_which_several_sidecars_fail_counts_once() {
    let containers = json!([{"name": "agent", "image": "agent:v1"}, {"name": "main", "image": "nginx:1.15.1"}]);
    let set = sidecar_set().spec("containers", containers).build();
    let crashing = json!({"waiting": {"reason": "CrashLoopBackOff"}});

    let pod = waits(pod("a", &set), "ErrImagePull").member("/status/containerStatuses/1", "state", crashing);

    assert_eq!(failing(&seen(&set, &[pod])), json!([{"reason": "ImagePullBackOff", "count": 1}]));
}

#[test]
fn a_crashing_container_that_was_started_again_still_counts_until_it_has_run_for_half_a_minute() {
    let set = sidecar_set().build();
    let crashing = seen(&set, &[waits(pod("a", &set), "CrashLoopBackOff")]);
    let again = runs_again(pod("a", &set), "2026-01-02T03:03:40Z", "2026-01-02T03:03:41Z");
    let stopped = pod("a", &set).not_ready().member(
        "/status/containerStatuses/0",
        "state",
        ended("2026-01-02T03:04:00Z", "2026-01-02T03:04:01Z"),
    );
    let after =
        |pod: &PodBuilder, time: &str| summarize_after(&set, std::slice::from_ref(pod), Some(&crashing), at(time));

    for pod in [&again, &stopped] {
        assert_eq!(degraded(&after(pod, "2026-01-02T03:04:29Z"))[1], "ContainersCrashing");
        assert_eq!(degraded(&after(pod, "2026-01-02T03:04:31Z")), FINE);
    }
}

#[test]
fn a_container_that_ended_once_does_not_crash() {
    let set = sidecar_set().build();

    let status = seen(&set, &[runs_again(pod("a", &set), "2026-01-02T03:03:40Z", "2026-01-02T03:03:41Z")]);

    assert_eq!(degraded(&status), FINE);
}

#[test]
fn an_upgrade_repairs_a_crashing_container_at_once() {
    let set = sidecar_set().build();
    let crashing = seen(&set, &[waits(pod("a", &set), "CrashLoopBackOff")]);
    // The hash of the Pod was recorded on the first of January.
    let repaired = runs_again(pod("a", &set), "2025-12-31T23:59:50Z", "2025-12-31T23:59:51Z");

    let status = summarize_after(&set, &[repaired], Some(&crashing), now());

    assert_eq!(degraded(&status), FINE);
}

#[test]
fn upgrades_that_are_not_taken_degrade_the_set() {
    let set = sidecar_set().image("agent:v2").build();
    let records = ["a", "b"].map(|name| pod(name, &sidecar_set().build()).build());
    let holds = records.iter().map(|pod| pod.key.clone()).zip([Hold::NotMerged, Hold::NotTaken]).collect();
    let plan = Plan { holds, ..Plan::default() };

    let status = status::summarize(&set, &records.iter().collect::<Vec<_>>(), &plan, None, now());

    let message = "1 pod cannot be upgraded: the API server, or an admission webhook, did not take the upgrade (shop/b); \
                   1 pod cannot be upgraded: patchPodMetadata cannot be merged into an annotation of the Pod (shop/a)";
    assert_eq!(degraded(&status), ["True", "UpgradesNotTaken", message]);
}

#[test]
fn a_set_whose_new_pods_are_refused_is_degraded() {
    let missing = json!({"revision": {"revisionName": "log-sc-1"}});
    let pinned = sidecar_set().spec("injectionStrategy", missing).build();
    let invalid = match Catalog::default().put_set(&sidecar_set().spec("containers", json!([])).object()) {
        Entry::Invalid(set) => status::invalid(&set, None, now()),
        Entry::Valid(_) => panic!("a set without containers is valid"),
    };

    assert_eq!(degraded(&seen(&pinned, &[]))[..2], ["True", "RevisionUnusable"]);
    assert_eq!(degraded(&invalid)[..2], ["True", "InvalidSpec"]);
}
