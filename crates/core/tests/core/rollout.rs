//! Which Pods are upgraded, and why the others are not.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold, Plan};

fn plan(set: &CanonicalSet, pods: &[PodBuilder]) -> Plan {
    let pods: Vec<PodRecord> = pods.iter().map(PodBuilder::build).collect();
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now())
}

fn upgraded(plan: &Plan) -> Vec<&str> {
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name()).collect()
}

fn hold(plan: &Plan, name: &str) -> Option<Hold> {
    plan.holds.iter().find(|(pod, _)| pod.name() == name).map(|(_, hold)| *hold)
}

fn old() -> CanonicalSet {
    sidecar_set().build()
}

#[test]
fn nothing_happens_while_every_pod_carries_the_present_definition() {
    let set = old();

    let plan = plan(&set, &[pod("a", &set), pod("b", &set)]);

    assert_eq!(plan, Plan::default());
}

#[test]
fn one_ready_pod_at_a_time_is_upgraded_by_default() {
    let set = sidecar_set().image("agent:v2").build();

    let plan = plan(&set, &[pod("a", &old()), pod("b", &old())]);

    assert_eq!(upgraded(&plan), ["a"]);
    assert_eq!(hold(&plan, "b"), Some(Hold::BudgetSpent));
}

#[test]
fn a_share_of_max_unavailable_is_rounded_up() {
    let set = sidecar_set().image("agent:v2").strategy("maxUnavailable", "5%").build();
    let pods: Vec<_> = ["a", "b", "c", "d", "e", "f"].map(|name| pod(name, &old())).into();

    assert_eq!(upgraded(&plan(&set, &pods)), ["a"]);
}

#[test]
fn an_explicit_zero_upgrades_no_ready_pod() {
    let set = sidecar_set().image("agent:v2").strategy("maxUnavailable", 0).build();

    let plan = plan(&set, &[pod("a", &old())]);

    assert_eq!(upgraded(&plan), [""; 0]);
    assert_eq!(hold(&plan, "a"), Some(Hold::BudgetSpent));
}

#[test]
fn the_spelling_of_the_guide_sets_the_budget() {
    let older = json!({"rollingUpdate": {"maxUnavailable": 2}});
    let set = sidecar_set().image("agent:v2").spec("strategy", older).build();

    let plan = plan(&set, &[pod("a", &old()), pod("b", &old()), pod("c", &old())]);

    assert_eq!(upgraded(&plan), ["a", "b"]);
}

#[test]
fn an_upgraded_pod_that_is_not_ready_yet_spends_the_budget() {
    let set = sidecar_set().image("agent:v2").build();

    let plan = plan(&set, &[pod("a", &old()).upgraded_to(&set).not_ready(), pod("b", &old())]);

    assert_eq!(hold(&plan, "b"), Some(Hold::BudgetSpent));
}

#[test]
fn broken_pods_are_repaired_first_and_cost_nothing() {
    let set = sidecar_set().image("agent:v2").build();

    let plan = plan(&set, &[pod("a", &old()), pod("b", &old()), pod("broken", &old()).not_ready()]);

    assert_eq!(upgraded(&plan), ["broken", "a"]);
    assert_eq!(hold(&plan, "b"), Some(Hold::BudgetSpent));
}

#[test]
fn a_broken_pod_is_repaired_even_when_the_budget_is_spent() {
    let set = sidecar_set().image("agent:v3").build();
    let bad = sidecar_set().image("agent:bad").build();

    let plan = plan(
        &set,
        &[pod("new", &old()).upgraded_to(&set).not_ready(), pod("broken", &bad).not_ready(), pod("a", &old())],
    );

    assert_eq!(upgraded(&plan), ["broken"]);
    assert_eq!(hold(&plan, "a"), Some(Hold::BudgetSpent));
}

#[test]
fn an_upgrade_that_is_not_over_spends_the_budget_of_the_next_image_too() {
    let [second, third] = ["agent:v2", "agent:v3"].map(|image| sidecar_set().image(image).build());
    let before = pod("a", &old());
    let pod_a = before.clone().patched(&before.upgrade_to(&second));

    let on_its_way = plan(&third, &[pod_a.clone(), pod("b", &old())]);
    let broken = plan(&third, &[pod_a.not_ready(), pod("b", &old())]);

    assert_eq!(hold(&on_its_way, "a"), Some(Hold::InFlight));
    assert_eq!(hold(&on_its_way, "b"), Some(Hold::BudgetSpent));
    assert_eq!(upgraded(&broken), ["a"]);
    assert_eq!(hold(&broken, "b"), Some(Hold::BudgetSpent));
}

#[test]
fn an_upgrade_that_only_a_new_pod_can_end_spends_no_budget() {
    let before = pod("a", &old());
    let pod_a = before.clone().patched(&before.upgrade_to(&sidecar_set().image("agent:v2").build())).not_ready();
    let set = sidecar_set().image("agent:v3").env("LEVEL", "debug").build();

    let plan = plan(&set, &[pod_a, pod("b", &sidecar_set().env("LEVEL", "debug").build())]);

    assert_eq!(hold(&plan, "a"), Some(Hold::NeedsNewPod));
    assert_eq!(upgraded(&plan), ["b"]);
}

#[test]
fn a_change_of_more_than_the_image_waits_for_a_new_pod() {
    let set = sidecar_set().image("agent:v2").env("LEVEL", "debug").build();

    let plan = plan(&set, &[pod("a", &old())]);

    assert_eq!(upgraded(&plan), [""; 0]);
    assert_eq!(hold(&plan, "a"), Some(Hold::NeedsNewPod));
}

#[test]
fn a_container_that_is_new_to_the_set_waits_for_a_new_pod() {
    let containers = json!([{"name": "agent", "image": "agent:v1"}, {"name": "second", "image": "agent:v1"}]);
    let set = sidecar_set().spec("containers", containers).build();

    assert_eq!(hold(&plan(&set, &[pod("a", &old())]), "a"), Some(Hold::NeedsNewPod));
}

#[test]
fn a_paused_rollout_holds_every_outdated_pod() {
    for set in [sidecar_set().strategy("paused", true), sidecar_set().spec("paused", true)] {
        let plan = plan(&set.image("agent:v2").build(), &[pod("a", &old())]);

        assert_eq!(upgraded(&plan), [""; 0]);
        assert_eq!(hold(&plan, "a"), Some(Hold::Paused));
    }
}

#[test]
fn a_set_that_never_updates_holds_every_outdated_pod() {
    let set = sidecar_set().image("agent:v2").strategy("type", "NotUpdate").build();

    assert_eq!(hold(&plan(&set, &[pod("a", &old())]), "a"), Some(Hold::NotUpdate));
}

#[test]
fn partition_leaves_that_many_pods_on_the_old_image() {
    let set = sidecar_set().image("agent:v2").strategy("partition", 2).strategy("maxUnavailable", "100%").build();
    let pods = [
        pod("oldest", &old()).created("2026-01-01T00:00:00Z"),
        pod("middle", &old()).created("2026-01-01T00:00:01Z"),
        pod("newest", &old()).created("2026-01-01T00:00:02Z"),
    ];

    let plan = plan(&set, &pods);

    assert_eq!(upgraded(&plan), ["newest"]);
    assert_eq!(hold(&plan, "oldest"), Some(Hold::Partition));
    assert_eq!(hold(&plan, "middle"), Some(Hold::Partition));
}

#[test]
fn a_share_below_the_whole_never_keeps_every_pod() {
    let pods = [pod("a", &old()), pod("b", &old())];
    let set = |share: &str| sidecar_set().image("agent:v2").strategy("partition", share).build();

    assert_eq!(upgraded(&plan(&set("99%"), &pods)), ["a"]);
    assert_eq!(upgraded(&plan(&set("100%"), &pods)), [""; 0]);
}

#[test]
fn the_strategys_selector_leaves_other_pods_out() {
    let canaries = json!({"matchLabels": {"canary": "yes"}});
    let set = sidecar_set().image("agent:v2").strategy("selector", canaries).build();

    let plan = plan(&set, &[pod("a", &old()), pod("b", &old()).label("canary", "yes")]);

    assert_eq!(upgraded(&plan), ["b"]);
    assert_eq!(hold(&plan, "a"), Some(Hold::NotSelected));
}

#[test]
fn an_upgrade_changes_the_image_and_our_annotations_and_nothing_else() {
    let set = sidecar_set().image("agent:v2").build();

    let patch = pod("a", &old()).upgrade_to(&set);

    let hash = "68w7w4v5dd424xvw75b667262v2v4w87bwzwfc89x5965xd76fc89zwd46z6wx24";
    assert_eq!(
        patch,
        json!({
            "metadata": {
                "uid": "uid-a",
                "resourceVersion": "7",
                "annotations": {
                    "kruise.io/sidecarset-hash": format!(r#"{{"log-sc":{{"updateTimestamp":"2026-01-02T03:04:05Z","hash":"{hash}","sidecarSetName":"log-sc","sidecarList":["agent"]}}}}"#),
                    "kruise.io/sidecarset-inplace-update-state": format!(r#"{{"log-sc":{{"revision":"{hash}","updateTimestamp":"2026-01-02T03:04:05Z","lastContainerStatuses":{{"agent":{{"imageID":"docker.io/library/agent@sha256:agent:v1"}}}}}}}}"#),
                },
            },
            "spec": {"containers": [{"name": "agent", "image": "agent:v2"}]},
        })
    );
}

#[test]
fn the_marks_of_other_sets_stay_as_they_are() {
    let set = sidecar_set().image("agent:v2").build();
    let other = r#"{"other":{"updateTimestamp":null,"hash":"h","sidecarSetName":"other","sidecarList":["x"],"controllerRevision":"other-1"}}"#;
    let carried = old();
    let both = format!(
        r#"{},"log-sc":{{"updateTimestamp":null,"hash":"{}","sidecarSetName":"log-sc","sidecarList":["agent"]}}}}"#,
        &other[..other.len() - 1],
        carried.hashes.full
    );
    let pod = pod("a", &carried)
        .annotation("kruise.io/sidecarset-injected-list", "log-sc,other")
        .annotation("kruise.io/sidecarset-hash", &both);

    let patch = pod.upgrade_to(&set);

    let written = patch["metadata"]["annotations"]["kruise.io/sidecarset-hash"].as_str().unwrap();
    assert!(written.ends_with(&other[1..]), "{written}");
}

#[test]
fn a_pod_that_runs_the_right_images_already_only_gets_its_marks() {
    let set = sidecar_set().image("agent:v2").build();

    let right = pod("a", &old()).set("/spec/containers/0/image", "agent:v2").caught_up();

    assert_eq!(right.upgrade_to(&set).get("spec"), None);
    assert_eq!(plan(&set, &[right]).upgrades[0].changes, []);
}

#[test]
fn an_upgrade_under_way_is_waited_for() {
    let (second, third) = (sidecar_set().image("agent:v2").build(), sidecar_set().image("agent:v3").build());
    let under_way = pod("a", &old()).patched(&pod("a", &old()).upgrade_to(&second));

    let waiting = plan(&third, std::slice::from_ref(&under_way));
    let done = plan(&third, &[under_way.caught_up()]);

    assert_eq!(hold(&waiting, "a"), Some(Hold::InFlight));
    assert_eq!(upgraded(&done), ["a"]);
}

#[test]
fn two_tags_of_one_image_do_not_leave_a_pod_waiting_for_ever() {
    let retagged = sidecar_set().image("agent:stable").build();
    // The runtime goes on to report the other tag, and the identity is the same.
    let under_way = pod("a", &old()).patched(&pod("a", &old()).upgrade_to(&retagged));
    let started =
        |time: &str| under_way.clone().set("/status/containerStatuses/0/state/running/startedAt", time).build();

    assert!(!rollout::is_ready(&retagged, &under_way.build()));
    assert!(rollout::is_ready(&retagged, &started("2026-01-02T03:04:06Z")));
    assert!(rollout::is_ready(&retagged, &started("2026-01-02T03:04:05Z")), "within the second of the upgrade");
}

#[test]
fn the_upgrade_of_another_container_brings_no_doubt_back_about_two_tags_of_one_image() {
    let set = |agent: &str, main: &str| {
        let containers = json!([{"name": "agent", "image": agent}, {"name": "main", "image": main}]);
        sidecar_set().spec("containers", containers).build()
    };
    let (retagged, last) = (set("agent:stable", "nginx:1.15.1"), set("agent:stable", "nginx:2"));
    let started_at = "/status/containerStatuses/0/state/running/startedAt";
    let before = pod("a", &set("agent:v1", "nginx:1.15.1"));
    let restarted = before.clone().patched(&before.upgrade_to(&retagged)).set(started_at, "2026-01-02T03:04:06Z");

    let upgraded = restarted.clone().patched(&restarted.upgrade_to(&last));

    // The time of all upgrades here is the same, so it is the start that moves to before the second one.
    let after =
        upgraded.set(started_at, "2026-01-02T03:04:04Z").set("/status/containerStatuses/1/imageID", "nginx@sha256:2");
    assert!(rollout::is_ready(&last, &after.build()));
}

#[test]
fn an_image_given_by_its_digest_is_compared_in_its_full_form() {
    let pinned = sidecar_set().image("agent@sha256:aa").build();
    let running = |id: &str| pod("a", &pinned).set("/status/containerStatuses/0/imageID", id).build();

    assert!(rollout::is_ready(&pinned, &running("docker.io/library/agent@sha256:aa")));
    assert!(rollout::is_ready(&pinned, &running("docker-pullable://agent@sha256:aa")));
    assert!(!rollout::is_ready(&pinned, &running("docker.io/library/agent@sha256:bb")));
    assert!(!rollout::is_ready(&pinned, &running("quay.io/library/agent@sha256:aa")));
}

#[test]
fn the_image_of_a_native_sidecar_is_upgraded_in_place() {
    let native = |image: &str| {
        let init = json!([{"name": "mesh", "image": image, "restartPolicy": "Always"}]);
        sidecar_set().spec("initContainers", init).build()
    };
    let pod = pod("a", &native("mesh:v1")).member(
        "/spec",
        "initContainers",
        json!([{"name": "mesh", "image": "mesh:v1", "restartPolicy": "Always"}]),
    );

    let patch = pod.upgrade_to(&native("mesh:v2"));

    assert_eq!(patch["spec"], json!({"initContainers": [{"name": "mesh", "image": "mesh:v2"}]}));
}

#[test]
fn an_upgrade_that_never_starts_is_not_waited_for() {
    let (bad, good) = (sidecar_set().image("agent:bad").build(), sidecar_set().image("agent:v2").build());
    let stuck = pod("a", &old()).patched(&pod("a", &old()).upgrade_to(&bad)).not_ready();

    assert_eq!(upgraded(&plan(&good, &[stuck])), ["a"]);
}

#[test]
fn a_pod_with_marks_of_old_releases_gets_them_in_todays_form() {
    let set = sidecar_set().image("agent:v2").build();
    let carried = old();
    let flat = |hash: &str| json!({"log-sc": hash}).to_string();
    let pod = pod("a", &carried)
        .annotation("kruise.io/sidecarset-hash", &flat(&carried.hashes.full))
        .annotation("kruise.io/sidecarset-hash-without-image", &flat(&carried.hashes.without_image));

    let patch = pod.upgrade_to(&set);

    let annotations = &patch["metadata"]["annotations"];
    let without_image = annotations["kruise.io/sidecarset-hash-without-image"].as_str().unwrap();
    assert!(without_image.starts_with(r#"{"log-sc":{"updateTimestamp":"2026-01-02T03:04:05Z","hash":""#));
}

#[test]
fn a_pod_that_ended_or_lost_its_labels_is_no_longer_matched() {
    let set = old();
    let is_matched =
        |pod: PodBuilder| rollout::is_matched(&set, &pod.build(), None::<&std::collections::BTreeMap<String, String>>);

    assert!(is_matched(pod("a", &set)));
    assert!(!is_matched(pod("a", &set).set("/status/phase", "Failed")));
    assert!(!is_matched(pod("a", &set).set("/metadata/labels", json!({"app": "other"}))));
    assert!(!is_matched(pod("a", &set).annotation("kruise.io/sidecarset-injected-list", "other")));
}

#[test]
fn an_upgrade_writes_the_annotations_of_the_set_and_ours_whatever_the_set_says() {
    let entries = json!([
        {"annotations": {"overwritten": "new", "kruise.io/sidecarset-hash": "x"}, "patchPolicy": "Overwrite"},
        {"annotations": {"retained": "new", "added": "new"}},
        {"annotations": {"merged": "{\"b\":2}"}, "patchPolicy": "MergePatchJson"},
    ]);
    let set = sidecar_set().image("agent:v2").spec("patchPodMetadata", entries).build();
    let pod = pod("a", &sidecar_set().build());
    let pod = pod.annotation("overwritten", "old").annotation("retained", "old").annotation("merged", "{\"a\":1}");

    let patch = pod.upgrade_to(&set);

    let annotations = patch["metadata"]["annotations"].as_object().unwrap();
    assert_eq!(annotations["overwritten"], "new");
    assert_eq!(annotations.get("retained"), None);
    assert_eq!(annotations["added"], "new");
    assert_eq!(annotations["merged"], "{\"a\":1,\"b\":2}");
    assert!(annotations["kruise.io/sidecarset-hash"].as_str().unwrap().starts_with("{\"log-sc\":{"));
    assert_eq!(annotations.len(), 5);
}

#[test]
fn an_upgrade_leaves_out_annotations_that_a_running_pod_cannot_get() {
    let key = "container.apparmor.security.beta.kubernetes.io/agent";
    let entries = json!([{"annotations": {key: "unconfined", "note": "new"}, "patchPolicy": "Overwrite"}]);
    let set = sidecar_set().image("agent:v2").spec("patchPodMetadata", entries).build();

    let patch = pod("a", &sidecar_set().build()).upgrade_to(&set);

    let annotations = &patch["metadata"]["annotations"];
    assert_eq!((annotations.get(key), &annotations["note"]), (None, &json!("new")));
}

#[test]
fn annotations_that_the_set_changes_alone_upgrade_nothing() {
    let set = |value: &str| {
        let entries = json!([{"annotations": {"note": value}, "patchPolicy": "Overwrite"}]);
        sidecar_set().spec("patchPodMetadata", entries).build()
    };
    let pod = pod("a", &set("one"));

    assert_eq!(plan(&set("two"), &[pod]).upgrades, []);
}
