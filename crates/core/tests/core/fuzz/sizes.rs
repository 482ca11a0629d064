//! The largest that the API server lets through, and texts that are made to be slow.

use super::pods::injection_holds;
use crate::build::{now, sidecar_set};
use serde_json::{Value, json};
use sidecarset_core::expression::{Expression, ParseExpressionError, Resource};
use sidecarset_core::injection::inject;
use sidecarset_core::normalize::{CanonicalSet, ContainerNames, ParseContainerNamesError};
use sidecarset_core::quantity::Quantity;
use sidecarset_core::record::{Interner, ObservedPod, PodRecord};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

/// The largest request that an API server takes.
const LARGEST: usize = 3 * 1024 * 1024;

/// Fails where something does not end.
// No measure of speed, which would depend on the machine: each of these takes seconds of a processor in a debug build, of
// which a busy machine may make a minute, and what is quadratic in three megabytes takes hours.
fn ends<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = mpsc::channel();
    thread::spawn(move || done.send(work()));
    result.recv_timeout(Duration::from_secs(180)).expect("it ends within 180 s, without a panic")
}

fn sets(container: &Value) -> [Arc<CanonicalSet>; 1] {
    [Arc::new(sidecar_set().spec("containers", json!([container])).build())]
}

/// A set that asks about everything that a Pod has.
fn curious() -> [Arc<CanonicalSet>; 1] {
    sets(&json!({
        "name": "agent", "image": "agent:v1",
        "shareVolumePolicy": {"type": "enabled"}, "shareVolumeDevicePolicy": {"type": "enabled"},
        "transferEnv": [{"sourceContainerName": "c0", "envNames": ["V0", "V1", "MISSING"]}],
        "resourcesPolicy": {
            "targetContainersMode": "sum", "targetContainersNameRegex": "^c.*",
            "resourcesExpr": {"limits": {"cpu": "cpu*50%"}, "requests": {"memory": "memory/2"}},
        },
    }))
}

fn pod(containers: &[Value]) -> Value {
    json!({"metadata": {"name": "p"}, "spec": {"containers": containers}})
}

fn many(count: usize, item: impl Fn(usize) -> Value) -> Vec<Value> {
    (0..count).map(item).collect()
}

/// Returns how large the patch is.
fn injected(pod: &Value, sets: &[Arc<CanonicalSet>]) -> usize {
    inject(pod, sets, now()).unwrap().patch.as_str().len()
}

#[test]
fn a_thousand_containers_are_injected_into_like_one() {
    let container = |at| json!({"name": format!("c{at}"), "resources": {"limits": {"cpu": "10m"}}});

    let size = ends(move || injected(&pod(&many(1000, container)), &curious()));

    assert!(size < 2000, "{size}");
}

#[test]
fn a_hundred_thousand_mounts_are_shared_in_one_pass() {
    let mounts = many(100_000, |at| json!({"name": "v", "mountPath": format!("/{at}")}));

    let size = ends(move || injected(&pod(&[json!({"name": "c0", "volumeMounts": mounts})]), &curious()));

    assert!(size < 2 * LARGEST, "{size}");
}

#[test]
fn a_hundred_thousand_variables_of_mounts_are_shared_in_one_pass() {
    let mounts = many(50_000, |at| json!({"name": "v", "mountPath": "/a", "subPathExpr": format!("$(V{at})")}));
    let env = many(50_000, |at| json!({"name": format!("V{at}"), "value": "a"}));

    let size = ends(move || injected(&pod(&[json!({"name": "c0", "volumeMounts": mounts, "env": env})]), &curious()));

    assert!(size < LARGEST, "{size}");
}

#[test]
fn three_megabytes_of_one_variable_are_it_once() {
    let expression = "$(V0)".repeat(LARGEST / 5);
    let env = many(1000, |at| json!({"name": format!("W{at}")})).into_iter().chain([json!({"name": "V0"})]);
    let container = json!({
        "name": "c0", "env": env.collect::<Vec<_>>(), "volumeMounts": [{"mountPath": "/a", "subPathExpr": expression}],
    });

    let size = ends(move || injected(&pod(&[container]), &curious()));

    // The mount itself is shared.
    assert!(size < LARGEST + 2000, "{size}");
}

#[test]
fn a_long_name_of_a_variable_is_not_read_for_each_that_is_asked_for() {
    // The second is written as six bytes each.
    for long in ["V".repeat(LARGEST / 2), "\u{1}".repeat(LARGEST / 12)] {
        let expression = "$(V0)".repeat(LARGEST / 10);
        let env = [json!({"name": long}), json!({"name": "V0", "value": "1"})];
        let container =
            json!({"name": "c0", "env": env, "volumeMounts": [{"mountPath": "/a", "subPathExpr": expression}]});

        let size = ends(move || injected(&pod(&[container]), &curious()));

        assert!(size < LARGEST, "{size}");
    }
}

#[test]
fn long_names_and_paths_are_not_read_for_each_that_is_compared() {
    let text = |at: usize| match at % 1_000 {
        0 => format!("/{at}{}", "\u{1}".repeat(3_000)),
        _ => format!("/{at}"),
    };
    let mounts = many(30_000, |at| json!({"name": "v", "mountPath": text(at)}));
    let env = many(30_000, |at| json!({"name": text(at)}));
    let own = json!({"name": "c0", "volumeMounts": mounts, "env": env});
    let named = many(30_000, |at| json!({"name": text(at)}));
    let containers: Vec<_> = std::iter::once(own).chain(named).collect();

    let size = ends(move || injected(&pod(&containers), &curious()));

    assert!(size < 2 * LARGEST, "{size}");
}

#[test]
fn a_name_of_three_megabytes_is_no_name_of_a_container() {
    // Ambiguous in every letter, so that it has to be followed in all of its thousands of states.
    let hostile = format!("(a|b)*a{}c", "(a|b)".repeat(400));
    let name = "ab".repeat(LARGEST / 2);

    let matches = ends(move || ContainerNames::parse(&hostile).unwrap().matches(&name));

    assert!(!matches);
}

#[test]
fn ten_thousand_annotations_and_a_hundred_thousand_labels_stay() {
    let members = |count| Value::from_iter((0..count).map(|at| (format!("k{at}"), Value::from("v"))));
    let mut pod = pod(&[json!({"name": "c0"})]);
    pod["metadata"]["annotations"] = members(10_000);
    pod["metadata"]["labels"] = members(100_000);

    let size = ends(move || {
        injection_holds(&pod, &curious());
        injected(&pod, &curious())
    });

    assert!(size < 2000, "{size}");
}

#[test]
fn three_megabytes_of_injected_sets_are_read() {
    let names = (0..LARGEST / 8).map(|at| format!("s{at:06},")).collect::<String>();
    let mut pod = pod(&[json!({"name": "c0"})]);
    pod["metadata"]["annotations"] = json!({"kruise.io/sidecarset-injected-list": names});

    let record = ends(move || {
        let metadata = serde_json::from_value(pod["metadata"].clone()).unwrap();
        let spec = serde_json::from_value(pod["spec"].clone()).unwrap();
        let observed = ObservedPod { metadata: &metadata, spec: &spec, status: &serde_json::from_str("{}").unwrap() };
        PodRecord::read(observed, &mut Interner::default()).unwrap().injected().count()
    });

    assert_eq!(record, LARGEST / 8);
}

#[test]
fn a_pod_that_is_nested_deep_is_kept() {
    // The deepest that is read from a text at all is 128.
    let deep = |levels| (0..levels).fold(Value::Null, |value, _| json!([value]));
    let mut pod = pod(&[json!({"name": "c0", "ofTheFuture": deep(120)})]);
    pod["spec"]["ofTheFuture"] = deep(120);

    let size = ends(move || {
        injection_holds(&pod, &curious());
        injected(&pod, &curious())
    });

    assert!(size < 2000, "{size}");
}

#[test]
fn a_megabyte_is_no_expression() {
    for text in ["cpu+".repeat(1 << 18), "(".repeat(1 << 20), "1".repeat(1 << 20)] {
        assert_eq!(ends(move || Expression::parse(&text, Resource::Cpu)), Err(ParseExpressionError::TooLong));
    }
}

#[test]
fn three_megabytes_are_no_quantity_unless_they_are_zeros() {
    for (text, is_read) in [("9", false), ("0", true), ("e", false), ("-", false)] {
        let text = text.repeat(LARGEST);

        assert_eq!(ends(move || Quantity::parse(&text).map(|it| it.canonical()).is_ok()), is_read);
    }
    let fraction = format!("0.{}1", "0".repeat(LARGEST));
    assert_eq!(ends(move || Quantity::parse(&fraction).unwrap().canonical()), "1n");
}

#[test]
fn regular_expressions_that_are_made_to_be_large_are_refused() {
    let texts = [
        "(.*){1000}".repeat(1000),
        "((((a{100}){100}){100}){100}){100}".to_owned(),
        "(?i)[a-z]{9999}".repeat(100),
        "(".repeat(LARGEST),
        "[".repeat(LARGEST),
        "a|".repeat(LARGEST / 2),
        "[a-b]".repeat(LARGEST / 5),
    ];
    for text in texts {
        assert_eq!(ends(move || ContainerNames::parse(&text)).unwrap_err(), ParseContainerNamesError::TooLarge);
    }
}

#[test]
fn thirty_thousand_empty_containers_are_refused_in_a_bounded_text() {
    let containers = many(30_000, |_| json!({}));

    let violations = ends(move || sidecar_set().spec("containers", containers).violations());

    assert_eq!(violations.len(), 100);
}

#[test]
fn a_set_of_a_thousand_containers_is_injected() {
    let container = |at| json!({"name": format!("s{at}"), "image": "i", "shareVolumePolicy": {"type": "enabled"}});

    let size = ends(move || {
        let sets = [Arc::new(sidecar_set().spec("containers", many(1000, container)).build())];
        injected(&pod(&[json!({"name": "c0", "volumeMounts": [{"name": "v", "mountPath": "/a"}]})]), &sets)
    });

    assert!(size < 1_000_000, "{size}");
}
