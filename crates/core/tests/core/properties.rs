//! What holds in every world.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use crate::ordering::orderings;
use crate::trials::trials;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::amount::Amount;
use sidecarset_core::image::ImageReference;
use sidecarset_core::injection::inject;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A Pod of a simulated world: which definition it has, and what its kubelet does.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Updated,
    UpdatedBroken,
    Old,
    OldBroken,
    OtherShape,
}

fn kinds() -> impl Strategy<Value = Vec<Kind>> {
    let kind = prop_oneof![
        Just(Kind::Updated),
        Just(Kind::UpdatedBroken),
        Just(Kind::Old),
        Just(Kind::OldBroken),
        Just(Kind::OtherShape),
    ];
    prop::collection::vec(kind, 0..30)
}

fn amount() -> impl Strategy<Value = Value> {
    prop_oneof![(0_u32..12).prop_map(Value::from), (0_u32..=100).prop_map(|share| format!("{share}%").into())]
}

fn definition(image: &str) -> CanonicalSet {
    sidecar_set().image(image).build()
}

fn world(kinds: &[Kind]) -> Vec<PodBuilder> {
    let (old, new) = (definition("agent:v1"), definition("agent:v2"));
    let other = sidecar_set().env("A", "b").build();
    kinds
        .iter()
        .enumerate()
        .map(|(at, kind)| {
            let name = format!("pod-{at}");
            let pod = match kind {
                Kind::Updated => pod(&name, &new),
                Kind::UpdatedBroken => pod(&name, &old).upgraded_to(&new).not_ready(),
                Kind::Old => pod(&name, &old),
                Kind::OldBroken => pod(&name, &old).not_ready(),
                Kind::OtherShape => pod(&name, &other),
            };
            pod.label("zone", ["a", "b-1", "b-02"][at % 3]).label("tier", ["a", "b-1"][at / 5 % 2])
        })
        .collect()
}

fn target(partition: &Value, max_unavailable: &Value, ordering: [(&str, Value); 2]) -> CanonicalSet {
    let set = sidecar_set().image("agent:v2");
    ordering
        .into_iter()
        .fold(set, |set, (member, value)| set.strategy(member, value))
        .strategy("partition", partition.clone())
        .strategy("maxUnavailable", max_unavailable.clone())
        .build()
}

fn ready(set: &CanonicalSet, pods: &[PodRecord]) -> usize {
    pods.iter().filter(|pod| rollout::is_ready(set, pod)).count()
}

fn allowed(amount: Amount, total: usize) -> usize {
    amount.rounded_up(u32::try_from(total).unwrap()) as usize
}

proptest! {
    #![proptest_config(trials(64))]

    #[test]
    fn no_round_makes_more_pods_unavailable_than_the_budget_leaves(
        kinds in kinds(), partition in amount(), max_unavailable in amount(), ordering in orderings(),
    ) {
        let set = target(&partition, &max_unavailable, ordering);
        let pods: Vec<PodRecord> = world(&kinds).iter().map(PodBuilder::build).collect();

        let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());

        let broken = kinds.iter().filter(|kind| matches!(kind, Kind::UpdatedBroken)).count();
        let is_ready = |name: &str| pods.iter().any(|pod| pod.key.name() == name && pod.is_ready());
        let disturbed = plan.upgrades.iter().filter(|upgrade| is_ready(upgrade.pod.name())).count();
        let budget = allowed(set.rollout.max_unavailable, pods.len()).saturating_sub(broken);
        prop_assert!(disturbed <= budget, "{disturbed} > {budget}");
    }

    #[test]
    fn every_pod_is_updated_or_upgraded_or_held_and_never_two_of_them(
        kinds in kinds(), partition in amount(), max_unavailable in amount(), ordering in orderings(),
    ) {
        let set = target(&partition, &max_unavailable, ordering);
        let pods: Vec<PodRecord> = world(&kinds).iter().map(PodBuilder::build).collect();

        let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());

        for pod in &pods {
            let updated = usize::from(rollout::is_updated(&set, pod));
            let upgraded = plan.upgrades.iter().filter(|upgrade| upgrade.pod == pod.key).count();
            let held = usize::from(plan.holds.contains_key(&pod.key));
            prop_assert_eq!(updated + upgraded + held, 1);
        }
    }

    #[test]
    fn a_rollout_that_can_finish_does_and_touches_no_pod_twice(
        kinds in kinds(), max_unavailable in amount(), ordering in orderings(),
    ) {
        let set = target(&json!(0), &max_unavailable, ordering);
        prop_assume!(set.rollout.max_unavailable.rounded_up(30) > 0 && set.rollout.max_unavailable != Amount::Percent(0));
        let mut world = world(&kinds);
        let mut touched = vec![0; world.len()];

        for _ in 0..=kinds.len() {
            let pods: Vec<PodRecord> = world.iter().map(PodBuilder::build).collect();
            let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());
            for upgrade in &plan.upgrades {
                let at = pods.iter().position(|pod| pod.key == upgrade.pod).unwrap();
                touched[at] += 1;
                world[at] = world[at].clone().patched(&upgrade.patch(&set, &pods[at], now()));
            }
            // The kubelet mends everything: the new image is a good one.
            world = world.into_iter().map(|pod| pod.caught_up().ready()).collect();
        }

        let pods: Vec<PodRecord> = world.iter().map(PodBuilder::build).collect();
        let plan = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());
        prop_assert!(plan.upgrades.is_empty());
        prop_assert!(plan.holds.values().all(|hold| *hold == Hold::NeedsNewPod), "{:?}", plan.holds);
        prop_assert!(touched.iter().all(|times| *times <= 1), "{touched:?}");
        prop_assert_eq!(ready(&set, &pods), pods.len());
    }

    #[test]
    fn the_order_in_which_pods_are_seen_changes_nothing(
        kinds in kinds(), max_unavailable in amount(), ordering in orderings(),
    ) {
        let set = target(&json!(0), &max_unavailable, ordering);
        let pods: Vec<PodRecord> = world(&kinds).iter().map(PodBuilder::build).collect();

        let forward = rollout::plan(&set, &pods.iter().collect::<Vec<_>>(), now());
        let backward = rollout::plan(&set, &pods.iter().rev().collect::<Vec<_>>(), now());

        prop_assert_eq!(forward, backward);
    }

    #[test]
    fn injecting_any_pod_twice_is_injecting_it_once(
        own in prop::collection::btree_set("[a-c]|agent", 0..4), placement in prop::bool::ANY,
    ) {
        let containers: Vec<Value> = own.iter().map(|name| json!({"name": name, "image": "i", "future": 1})).collect();
        let pod = json!({"metadata": {"name": "p"}, "spec": {"containers": containers}});
        let place = if placement { "BeforeAppContainer" } else { "AfterAppContainer" };
        let container = json!([{"name": "agent", "image": "agent:v1", "podInjectPolicy": place}]);
        let sets = [Arc::new(sidecar_set().spec("containers", container).build())];

        let first = inject(&pod, &sets, now()).unwrap();
        let mut once = pod.clone();
        json_patch::patch(&mut once, &first.patch.operations()).unwrap();

        prop_assert!(inject(&once, &sets, now()).unwrap().patch.is_empty());
        // What the Pod brought along is there as it was, but for a container whose place is taken.
        let injected = once["spec"]["containers"].as_array().unwrap();
        for container in containers.iter().filter(|container| container["name"] != "agent") {
            prop_assert!(injected.contains(container));
        }
    }

    #[test]
    fn any_text_can_be_taken_apart_as_an_image_reference(text in ".{0,60}") {
        let reference = ImageReference::split(&text);

        prop_assert_eq!(reference, ImageReference::split(&text));
    }

    #[test]
    fn merging_any_two_texts_is_merging_them_once(
        text in prop_oneof![json_text(), ".{0,12}"], patch in prop_oneof![json_text(), ".{0,12}"],
    ) {
        let set = merging(&patch);
        // A patch that is no object and no list is refused with its path, and never acted on.
        prop_assume!(set.is_some());
        let set = set.unwrap();

        if let Ok(changed) = set.annotations_over(|_| Some(&text)) {
            let once = changed.get("note").unwrap_or(&text);
            let twice = set.annotations_over(|_| Some(once)).unwrap();
            if text.is_empty() {
                // What there is nothing to merge with is written as it is, and may say the same in other words.
                prop_assert_eq!(once, &patch);
            } else {
                prop_assert_eq!(twice, BTreeMap::new());
            }
        }
    }
}

fn merging(patch: &str) -> Option<CanonicalSet> {
    let entries = json!([{"annotations": {"note": patch}, "patchPolicy": "MergePatchJson"}]);
    let set = sidecar_set().spec("patchPodMetadata", entries);
    set.clone().violations().is_empty().then(|| set.build())
}

fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "[a-c\"]{0,3}".prop_map(Value::from),
    ];
    let value = leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-c]", inner, 0..4).prop_map(Value::from_iter),
        ]
    });
    value.prop_map(|value| value.to_string())
}
