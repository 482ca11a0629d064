//! What holds for every order.

use super::model::{self, Labels};
use crate::build::{PodBuilder, now, pod, sidecar_set};
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::{self, Hold, Plan};
use sidecarset_core::selection::Labels as _;

const KEYS: [&str; 3] = ["zone", "tier", "ordinal"];

fn key() -> impl Strategy<Value = &'static str> {
    prop::sample::select(&KEYS[..])
}

fn value() -> impl Strategy<Value = String> {
    prop_oneof![Just("a".to_owned()), Just("b-1".to_owned()), Just("b-02".to_owned()), Just(String::new())]
}

fn labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(key().prop_map(str::to_owned), value(), 0..4)
}

fn weights() -> impl Strategy<Value = Value> {
    let term = (0..=100_i32, key(), value())
        .prop_map(|(weight, key, value)| json!({"weight": weight, "matchSelector": {"matchLabels": {key: value}}}));
    prop::collection::vec(term, 0..4).prop_map(|terms| json!({"weightPriority": terms}))
}

fn ordered_keys() -> impl Strategy<Value = Value> {
    let key = key().prop_map(|key| json!({"orderedKey": key}));
    prop::collection::vec(key, 0..4).prop_map(|keys| json!({"orderPriority": keys}))
}

fn terms() -> impl Strategy<Value = Vec<(String, String)>> {
    let value = prop_oneof![Just("*".to_owned()), value()];
    let terms = prop::collection::btree_set((key().prop_map(str::to_owned), value), 0..5);
    terms.prop_map(Vec::from_iter).prop_shuffle()
}

fn on_the_wire(terms: &[(String, String)]) -> Value {
    terms.iter().map(|(key, value)| json!({"key": key, "value": value})).collect()
}

/// Any priority and any scattering: the members of an update strategy.
pub fn orderings() -> impl Strategy<Value = [(&'static str, Value); 2]> {
    let priority = prop_oneof![Just(Value::Null), weights(), ordered_keys()];
    (priority, terms())
        .prop_map(|(priority, terms)| [("priorityStrategy", priority), ("scatterStrategy", on_the_wire(&terms))])
}

/// A Pod that differs from others in all that orders Pods.
fn inhabitant() -> impl Strategy<Value = PodBuilder> {
    let state = (0..4_u8, 0..3_u8, 0..2_i32, 0..2_u8);
    (labels(), state).prop_map(|(labels, (kind, since, restarts, created))| {
        let definition = if kind == 0 { sidecar_set().image("agent:v2").build() } else { sidecar_set().build() };
        let pod = pod("unnamed", &definition)
            .set("/status/conditions/0/lastTransitionTime", format!("2026-01-01T00:00:0{since}Z"))
            .set("/status/containerStatuses/0/restartCount", restarts)
            .created(&format!("2026-01-01T00:00:0{created}Z"));
        let pod = labels.iter().fold(pod, |pod, (key, value)| pod.label(key, value));
        if kind == 1 { pod.not_ready() } else { pod }
    })
}

fn world() -> impl Strategy<Value = Vec<PodRecord>> {
    prop::collection::vec(inhabitant(), 0..24).prop_map(|pods| {
        let named = pods.into_iter().enumerate();
        named.map(|(at, pod)| pod.set("/metadata/name", format!("pod-{at:02}")).build()).collect()
    })
}

fn target(members: &[(&str, Value)]) -> CanonicalSet {
    members.iter().fold(sidecar_set().image("agent:v2"), |set, (key, value)| set.strategy(key, value.clone())).build()
}

fn plan(set: &CanonicalSet, pods: &[PodRecord]) -> Plan {
    rollout::plan(set, &pods.iter().collect::<Vec<_>>(), now())
}

fn names(plan: &Plan) -> Vec<String> {
    plan.upgrades.iter().map(|upgrade| upgrade.pod.name().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_plan_is_the_same_in_whatever_order_pods_are_seen(
        (pods, shuffled) in world().prop_flat_map(|pods| (Just(pods.clone()), Just(pods).prop_shuffle())),
        ordering in orderings(),
    ) {
        let set = target(&ordering);

        prop_assert_eq!(plan(&set, &pods), plan(&set, &shuffled));
    }

    #[test]
    fn every_waiting_pod_stands_in_the_order_once(pods in world(), ordering in orderings()) {
        let set = target(&[&ordering[..], &[("maxUnavailable", json!("100%"))]].concat());

        let mut names = names(&plan(&set, &pods));

        names.sort();
        let waiting = pods.iter().filter(|pod| !rollout::is_updated(&set, pod));
        prop_assert_eq!(names, waiting.map(|pod| pod.key.name().to_owned()).collect::<Vec<_>>());
    }

    #[test]
    fn a_partition_keeps_the_pods_that_would_come_last(pods in world(), ordering in orderings(), partition in 0..24_usize) {
        let members = [&ordering[..], &[("maxUnavailable", json!("100%"))]].concat();
        let every = names(&plan(&target(&members), &pods));

        let plan = plan(&target(&[&members[..], &[("partition", json!(partition))]].concat()), &pods);

        prop_assert_eq!(names(&plan), &every[..every.len().saturating_sub(partition)]);
        prop_assert_eq!(plan.held(Hold::Partition), partition.min(every.len()));
    }

    #[test]
    fn no_ready_pod_waits_for_budget_while_one_of_less_weight_spends_it(
        pods in world(), weights in weights(), max_unavailable in 0..6_u32,
    ) {
        let sum = |pod: &PodRecord| -> i64 {
            let terms = weights["weightPriority"].as_array().unwrap().iter();
            let matches = |term: &&Value| {
                let mut wanted = term["matchSelector"]["matchLabels"].as_object().unwrap().iter();
                wanted.all(|(key, value)| pod.labels.value(key).is_some_and(|is| *value == is))
            };
            terms.filter(matches).map(|term| term["weight"].as_i64().unwrap()).sum()
        };

        let plan = plan(&target(&[("priorityStrategy", weights.clone()), ("maxUnavailable", json!(max_unavailable))]), &pods);

        let upgraded = |pod: &&PodRecord| plan.upgrades.iter().any(|upgrade| upgrade.pod == pod.key);
        let held = |pod: &&PodRecord| plan.holds.get(&pod.key) == Some(&Hold::BudgetSpent);
        let least = pods.iter().filter(|pod| pod.is_ready()).filter(upgraded).map(sum).min().unwrap_or(i64::MAX);
        let most = pods.iter().filter(held).map(sum).max().unwrap_or(i64::MIN);
        prop_assert!(least >= most, "{least} < {most}");
    }

    #[test]
    fn scattering_is_what_its_steps_one_by_one_make_of_it(
        pods in prop::collection::vec((labels(), prop::bool::weighted(0.7)), 0..40), terms in terms(),
    ) {
        let (old, new) = (sidecar_set().build(), sidecar_set().image("agent:v2").build());
        let record = |(at, (labels, waits)): (usize, &(Labels, bool))| {
            let pod = pod(&format!("pod-{at:02}"), if *waits { &old } else { &new });
            labels.iter().fold(pod, |pod, (key, value)| pod.label(key, value)).build()
        };
        let records: Vec<PodRecord> = pods.iter().enumerate().map(record).collect();
        let waiting = (0..pods.len()).filter(|at| pods[*at].1).collect();
        let labels: Vec<Labels> = pods.iter().map(|(labels, _)| labels.clone()).collect();

        let set = target(&[("scatterStrategy", on_the_wire(&terms)), ("maxUnavailable", json!("100%"))]);

        let expected = model::scatter(&terms, &labels, waiting);
        let expected: Vec<String> = expected.iter().map(|at| format!("pod-{at:02}")).collect();
        prop_assert_eq!(names(&plan(&set, &records)), expected);
    }
}
