//! Which fields keep Pods from being upgraded in place.

use crate::build::{PodBuilder, SetBuilder, now, pod, sidecar_set, summarize_after};
use serde_json::json;
use sidecarset_core::normalize::CanonicalSet;

fn fields(set: &CanonicalSet, pods: &[PodBuilder]) -> Vec<(String, i32)> {
    let status = summarize_after(set, pods, None, now());
    status.not_upgradable_fields.into_iter().map(|blocking| (blocking.field, blocking.count)).collect()
}

fn before() -> SetBuilder {
    sidecar_set().env("LEVEL", "info")
}

#[test]
fn a_field_that_changed_with_the_image_is_named() {
    let old = before().build();
    let new = before().env("LEVEL", "debug").image("agent:v2").after(&before());

    assert_eq!(fields(&new, &[pod("a", &old), pod("b", &old)]), [("containers[agent].env".to_owned(), 2)]);
}

#[test]
fn pods_that_can_be_upgraded_name_none() {
    let old = before().build();
    let new = before().image("agent:v2").after(&before());

    assert_eq!(fields(&new, &[pod("a", &old)]), []);
}

#[test]
fn a_container_that_a_pod_lacks_is_named() {
    let set = sidecar_set().build();
    let bare = pod("a", &set).set("/spec/containers/0/name", "other");
    let new = sidecar_set().image("agent:v2").after(&sidecar_set());

    assert_eq!(fields(&new, &[bare]), [("containers[agent]".to_owned(), 1)]);
}

#[test]
fn a_definition_that_nobody_remembers_is_unknown() {
    let forgotten = before().env("LEVEL", "trace").build();
    let new = before().env("LEVEL", "debug").after(&before());

    assert_eq!(fields(&new, &[pod("a", &forgotten)]), [("unknown".to_owned(), 1)]);
}

#[test]
fn the_fields_that_keep_the_most_pods_come_first_and_no_more_than_twenty_are_told() {
    let old = before().build();
    let forgotten = before().env("LEVEL", "trace").build();
    let many: Vec<_> = (0..30).map(|at| json!({"name": format!("c{at:02}"), "image": "i"})).collect();
    let new = sidecar_set().spec("containers", many).after(&before());

    let told = fields(&new, &[pod("a", &old), pod("b", &forgotten), pod("c", &forgotten)]);

    assert_eq!(told.len(), 20);
    assert_eq!(told[..2], [("unknown".to_owned(), 2), ("containers[agent]".to_owned(), 1)]);
}
