//! What a SidecarSet costs that is written.

use super::Work;
use super::reviews::among;
use crate::world::{self, NAMESPACE, catalog, namespace};
use serde_json::{Value, json};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::{defaults, normalize};
use sidecarset_core::registration::{FailurePolicy, WebhookScopes, register as decide};
use sidecarset_core::revision::hashes;
use sidecarset_core::validation::{Violations, Writing};
use std::hint::black_box;

/// Each set asks for two labels and a namespace, so that none of them shares an expression.
pub(super) fn register(sets: usize) -> Work {
    let mut catalog = catalog(0);
    for at in 0..sets {
        let mut set = world::set(at);
        set["spec"]["selector"]["matchLabels"]["team"] = format!("team-{}", at % 10).into();
        set["spec"]["namespaceSelector"] = json!({"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}});
        catalog.put_set(&parsed(set));
    }
    let scopes = WebhookScopes { stored: catalog.scopes().collect(), ..WebhookScopes::default() };
    Box::new(move || drop(black_box(decide(&scopes, catalog.surroundings(FailurePolicy::Fail)))))
}

/// The set takes the place of itself, as with every change of its status.
pub(super) fn put(sets: usize) -> Work {
    let mut catalog = among(sets);
    let set = parsed(world::set(0));
    Box::new(move || drop(black_box(catalog.put_set(&set))))
}

pub(super) fn put_namespace(sets: usize) -> Work {
    let mut catalog = among(sets);
    Box::new(move || catalog.put_namespace(NAMESPACE, namespace(NAMESPACE)))
}

pub(super) fn hash(containers: usize) -> Work {
    let set = of_containers(containers);
    Box::new(move || drop(black_box(hashes(set.spec.containers.as_deref(), None))))
}

pub(super) fn validate(containers: usize) -> Work {
    let set = of_containers(containers);
    Box::new(move || drop(black_box(normalize(&set))))
}

pub(super) fn validate_among(sets: usize) -> Work {
    let catalog = among(sets);
    let set = parsed(world::set(sets));
    Box::new(move || {
        let spec = defaults::defaulted(&set.spec);
        let canonical = normalize(&set).expect("the set is valid");
        let mut violations = Violations::default();
        Writing { set: &set, spec: &spec, canonical: &canonical, old: None }.check(&catalog, &mut violations);
        drop(black_box(violations));
    })
}

fn of_containers(containers: usize) -> SidecarSet {
    let mut set = world::set(0);
    let sidecar = set["spec"]["containers"][0].take();
    let named = |at: usize| {
        let mut sidecar = sidecar.clone();
        sidecar["name"] = format!("agent-{at}").into();
        sidecar
    };
    set["spec"]["containers"] = (0..containers).map(named).collect::<Vec<Value>>().into();
    parsed(set)
}

fn parsed(set: Value) -> SidecarSet {
    serde_json::from_value(set).expect("the set is written here")
}
