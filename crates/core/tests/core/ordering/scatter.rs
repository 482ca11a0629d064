//! Pods of a label spread over the order, each example worked out by hand.

use super::{labelled, order, weighted};
use crate::build::{PodBuilder, SetBuilder, pod, sidecar_set};
use serde_json::{Value, json};

fn scattered(terms: &[(&str, &str)]) -> SetBuilder {
    scattering(sidecar_set(), terms)
}

fn scattering(set: SetBuilder, terms: &[(&str, &str)]) -> SetBuilder {
    let terms: Vec<Value> = terms.iter().map(|(key, value)| json!({"key": key, "value": value})).collect();
    set.strategy("scatterStrategy", terms)
}

/// Outdated Pods, each in the zone that its name begins with.
fn zones(names: &str) -> Vec<PodBuilder> {
    names.split(' ').map(|name| labelled(name, &[("zone", &name[..1])])).collect()
}

/// The same, updated already.
fn updated(names: &str) -> Vec<PodBuilder> {
    let new = sidecar_set().image("agent:v2").build();
    names.split(' ').map(|name| pod(name, &new).label("zone", &name[..1])).collect()
}

fn in_order(set: SetBuilder, pods: &[PodBuilder]) -> String {
    order(set, pods).join(" ")
}

#[test]
fn pods_of_a_label_alternate_with_groups_of_others_and_one_stays_behind() {
    // Without a3, 2 stand against 9: two groups of 1 and of 9/2 = 4.5, rounded to 5, which leaves 4 for the second.
    let pods = zones("a1 a2 a3 b1 b2 b3 b4 b5 b6 b7 b8 b9");

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "a1 b1 b2 b3 b4 b5 a2 b6 b7 b8 b9 a3");
}

#[test]
fn where_more_pods_of_the_label_wait_they_form_the_groups() {
    // Without a5, 4 stand against 2: two groups of 2 and 1.
    let pods = zones("a1 a2 a3 a4 a5 b1 b2");

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "a1 a2 b1 a3 a4 b2 a5");
}

#[test]
fn pods_that_do_not_fill_a_group_come_after_all_groups() {
    // Without a5, 4 stand against 3: three groups of 4/3, rounded to 1, and 1.
    let pods = zones("a1 a2 a3 a4 a5 b1 b2 b3");

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "a1 b1 a2 b2 a3 b3 a4 a5");
    // Without a4, 3 stand against 4: three groups of 1 and 4/3, rounded to 1.
    assert_eq!(in_order(scattered(&[("zone", "a")]), &zones("a1 a2 a3 a4 b1 b2 b3 b4")), "a1 b1 a2 b2 a3 b3 b4 a4");
}

#[test]
fn others_come_first_where_relatively_few_of_them_are_updated() {
    // Without a3, 2 of all stand against 9, but 1 of those that wait: one group of 1 and 9/2, rounded to 5, at the end.
    let pods = [updated("a1"), zones("a2 a3 b1 b2 b3 b4 b5 b6 b7 b8 b9")].concat();

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "b1 b2 b3 b4 a2 b5 b6 b7 b8 b9 a3");
}

#[test]
fn where_many_others_are_updated_the_waiting_pods_alone_count() {
    // Without a5, 4 of all stand against 5, which is more than 2 against 4: groups of 2 and 1.
    let pods = [updated("b3 b4 b5"), zones("a1 a2 a3 a4 a5 b1 b2")].concat();

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "a1 a2 b1 a3 a4 b2 a5");
}

#[test]
fn others_come_first_where_the_waiting_pods_make_no_whole_group() {
    // Without a7, 6 of all stand against 2: groups of 3 and 1. The 1 that waits beside a7 makes none.
    let pods = [updated("a1 a2 a3 a4 a5"), zones("a6 a7 b1 b2")].concat();

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "b1 b2 a6 a7");
}

#[test]
fn one_pod_of_a_label_or_one_other_pod_is_not_spread() {
    assert_eq!(in_order(scattered(&[("zone", "a")]), &zones("a1 b1 b2 b3")), "a1 b1 b2 b3");
    assert_eq!(in_order(scattered(&[("zone", "a")]), &zones("a1 a2 a3 b1")), "a1 a2 a3 b1");
    assert_eq!(in_order(scattered(&[("zone", "c")]), &zones("a1 a2 b1 b2")), "a1 a2 b1 b2");
}

#[test]
fn of_several_labels_the_one_with_the_most_waiting_pods_is_spread_first() {
    // By a: 2 (without a3) against 2 gives a1 b1 a2 b2 a3. By b: 1 (without b2) against 3 gives b1 a1 a2 a3 b2.
    let pods = zones("a1 a2 a3 b1 b2");

    assert_eq!(in_order(scattered(&[("zone", "a"), ("zone", "b")]), &pods), "b1 a1 a2 a3 b2");
    assert_eq!(in_order(scattered(&[("zone", "b"), ("zone", "a"), ("zone", "c")]), &pods), "b1 a1 a2 a3 b2");
}

#[test]
fn a_star_stands_for_each_value_in_its_order() {
    // By a: a1 b1 b2 b3 a2 c1 c2 c3 a3. By b: b1 a1 a2 c1 b2 c2 c3 a3 b3. By c: c1 b1 a1 a2 c2 b2 a3 b3 c3.
    let pods = zones("c1 c2 c3 b1 b2 b3 a1 a2 a3");

    assert_eq!(in_order(scattered(&[("zone", "*")]), &pods), "c1 b1 a1 a2 c2 b2 a3 b3 c3");
    // A value that is named beside it is spread once, at the place where it is named first.
    assert_eq!(in_order(scattered(&[("zone", "*"), ("zone", "a")]), &pods), "c1 b1 a1 a2 c2 b2 a3 b3 c3");
    // By b: b1 a1 a2 a3 b2 c1 c2 c3 b3. By a: a1 b1 b2 c1 a2 c2 c3 b3 a3. By c: c1 a1 b1 b2 c2 a2 b3 a3 c3.
    assert_eq!(in_order(scattered(&[("zone", "b"), ("zone", "*")]), &pods), "c1 a1 b1 b2 c2 a2 b3 a3 c3");
}

#[test]
fn pods_of_one_kind_stay_in_the_order_of_their_priority() {
    let set = scattering(weighted(&[(10, "tier", "canary")]), &[("zone", "a")]);
    let tier = [("zone", "b"), ("tier", "canary")];
    let pods = [zones("a1 a2 b1 b2"), vec![labelled("b3", &tier), labelled("a3", &[("zone", "a"), tier[1]])]].concat();

    // By priority: a3 b3 a1 a2 b1 b2. Without a2, 2 stand against 3: two groups of 1 and 3/2, rounded to 2.
    assert_eq!(in_order(set, &pods), "a3 b3 b1 a1 b2 a2");
}

#[test]
fn pods_that_cannot_be_upgraded_count_among_all_pods() {
    // Without a3, 2 of all stand against 5, but 2 of those that wait against 3: groups of 1 and 3/2, rounded to 2.
    let other = sidecar_set().env("A", "b").build();
    let stuck = ["b4", "b5"].map(|name| pod(name, &other).label("zone", "b")).to_vec();
    let pods = [stuck, zones("a1 a2 a3 b1 b2 b3")].concat();

    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "a1 b1 b2 a2 b3 a3");
    // Without a3, 4 of all stand against 3, but 2 of those that wait: 3 groups of 4/3, rounded to 1, and 1, of which
    // the waiting make 2, after the first of the others.
    let stuck = ["a4", "a5"].map(|name| pod(name, &other).label("zone", "a")).to_vec();
    let pods = [stuck, zones("a1 a2 a3 b1 b2 b3")].concat();
    assert_eq!(in_order(scattered(&[("zone", "a")]), &pods), "b1 a1 b2 a2 b3 a3");
}
