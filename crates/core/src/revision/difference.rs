//! What separates a past definition of a set's containers from the present one, images apart: why a Pod with the past
//! one has to wait, and for which field.

use super::{Draft, Hashes, History, encoding, hash};
use crate::amounts::{Amounts, List};
use crate::normalize::defaults::defaulted;
use crate::sorted::SortedMap;
use serde_json::Value;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What separates two definitions of a set's containers, images apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The fields that differ, sorted, such as `containers[agent].env`.
    pub fields: Box<[Arc<str>]>,
    /// Whether a running Pod can be brought from the one to the other.
    pub extent: Extent,
}

/// How far two definitions are apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Nothing but cpu and memory of containers that keep running differs, and none of it is gone.
    Amounts,
    /// Something differs that a running Pod cannot change.
    Shape,
}

const INIT: &str = "initContainers";

/// A list of containers of a set, as far as it is compared.
struct Side<'a> {
    path: &'static str,
    containers: &'a [SidecarContainer],
}

/// Returns what separates the past definitions of a set from its present one, by their hash without images. Those
/// that are known already are not compared again.
pub(crate) fn differences(
    history: History<'_>,
    present: &Draft,
    known: &SortedMap<Difference>,
) -> SortedMap<Difference> {
    // Read only where something is to be compared: most revisions have the shape of the one before.
    let mut containers = None;
    let mut differences = BTreeMap::new();
    for revision in history.oldest_first() {
        let hashes = revision.hashes_in_force();
        let Some(Hashes { without_image, .. }) = hashes.filter(|it| !differences.contains_key(&it.without_image))
        else {
            continue;
        };
        let difference = known.get(&without_image).cloned().or_else(|| {
            let past = defaulted(&revision.definition().ok()?);
            Some(Difference::between(&past, containers.get_or_insert_with(|| present.containers())))
        });
        if let Some(difference) = difference {
            differences.insert(without_image, difference);
        }
    }
    differences.into()
}

impl Difference {
    /// Compares two specs that have their defaults.
    fn between(past: &SidecarSetSpec, present: &SidecarSetSpec) -> Self {
        let mut found = Found::default();
        for (past, present) in Side::of(past).iter().zip(&Side::of(present)) {
            found.compare(past, present);
        }
        let extent = if found.is_shape { Extent::Shape } else { Extent::Amounts };
        Self { fields: found.fields.into_iter().map(Arc::from).collect(), extent }
    }
}

impl<'a> Side<'a> {
    /// Returns what the hashes are made of: init containers count once one of them keeps running.
    fn of(spec: &'a SidecarSetSpec) -> [Self; 2] {
        let init = hash::counted(spec.init_containers.as_deref()).unwrap_or_default();
        [
            Self { path: "containers", containers: spec.containers.as_deref().unwrap_or_default() },
            Self { path: INIT, containers: init },
        ]
    }

    fn names(&self) -> Vec<&'a str> {
        self.containers.iter().map(name).collect()
    }

    fn named(&self, wanted: &str) -> Option<&'a SidecarContainer> {
        self.containers.iter().find(|container| name(container) == wanted)
    }
}

/// What was found so far.
#[derive(Default)]
struct Found {
    fields: BTreeSet<String>,
    is_shape: bool,
}

impl Found {
    fn compare(&mut self, past: &Side<'_>, present: &Side<'_>) {
        let names: BTreeSet<&str> = past.names().into_iter().chain(present.names()).collect();
        let mut is_same_list = true;
        for name in names {
            let path = format!("{}[{name}]", present.path);
            match (past.named(name), present.named(name)) {
                (Some(past), Some(present)) => self.compare_containers(&path, past, present),
                (None, _) | (_, None) => {
                    is_same_list = false;
                    self.shape(path);
                }
            }
        }
        if is_same_list && past.names() != present.names() {
            self.shape(present.path.to_owned());
        }
    }

    fn compare_containers(&mut self, path: &str, past: &SidecarContainer, present: &SidecarContainer) {
        let (before, after) = (encoding::encoded_members(past), encoding::encoded_members(present));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for member in names.into_iter().filter(|member| before.get(*member) != after.get(*member)) {
            match member.as_str() {
                "image" => {}
                "resources" => self.compare_resources(path, past, present),
                _ => self.shape(format!("{path}.{member}")),
            }
        }
    }

    fn compare_resources(&mut self, path: &str, past: &SidecarContainer, present: &SidecarContainer) {
        let keeps_running = !path.starts_with(INIT) || hash::is_native_sidecar(present);
        let (before, after) = (leaves(past), leaves(present));
        let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        for leaf in names.into_iter().filter(|leaf| before.get(*leaf) != after.get(*leaf)) {
            self.fields.insert(format!("{path}.resources.{leaf}"));
            self.is_shape |= !RESIZABLE.contains(&leaf.as_str()) || !keeps_running;
        }
        let amounts = |container| Amounts::read(resources(container)).in_pod();
        // The API server takes other amounts, but not that there is none any more.
        self.is_shape |= !amounts(past).are_all_given_by(&amounts(present));
    }

    fn shape(&mut self, field: String) {
        self.fields.insert(field);
        self.is_shape = true;
    }
}

/// The members of `resources` that the API server lets a running Pod change.
const RESIZABLE: [&str; 4] = ["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];

/// Returns the members of a container's resources, those of its two lists one by one.
fn leaves(container: &SidecarContainer) -> BTreeMap<String, String> {
    let mut leaves = BTreeMap::new();
    for (member, value) in resources(container).as_object().into_iter().flatten() {
        match value.as_object().filter(|_| List::ALL.iter().any(|list| list.name() == member)) {
            Some(amounts) => {
                leaves.extend(amounts.iter().map(|(key, amount)| (format!("{member}.{key}"), amount.to_string())));
            }
            None => {
                leaves.insert(member.clone(), value.to_string());
            }
        }
    }
    leaves
}

fn resources(container: &SidecarContainer) -> &Value {
    container.container.get("resources").unwrap_or(&Value::Null)
}

fn name(container: &SidecarContainer) -> &str {
    container.container.get("name").and_then(Value::as_str).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::defaults::defaulted;
    use serde_json::json;

    fn spec(spec: Value) -> SidecarSetSpec {
        defaulted(&serde_json::from_value(spec).unwrap())
    }

    fn agent(change: impl FnOnce(&mut Value)) -> SidecarSetSpec {
        let mut agent = json!({
            "name": "agent", "image": "agent:v1", "resources": {"limits": {"cpu": "1"}, "requests": {"memory": "64Mi"}},
        });
        change(&mut agent);
        spec(json!({"containers": [agent]}))
    }

    fn fields(difference: &Difference) -> Vec<&str> {
        difference.fields.iter().map(AsRef::as_ref).collect()
    }

    #[test]
    fn an_image_is_no_difference() {
        let difference = Difference::between(&agent(|_| {}), &agent(|agent| agent["image"] = "agent:v2".into()));

        assert_eq!(fields(&difference), Vec::<&str>::new());
        assert_eq!(difference.extent, Extent::Amounts);
    }

    #[test]
    fn each_field_that_differs_is_named() {
        let present = agent(|agent| {
            agent["env"] = json!([{"name": "A", "value": "1"}]);
            agent["newField"] = true.into();
            agent["podInjectPolicy"] = "AfterAppContainer".into();
        });

        let difference = Difference::between(&agent(|_| {}), &present);

        assert_eq!(
            fields(&difference),
            ["containers[agent].env", "containers[agent].newField", "containers[agent].podInjectPolicy"]
        );
        assert_eq!(difference.extent, Extent::Shape);
    }

    #[test]
    fn cpu_and_memory_can_be_changed_in_a_running_pod() {
        let present = agent(|agent| agent["resources"]["limits"]["cpu"] = "2".into());

        let difference = Difference::between(&agent(|_| {}), &present);

        assert_eq!(fields(&difference), ["containers[agent].resources.limits.cpu"]);
        assert_eq!(difference.extent, Extent::Amounts);
    }

    #[test]
    fn amounts_that_are_no_longer_given_wait_for_a_new_pod() {
        let present = agent(|agent| agent["resources"] = json!({"requests": {"memory": "64Mi"}}));

        let difference = Difference::between(&agent(|_| {}), &present);

        assert_eq!(fields(&difference), ["containers[agent].resources.limits.cpu"]);
        assert_eq!(difference.extent, Extent::Shape);
    }

    #[test]
    fn a_request_that_still_follows_from_the_limit_is_not_gone() {
        let both = agent(|agent| agent["resources"]["requests"]["cpu"] = "1".into());
        let limit = agent(|agent| agent["resources"]["limits"]["cpu"] = "2".into());

        assert_eq!(Difference::between(&both, &limit).extent, Extent::Amounts);
    }

    #[test]
    fn other_resources_wait_for_a_new_pod() {
        let present = agent(|agent| agent["resources"]["limits"]["ephemeral-storage"] = "1Gi".into());

        let difference = Difference::between(&agent(|_| {}), &present);

        assert_eq!(fields(&difference), ["containers[agent].resources.limits.ephemeral-storage"]);
        assert_eq!(difference.extent, Extent::Shape);
    }

    #[test]
    fn containers_that_come_and_go_are_named_and_so_is_another_order() {
        let two = |one: &str, other: &str| {
            spec(json!({"containers": [{"name": one, "image": "i"}, {"name": other, "image": "i"}]}))
        };

        let renamed = Difference::between(&two("a", "b"), &two("a", "c"));
        let reordered = Difference::between(&two("a", "b"), &two("b", "a"));

        assert_eq!(fields(&renamed), ["containers[b]", "containers[c]"]);
        assert_eq!(fields(&reordered), ["containers"]);
        assert_eq!((renamed.extent, reordered.extent), (Extent::Shape, Extent::Shape));
    }

    #[test]
    fn init_containers_count_as_in_the_hashes() {
        let with = |policy: Value, cpu: &str| {
            let setup = json!({"name": "setup", "image": "i", "resources": {"limits": {"cpu": cpu}}});
            let mesh =
                json!({"name": "mesh", "image": "i", "restartPolicy": policy, "resources": {"limits": {"cpu": cpu}}});
            spec(json!({"initContainers": [setup, mesh]}))
        };

        let ordinary = Difference::between(&with(Value::Null, "1"), &with(Value::Null, "2"));
        let native = Difference::between(&with("Always".into(), "1"), &with("Always".into(), "2"));

        assert_eq!(fields(&ordinary), Vec::<&str>::new());
        assert_eq!(
            fields(&native),
            ["initContainers[mesh].resources.limits.cpu", "initContainers[setup].resources.limits.cpu"]
        );
        assert_eq!(native.extent, Extent::Shape, "what has ended cannot be resized");
    }
}
