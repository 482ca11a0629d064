//! What the sidecars of a set take from applications that run already: told when the set is written, with numbers, because with
//! the first Pod that is created anew it would be too late.

use super::{Clash, injection_of};
use crate::annotations::Seconds;
use crate::json::Document;
use crate::normalize::CanonicalSet;
use crate::record::{OwnContainer, OwnContainers, OwnKind, PodKey};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What a set would take from Pods, by what is decided about a Pod with containers like theirs.
#[derive(Debug)]
pub struct Survey<'a> {
    set: &'a Arc<CanonicalSet>,
    // Many Pods have the same containers.
    known: BTreeMap<OwnContainers, Vec<usize>>,
    found: Vec<Finding>,
}

/// Something that a set takes from Pods.
#[derive(Debug)]
struct Finding {
    path: String,
    consequence: String,
    pods: usize,
    /// The first of them.
    example: PodKey,
}

impl<'a> Survey<'a> {
    /// Begins with a set.
    #[must_use]
    pub fn of(set: &'a Arc<CanonicalSet>) -> Self {
        Self { set, known: BTreeMap::new(), found: Vec::new() }
    }

    /// Adds a Pod that the set selects.
    pub fn add(&mut self, pod: &PodKey, own: &OwnContainers) {
        let Some(findings) = self.known.get(own) else {
            let consequences = consequences(self.set, own);
            let findings =
                consequences.into_iter().map(|(path, consequence)| self.count(pod, path, consequence)).collect();
            self.known.insert(own.clone(), findings);
            return;
        };
        for finding in findings {
            self.found[*finding].pods += 1;
        }
    }

    /// Counts the first Pod of some like it, and returns which finding it is.
    fn count(&mut self, pod: &PodKey, path: String, consequence: String) -> usize {
        let known =
            self.found.iter_mut().position(|finding| finding.path == path && finding.consequence == consequence);
        match known {
            Some(at) => {
                self.found[at].pods += 1;
                at
            }
            None => {
                self.found.push(Finding { path, consequence, pods: 1, example: pod.clone() });
                self.found.len() - 1
            }
        }
    }

    /// Returns what was found, each with the field of the set.
    #[must_use]
    pub fn warnings(self) -> Vec<String> {
        let told = self.found.into_iter().map(|Finding { path, consequence, pods, example }| {
            let pods = if pods == 1 { "1 pod".to_owned() } else { format!("{pods} pods") };
            format!("{path}: {consequence} in {pods}, such as {example}")
        });
        told.collect()
    }
}

/// Returns what comes of a set in a Pod with such containers: each with its field.
fn consequences(set: &Arc<CanonicalSet>, own: &OwnContainers) -> Vec<(String, String)> {
    let pod = Document::of(&with_containers(own));
    // What cannot be injected without more of the Pod than is known here is told when it is created.
    let injected = injection_of(pod.root(), std::slice::from_ref(set), Seconds::EPOCH);
    let Ok((injection, misfits)) = injected else { return Vec::new() };
    let of_clash = |clash: Clash| (clash.path, clash.consequence);
    // Of the rules that reject a Pod only that of names depends on nothing else.
    let is_of_names = |path: &str| path.split_once("].").is_some_and(|(_, field)| field == "name");
    let names = misfits.into_iter().filter(|misfit| is_of_names(&misfit.path));
    let refused = names.map(|misfit| (misfit.path, format!("{}: it would be rejected", misfit.message)));
    injection.clashes.into_iter().map(of_clash).chain(refused).collect()
}

fn with_containers(own: &OwnContainers) -> Value {
    let list = |is_in: fn(OwnKind) -> bool| -> Vec<Value> {
        own.iter().filter(|container| is_in(container.kind)).map(|it| described(it, own.are_guaranteed())).collect()
    };
    let init = list(|kind| kind != OwnKind::Regular);
    json!({"metadata": {}, "spec": {"initContainers": init, "containers": list(|kind| kind == OwnKind::Regular)}})
}

fn described(container: OwnContainer<'_>, is_guaranteed: bool) -> Value {
    let ports = container.ports();
    let ports = ports.map(|it| json!({"name": it.name, "containerPort": it.number, "protocol": it.protocol}));
    let mut described = json!({"name": container.name, "ports": ports.collect::<Vec<_>>()});
    if container.kind == OwnKind::Native {
        described["restartPolicy"] = "Always".into();
    }
    if is_guaranteed {
        described["resources"] = json!({"limits": {"cpu": "1", "memory": "1Gi"}});
    }
    described
}
