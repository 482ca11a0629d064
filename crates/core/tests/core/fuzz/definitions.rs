//! Definitions: whole SidecarSets, and the data of ControllerRevisions.

use super::CORPUS;
use super::mutation::mutated;
use crate::build::{now, sidecar_set};
use crate::trials::trials;
use proptest::prelude::*;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection::{choose, inject};
use sidecarset_core::normalize::{CanonicalSet, defaults::defaulted, normalize};
use sidecarset_core::revision::{Revision, hashes};
use sidecarset_core::validation::{Violations, Writing, warnings};
use std::sync::Arc;

/// Holds if a set is refused with paths, or is the same set when its defaults are written down, and its hashes are
/// those of today's containers and no others.
fn set_holds(value: &Value) {
    let Ok(set) = serde_json::from_value::<SidecarSet>(value.clone()) else { return };
    let spec = defaulted(&set.spec);
    assert_eq!(defaulted(&spec), spec);
    assert_eq!(hashes(spec.containers.as_deref(), spec.init_containers.as_deref()).full.len(), 64);
    let text = serde_json::to_string(&set).unwrap();
    let written: SidecarSet = serde_json::from_str(&text).unwrap();
    assert_eq!(serde_json::to_string(&written).unwrap(), text);
    let mut catalog = Catalog::default();
    let entry = catalog.put_set(&set);
    assert_eq!(catalog.scopes().next(), entry.scope());
    match normalize(&set) {
        Ok(canonical) => valid_set_holds(&set, &canonical, &catalog),
        Err(violations) => assert!(violations.iter().all(|it| !it.path.is_empty() && !it.message.is_empty())),
    }
}

fn valid_set_holds(set: &SidecarSet, canonical: &CanonicalSet, catalog: &Catalog) {
    let filled = SidecarSet { spec: defaulted(&set.spec), ..set.clone() };
    assert_eq!(normalize(&filled).as_ref(), Ok(canonical));
    let mut violations = Violations::default();
    let spec = defaulted(&set.spec);
    let writing = Writing { set, spec: &spec, canonical, old: Some(set) };
    writing.check(catalog, &mut violations);
    assert!(warnings(writing, catalog).iter().all(|warning| !warning.is_empty()));
    // The API server makes a name up after it has asked us: a set without one is never in force.
    if canonical.name.is_empty() {
        return;
    }
    let sets = [Arc::new(canonical.clone())];
    for (_, pod) in CORPUS.values("pods") {
        super::pods::injection_holds(&pod, &sets);
    }
}

/// Holds if a revision that is some set's can be asked about, and is injected or tells why not.
fn revision_holds(value: &Value) {
    let Ok(object) = serde_json::from_value(value.clone()) else { return };
    let Some(revision) = Revision::read(&object) else { return };
    assert_eq!(revision.fingerprint().is_some(), revision.definition().is_ok());
    let pin = json!({"revision": {"revisionName": &*revision.name, "policy": "Always"}});
    let mut catalog = Catalog::default();
    catalog.put_revision(revision);
    let mut set = sidecar_set().spec("injectionStrategy", pin).source();
    set["metadata"]["uid"] = json!("uid-1");
    let set: SidecarSet = serde_json::from_value(set).unwrap();
    let mut violations = Violations::default();
    catalog.check_pin(&set, &mut violations);
    let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "main"}]}});
    // A revision of a strange name cannot be asked for.
    let Entry::Valid(pinned) = catalog.put_set(&set) else { return };
    match choose(&pod, &[pinned], |_| 0.5) {
        Ok(chosen) => drop(inject(&pod, &chosen, now())),
        Err(refusal) => assert!(!refusal.to_string().is_empty()),
    }
}

#[test]
fn the_corpus_of_sets_holds() {
    CORPUS.values("sets").iter().for_each(|(_, set)| set_holds(set));
}

#[test]
fn the_corpus_of_revisions_holds() {
    CORPUS.values("revisions").iter().for_each(|(_, revision)| revision_holds(revision));
}

proptest! {
    #![proptest_config(trials(256))]

    #[test]
    fn any_set_is_refused_or_is_the_same_with_its_defaults(set in mutated(CORPUS.values("sets"))) {
        set_holds(&set);
    }

    #[test]
    fn any_revision_is_injected_or_tells_why_not(revision in mutated(CORPUS.values("revisions"))) {
        revision_holds(&revision);
    }
}
