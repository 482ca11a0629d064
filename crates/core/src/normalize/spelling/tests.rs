//! Which of two spellings counts.

use super::Version::{V1Alpha1, V1Beta1};
use super::*;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{FieldsV1, ManagedFieldsEntry};
use serde_json::json;

/// The label and the field, or the namespace and the labels that the selector asks for.
type Said = (Option<String>, Option<String>);

fn versioned(label: Option<&str>, field: Option<&str>) -> SidecarSet {
    let mut set = SidecarSet::default();
    set.metadata.labels =
        label.map(|version| [(markers::CUSTOM_VERSION.to_owned(), version.to_owned())].into_iter().collect());
    set.spec.custom_version = field.map(str::to_owned);
    set
}

fn within(name: Option<&str>, selector: Option<LabelSelector>) -> SidecarSet {
    let mut set = SidecarSet::default();
    set.spec.namespace = name.map(str::to_owned);
    set.spec.namespace_selector = selector;
    set
}

fn of_team(team: &str) -> LabelSelector {
    let labels = [("team".to_owned(), team.to_owned())];
    LabelSelector { match_labels: Some(labels.into_iter().collect()), ..LabelSelector::default() }
}

/// Says that somebody wrote this member.
fn owning(mut set: SidecarSet, fields: Value) -> SidecarSet {
    let entry = ManagedFieldsEntry { fields_v1: Some(FieldsV1(fields)), ..ManagedFieldsEntry::default() };
    set.metadata.managed_fields.get_or_insert_default().push(entry);
    set
}

fn owning_label(set: SidecarSet) -> SidecarSet {
    owning(set, json!({"f:metadata": {"f:labels": {".": {}, "f:apps.kruise.io/sidecarset-custom-version": {}}}}))
}

fn owning_field(set: SidecarSet) -> SidecarSet {
    owning(set, json!({"f:spec": {"f:customVersion": {}}}))
}

fn version_of(set: &SidecarSet) -> Said {
    (in_label(set).map(str::to_owned), in_spec(set).map(str::to_owned))
}

fn said(label: &str, field: &str) -> Said {
    (Some(label.to_owned()), Some(field.to_owned()))
}

fn stored(mut set: SidecarSet, old: Option<&SidecarSet>, version: Version) -> Said {
    unify(&mut set, old, version);
    version_of(&set)
}

fn stored_namespace(
    mut set: SidecarSet,
    old: Option<&SidecarSet>,
    version: Version,
) -> (Option<String>, Option<LabelSelector>) {
    unify(&mut set, old, version);
    (set.spec.namespace, set.spec.namespace_selector)
}

#[test]
fn either_spelling_of_a_version_gets_the_other() {
    for version in [V1Alpha1, V1Beta1] {
        assert_eq!(stored(versioned(Some("v1"), None), None, version), said("v1", "v1"));
        assert_eq!(stored(versioned(None, Some("v1")), None, version), said("v1", "v1"));
        assert_eq!(stored(versioned(None, None), None, version), (None, None));
    }
}

#[test]
fn of_two_versions_that_of_the_request_counts() {
    let old = versioned(Some("v1"), Some("v1"));

    for old in [None, Some(&old)] {
        assert_eq!(stored(versioned(Some("v2"), Some("v3")), old, V1Alpha1), said("v2", "v2"));
        assert_eq!(stored(versioned(Some("v2"), Some("v3")), old, V1Beta1), said("v3", "v3"));
    }
}

#[test]
fn a_client_that_sends_its_own_copy_back_is_understood_however_often() {
    // Each was read when both said v0.
    let mut old = owning_field(versioned(Some("v0"), Some("v0")));
    for next in ["v1", "v2", "v2", "v0", "v3"] {
        let mut copy = owning_field(versioned(Some("v0"), Some(next)));
        unify(&mut copy, Some(&old), V1Beta1);
        assert_eq!(version_of(&copy), said(next, next));
        old = copy;
    }

    let mut old = owning_label(versioned(Some("v0"), Some("v0")));
    for next in ["v1", "v2", "v2", "v0", "v3"] {
        let mut copy = owning_label(versioned(Some(next), Some("v0")));
        unify(&mut copy, Some(&old), V1Alpha1);
        assert_eq!(version_of(&copy), said(next, next));
        old = copy;
    }
}

#[test]
fn an_author_who_says_it_in_the_spelling_of_the_other_version_only_is_followed() {
    let old = versioned(Some("v1"), Some("v1"));

    assert_eq!(stored(owning_label(versioned(Some("v2"), Some("v1"))), Some(&old), V1Beta1), said("v2", "v2"));
    assert_eq!(stored(owning_field(versioned(Some("v1"), Some("v2"))), Some(&old), V1Alpha1), said("v2", "v2"));
}

#[test]
fn a_version_that_is_taken_away_is_gone_in_both_spellings() {
    let old = versioned(Some("v1"), Some("v1"));

    assert_eq!(stored(versioned(Some("v1"), None), Some(&old), V1Beta1), (None, None));
    assert_eq!(stored(versioned(None, Some("v1")), Some(&old), V1Alpha1), (None, None));
    assert_eq!(stored(owning_label(versioned(Some("v1"), None)), Some(&old), V1Beta1), said("v1", "v1"));
}

#[test]
fn a_client_that_does_not_know_the_other_spelling_takes_nothing_away() {
    // Its types drop what the version does not have.
    let old = owning_field(versioned(Some("v1"), Some("v1")));

    assert_eq!(stored(versioned(Some("v1"), None), Some(&old), V1Alpha1), said("v1", "v1"));
}

#[test]
fn the_author_of_what_does_not_count_is_told() {
    let old = versioned(Some("v1"), Some("v1"));
    let told = |mut set: SidecarSet, version| unify(&mut set, Some(&old), version);

    assert_eq!(
        told(owning_field(versioned(Some("v3"), Some("v2"))), V1Beta1),
        ["metadata.labels[apps.kruise.io/sidecarset-custom-version]: contradicts spec.customVersion, which counts in \
             v1beta1: it is changed to match"]
    );
    assert_eq!(told(owning_field(versioned(Some("v1"), Some("v2"))), V1Beta1), [""; 0], "nobody said v1");
}

#[test]
fn a_namespace_gets_its_selector() {
    for version in [V1Alpha1, V1Beta1] {
        let stored = |set| stored_namespace(set, None, version);
        assert_eq!(stored(within(Some("shop"), None)), (Some("shop".to_owned()), Some(only("shop"))));
        assert_eq!(stored(within(None, None)), (None, None));
        assert_eq!(stored(within(None, Some(only("shop")))), (None, Some(only("shop"))));
    }
}

#[test]
fn of_a_namespace_and_a_selector_that_of_the_request_counts() {
    let old = within(Some("shop"), Some(only("shop")));

    for old in [None, Some(&old)] {
        let both = || within(Some("bank"), Some(only("mill")));
        assert_eq!(stored_namespace(both(), old, V1Alpha1), (Some("bank".to_owned()), Some(only("bank"))));
        assert_eq!(stored_namespace(both(), old, V1Beta1), (Some("mill".to_owned()), Some(only("mill"))));
    }
}

#[test]
fn a_client_that_sends_its_own_copy_back_moves_a_set_however_often() {
    let owned = |set| owning(set, json!({"f:spec": {"f:namespace": {}}}));
    let mut old = owned(within(Some("a"), Some(only("a"))));
    for next in ["b", "c", "c", "a", "d"] {
        let mut copy = owned(within(Some(next), Some(only("a"))));
        unify(&mut copy, Some(&old), V1Alpha1);
        assert_eq!((copy.spec.namespace.as_deref(), &copy.spec.namespace_selector), (Some(next), &Some(only(next))));
        old = copy;
    }
}

#[test]
fn a_namespace_alone_is_followed_in_either_version() {
    let old = within(Some("shop"), Some(only("shop")));
    let moved = || owning(within(Some("bank"), Some(only("shop"))), json!({"f:spec": {"f:namespace": {}}}));

    for version in [V1Alpha1, V1Beta1] {
        let stored = stored_namespace(moved(), Some(&old), version);
        assert_eq!(stored, (Some("bank".to_owned()), Some(only("bank"))));
    }
}

#[test]
fn a_selector_that_is_no_name_takes_the_place_of_the_namespace() {
    let old = within(Some("shop"), Some(only("shop")));
    let mut set = within(Some("shop"), Some(of_team("mill")));

    let told = unify(&mut set, Some(&old), V1Beta1);

    assert_eq!((set.spec.namespace, set.spec.namespace_selector), (None, Some(of_team("mill"))));
    assert_eq!(told, [""; 0]);
}

#[test]
fn a_namespace_that_is_taken_away_leaves_its_selector() {
    let old = within(Some("shop"), Some(only("shop")));

    for version in [V1Alpha1, V1Beta1] {
        assert_eq!(stored_namespace(within(None, Some(only("shop"))), Some(&old), version), (None, Some(only("shop"))));
    }
}
