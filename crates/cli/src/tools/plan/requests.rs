//! How much more cpu and memory the sidecars ask for.

use crate::tools::snapshot::{SeenPod, Snapshot};
use serde::Serialize;
use serde_json::Value;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::injection;
use sidecarset_core::quantity::{Format, Quantity};
use std::collections::{BTreeMap, BTreeSet};

/// How much cpu and memory is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Requests {
    cpu_millis: i128,
    memory_millis: i128,
}

/// How much more is asked for once every Pod has the sidecars, in all and by node.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Added {
    pub total: BTreeMap<&'static str, String>,
    pub nodes: BTreeMap<String, BTreeMap<&'static str, String>>,
}

/// Adds up what the sidecars of a set ask for in Pods that lack them.
pub fn added(snapshot: &Snapshot, set: &str, missing: &[&SeenPod], now: Seconds) -> Added {
    let (mut total, mut nodes) = (Requests::default(), BTreeMap::<String, Requests>::new());
    for pod in missing {
        let more = in_pod(snapshot, set, pod, now).unwrap_or_default();
        total.add(more);
        let node = pod.node.clone().unwrap_or_else(|| "<none>".to_owned());
        nodes.entry(node).or_default().add(more);
    }
    nodes.retain(|_, more| *more != Requests::default());
    Added { total: total.told(), nodes: nodes.into_iter().map(|(node, more)| (node, more.told())).collect() }
}

/// Returns what the sidecars of a set would ask for in a Pod.
fn in_pod(snapshot: &Snapshot, set: &str, pod: &SeenPod, now: Seconds) -> Option<Requests> {
    let object = pod.object.as_ref()?;
    let labels = snapshot.catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
    let selection = snapshot.catalog.select(&pod.labels, labels);
    let injection = injection::decide(object, &selection, |_| 0.0, now).ok()?;
    let mut after = object.clone();
    json_patch::patch(&mut after, &injection.patch.operations()).ok()?;
    let set = snapshot.canonical(set)?;
    let ours: BTreeSet<&str> = set.names_in_pod.iter().map(|name| &**name).collect();
    let list = |name: &str| after["spec"][name].as_array().into_iter().flatten();
    let mut requests = Requests::default();
    for container in list("containers").chain(list("initContainers")) {
        if container["name"].as_str().is_some_and(|name| ours.contains(name)) {
            requests.add(Requests::of(&container["resources"]));
        }
    }
    Some(requests)
}

impl Requests {
    // As the API server does: what is limited and not asked for is asked for as far as the limit.
    fn of(resources: &Value) -> Self {
        let amount = |resource: &str| {
            let lists = ["requests", "limits"].into_iter();
            let amount = lists.map(|list| &resources[list][resource]).find(|amount| !amount.is_null());
            amount.and_then(|amount| Quantity::from_json(amount).ok()).map_or(0, |amount| amount.millis())
        };
        Self { cpu_millis: amount("cpu"), memory_millis: amount("memory") }
    }

    fn add(&mut self, more: Self) {
        self.cpu_millis += more.cpu_millis;
        self.memory_millis += more.memory_millis;
    }

    fn told(self) -> BTreeMap<&'static str, String> {
        let text = |millis, format| Quantity::from_millis(millis, format).canonical();
        let all = [("cpu", self.cpu_millis, Format::DecimalSi), ("memory", self.memory_millis, Format::BinarySi)];
        let some = all.into_iter().filter(|(_, millis, _)| *millis != 0);
        some.map(|(resource, millis, format)| (resource, text(millis, format))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_is_only_limited_is_asked_for_as_well() {
        let mut requests =
            Requests::of(&json!({"limits": {"cpu": "1", "memory": "64Mi"}, "requests": {"cpu": "100m"}}));
        requests.add(Requests::of(&json!({"requests": {"cpu": "50m", "memory": "64Mi"}})));

        assert_eq!(requests.told(), [("cpu", "150m".to_owned()), ("memory", "128Mi".to_owned())].into());
    }
}
