//! Sets that are being written. The replica that was asked about one has the API server ask about its Pods, and tells the
//! others: a Pod waits for its set, whichever replica is asked about it.

use serde::{Deserialize, Serialize};
use sidecarset_api::markers::ARRIVING_PREFIX;
use sidecarset_core::registration::WebhookScope;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tracing::warn;

/// How long an annotation may be: all those of an object may have 256 KiB together.
pub(super) const LONGEST: usize = 64 * 1024;

/// A definition that is being written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Arriving {
    /// The name of the set.
    pub set: Arc<str>,
    /// The Pods that it selects.
    pub scope: WebhookScope,
}

impl Arriving {
    /// Returns how many bytes it takes in the annotation.
    pub(super) fn written_length(&self) -> usize {
        // With what stands between it and the next one.
        serde_json::to_string(self).map_or(usize::MAX, |text| text.len().saturating_add(2))
    }
}

/// Returns the annotation by which this replica tells others of these; nothing where there is nothing to tell.
pub(super) fn annotation(replica: &str, arriving: &BTreeSet<Arriving>) -> Option<BTreeMap<String, String>> {
    let text = serde_json::to_string(arriving).ok().filter(|_| !arriving.is_empty())?;
    Some(BTreeMap::from([(format!("{ARRIVING_PREFIX}{replica}"), text)]))
}

/// Returns what other replicas tell.
pub(crate) fn of_others(annotations: &BTreeMap<String, String>, replica: &str) -> BTreeSet<Arriving> {
    let told = annotations.iter().filter_map(|(key, text)| Some((key.strip_prefix(ARRIVING_PREFIX)?, text)));
    let of_others = told.filter(|(by, _)| *by != replica).flat_map(|(by, text)| read(by, text));
    of_others.collect()
}

fn read(by: &str, text: &str) -> BTreeSet<Arriving> {
    serde_json::from_str(text).unwrap_or_else(|error| {
        // One of another version may say it in another way.
        warn!(replica = by, %error, "could not read which sets another replica was asked about");
        BTreeSet::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sidecarset_core::catalog::Entry;

    fn arriving(set: &str) -> BTreeSet<Arriving> {
        let object = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": set},
            "spec": {
                "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]},
                "namespaceSelector": {"matchExpressions": [{"key": "team", "operator": "Exists"}]},
                "injectionStrategy": {"failurePolicy": "Ignore"},
                "containers": [{"name": "agent", "image": "agent:v1"}],
            },
        });
        let scope = Entry::new(&serde_json::from_value(object).unwrap()).scope().unwrap();
        [Arriving { set: set.into(), scope }].into()
    }

    #[test]
    fn what_one_replica_tells_is_what_another_one_reads() {
        let mut annotations = annotation("a", &arriving("logs")).unwrap();
        annotations.extend(annotation("b", &arriving("metrics")).unwrap());

        assert_eq!(of_others(&annotations, "b"), arriving("logs"));
        assert_eq!(of_others(&annotations, "a"), arriving("metrics"));
        assert_eq!(annotation("a", &BTreeSet::new()), None);
    }

    #[test]
    fn what_cannot_be_read_is_nothing() {
        let key = |replica: &str| format!("arriving.sidecarset.kruise.io/{replica}");
        let annotations =
            [("a", "["), ("b", "{}"), ("c", "[{\"set\": 1}]")].map(|(by, text)| (key(by), text.to_owned()));

        assert_eq!(of_others(&annotations.into(), "d"), BTreeSet::new());
    }
}
