//! Which definition a new Pod gets from a set that is pinned to a past one.

use crate::build::{now, revision, sidecar_set};
use crate::trials::trials;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection::{choose, inject};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::revision::{choices, draw};
use sidecarset_core::validation::Violations;
use std::collections::BTreeSet;
use std::sync::Arc;

const PAST: &str = "agent:v1";
const PRESENT: &str = "agent:v2";

/// A set whose present image is `agent:v2` and whose past one is `agent:v1`.
fn pinned(policy: &str, strategy: &Value) -> CanonicalSet {
    sidecar_set().image(PRESENT).spec("updateStrategy", strategy.clone()).pinned_to(policy, PAST)
}

fn pod(labels: &Value) -> Value {
    json!({"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main"}]}})
}

fn chosen(set: &CanonicalSet, labels: &Value, draw: f64) -> String {
    let chosen = choose(&pod(labels), &[Arc::new(set.clone())], |_| draw).unwrap();
    chosen[0].containers[0].image.to_string()
}

#[test]
fn the_policy_always_gives_each_pod_the_past() {
    let set = pinned("Always", &json!({"partition": "0%"}));

    assert_eq!(chosen(&set, &json!({}), 0.99), PAST);
}

#[test]
fn a_paused_rollout_gives_each_pod_the_past() {
    let set = pinned("Partial", &json!({"paused": true, "partition": "0%"}));

    assert_eq!(chosen(&set, &json!({}), 0.99), PAST);
}

#[test]
fn the_policy_partial_gives_the_past_to_pods_that_the_rollout_leaves_out() {
    let set = pinned("Partial", &json!({"selector": {"matchLabels": {"canary": "true"}}}));

    assert_eq!(chosen(&set, &json!({"app": "nginx"}), 0.5), PAST);
    assert_eq!(chosen(&set, &json!({"app": "nginx", "canary": "true"}), 0.5), PRESENT);
}

#[test]
fn the_policy_partial_draws_for_a_share_of_the_pods() {
    let set = pinned("Partial", &json!({"partition": "30%"}));

    assert_eq!(chosen(&set, &json!({}), 0.0), PAST);
    assert_eq!(chosen(&set, &json!({}), 0.3), PAST);
    assert_eq!(chosen(&set, &json!({}), 0.300_001), PRESENT);
}

#[test]
fn where_running_pods_stay_as_they_are_selector_and_partition_choose_new_ones_together() {
    let canaries = json!({"matchLabels": {"canary": "true"}});
    let set = pinned("Partial", &json!({"type": "NotUpdate", "selector": canaries, "partition": "30%"}));

    assert_eq!(chosen(&set, &json!({"app": "nginx"}), 0.9), PAST);
    assert_eq!(chosen(&set, &json!({"app": "nginx", "canary": "true"}), 0.3), PAST);
    assert_eq!(chosen(&set, &json!({"app": "nginx", "canary": "true"}), 0.9), PRESENT);
}

#[test]
fn the_policy_partial_gives_the_present_where_the_partition_is_a_number_or_absent() {
    for strategy in [json!({}), json!({"partition": 0}), json!({"partition": 1000})] {
        assert_eq!(chosen(&pinned("Partial", &strategy), &json!({}), 0.0), PRESENT, "{strategy}");
    }
}

#[test]
fn what_new_pods_may_get_is_what_is_chosen_for_some_of_them() {
    let canaries = json!({"matchLabels": {"canary": "true"}});
    for (policy, strategy, images) in [
        ("Always", json!({}), &[PAST][..]),
        ("Partial", json!({"paused": true}), &[PAST]),
        ("Partial", json!({"selector": canaries}), &[PRESENT, PAST]),
        ("Partial", json!({"partition": "30%"}), &[PRESENT, PAST]),
        ("Partial", json!({"partition": 1000}), &[PRESENT]),
    ] {
        let set = pinned(policy, &strategy);
        let given: Vec<String> =
            choices(&Arc::new(set.clone())).unwrap().iter().map(|it| it.containers[0].image.to_string()).collect();
        let pods = [(json!({}), 0.0), (json!({"canary": "true"}), 0.99)];
        let seen: BTreeSet<String> = pods.iter().map(|(pod, draw)| chosen(&set, pod, *draw)).collect();

        assert_eq!(given, images, "{policy} {strategy}");
        assert_eq!(seen, given.into_iter().collect(), "{policy} {strategy}");
    }
    let present = Arc::new(sidecar_set().image(PRESENT).build());
    assert_eq!(choices(&present).unwrap()[0].containers[0].image.to_string(), PRESENT);
}

#[test]
fn a_pod_that_carries_either_definition_keeps_it_whatever_is_drawn_next() {
    let set = [Arc::new(pinned("Partial", &json!({"partition": "50%"})))];
    let new = pod(&json!({"app": "nginx"}));

    for (first, second, image) in [(0.1, 0.9, PAST), (0.9, 0.1, PRESENT)] {
        let mut pod = new.clone();
        let once = inject(&pod, &choose(&pod, &set, |_| first).unwrap(), now()).unwrap();
        json_patch::patch(&mut pod, &once.patch.operations()).unwrap();
        let again = inject(&pod, &choose(&pod, &set, |_| second).unwrap(), now()).unwrap();

        assert_eq!(pod["spec"]["containers"][0]["image"], image);
        assert!(again.patch.is_empty());
    }
}

#[test]
fn a_pod_that_claims_the_present_definition_gets_the_past_where_every_pod_does() {
    let (present, pinned) = (sidecar_set().image(PRESENT).build(), [Arc::new(pinned("Always", &json!({})))]);
    let mut copied = pod(&json!({"app": "nginx"}));
    let patch = inject(&copied, &[Arc::new(present)], now()).unwrap().patch;
    json_patch::patch(&mut copied, &patch.operations()).unwrap();

    let injection = inject(&copied, &choose(&copied, &pinned, |_| 0.9).unwrap(), now()).unwrap();

    json_patch::patch(&mut copied, &injection.patch.operations()).unwrap();
    assert_eq!(copied["spec"]["containers"][0]["image"], PAST);
}

#[test]
fn the_past_is_all_of_the_definition_and_nothing_else() {
    let set = sidecar_set().spec("volumes", json!([{"name": "new"}])).spec("imagePullSecrets", json!([{"name": "s"}]));
    let set = set.strategy("maxUnavailable", 7).pinned_to("Always", PAST);

    let past = set.pin.as_ref().unwrap().past.clone().unwrap();

    assert_eq!((past.volumes.len(), past.image_pull_secrets.len()), (0, 0));
    assert_eq!(past.rollout, set.rollout);
    assert_eq!(past.selector, set.selector);
    assert_eq!(past.revision.as_deref(), Some("log-sc-1"));
    assert_eq!(past.hashes, sidecar_set().image(PAST).build().hashes);
}

#[test]
fn a_revision_that_is_missing_is_refused_even_where_the_draw_is_for_the_present() {
    let strategy = json!({"revision": {"customVersion": "v1", "policy": "Partial"}});
    let set = sidecar_set().spec("injectionStrategy", strategy).build();

    let refusal = choose(&pod(&json!({})), &[Arc::new(set)], |_| 0.9).unwrap_err();

    assert_eq!(
        refusal.to_string(),
        "SidecarSet log-sc is pinned to customVersion \"v1\": no such revision belongs to this SidecarSet"
    );
}

fn catalog_with(set: Value, image: &str) -> Catalog {
    let mut catalog = Catalog::default();
    catalog.put_set(&serde_json::from_value(set).unwrap());
    catalog.put_revision(revision("log-sc-1", image));
    catalog
}

fn pinned_by_name() -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "log-sc"},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "containers": [{"name": "agent", "image": PRESENT}],
            "injectionStrategy": {"revision": {"revisionName": "log-sc-1"}},
        },
    })
}

fn past(catalog: &Catalog) -> Result<String, String> {
    let Some(Entry::Valid(set)) = catalog.set("log-sc") else { panic!("the set is valid") };
    let past = &set.pin.as_ref().unwrap().past;
    past.as_ref().map(|past| past.containers[0].image.to_string()).map_err(ToString::to_string)
}

#[test]
fn the_past_follows_the_revision_that_comes_changes_and_goes() {
    let mut catalog = catalog_with(pinned_by_name(), PAST);
    assert_eq!(past(&catalog).as_deref(), Ok(PAST));

    assert_eq!(catalog.put_revision(revision("log-sc-1", "agent:v0")), [Arc::from("log-sc")]);
    assert_eq!(past(&catalog).as_deref(), Ok("agent:v0"));

    assert_eq!(catalog.remove_revision("log-sc-1"), [Arc::from("log-sc")]);
    let missing = "revisionName \"log-sc-1\": no such revision belongs to this SidecarSet";
    assert_eq!(past(&catalog), Err(missing.to_owned()));
}

#[test]
fn a_revision_that_is_not_valid_says_what_is_wrong_with_it() {
    let catalog = catalog_with(pinned_by_name(), "");

    let said = past(&catalog).unwrap_err();

    let begin = "revisionName \"log-sc-1\": revision \"log-sc-1\" is not valid: spec.containers[0].image: ";
    assert!(said.starts_with(begin), "{said}");
}

#[test]
fn a_pin_is_checked_against_the_revisions_that_there_are() {
    let violations = |set: &Value, image: &str| {
        let mut violations = Violations::default();
        let catalog = catalog_with(pinned_by_name(), image);
        catalog.check_pin(&serde_json::from_value(set.clone()).unwrap(), &mut violations);
        violations.to_string()
    };
    let mut elsewhere = pinned_by_name();
    elsewhere["spec"]["injectionStrategy"]["revision"]["revisionName"] = json!("log-sc-2");
    let mut without_selector = pinned_by_name();
    without_selector["spec"]["selector"] = json!(null);

    assert_eq!(violations(&pinned_by_name(), PAST), "");
    assert_eq!(
        violations(&elsewhere, PAST),
        "spec.injectionStrategy.revision: revisionName \"log-sc-2\": no such revision belongs to this SidecarSet"
    );
    assert!(violations(&pinned_by_name(), "").contains("is not valid: spec.containers[0].image"));
    assert_eq!(violations(&without_selector, PAST), "");
}

#[test]
fn a_draw_is_always_the_same_for_a_request_and_differs_between_sets() {
    assert_eq!(draw("request-1", "a").to_string(), draw("request-1", "a").to_string());
    assert_ne!(draw("request-1", "a").to_string(), draw("request-1", "b").to_string());
    assert_ne!(draw("request-1", "a").to_string(), draw("request-2", "a").to_string());
}

#[test]
fn a_share_of_the_requests_gets_the_past() {
    for (share, about) in [(0.1, 900..=1100), (0.5, 4850..=5150), (0.9, 8900..=9100)] {
        let past = (0..10_000).filter(|request| draw(&format!("request-{request}"), "log-sc") <= share).count();

        assert!(about.contains(&past), "{past} of 10000 at {share}");
    }
}

proptest! {
    #![proptest_config(trials(64))]

    #[test]
    fn any_request_draws_a_number_from_0_to_below_1(request in ".{0,40}", set in "[a-z]{1,10}") {
        let draw = draw(&request, &set);

        prop_assert!((0.0..1.0).contains(&draw), "{draw}");
    }

    #[test]
    fn all_of_100_percent_get_the_past_and_none_of_0_percent_or_of_a_number(
        request in "[0-9a-f]{32}", number in 0_u32..1000,
    ) {
        let draw = draw(&request, "log-sc");
        let image = |partition: Value| chosen(&pinned("Partial", &json!({"partition": partition})), &json!({}), draw);

        prop_assert_eq!(image(json!("100%")), PAST);
        // As in Kruise, a draw of exactly 0 gets the past: one in four thousand million.
        prop_assert_eq!(image(json!("0%")), PRESENT);
        prop_assert_eq!(image(json!(number)), PRESENT);
    }
}
