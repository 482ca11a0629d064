//! The annotations about hot upgrades: which container of each pair is at work, and the versions of both.

use crate::sorted::SortedMap;
use sidecarset_api::markers;
use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

/// What a Pod says about its pairs of containers that are upgraded hot.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HotAnnotations {
    /// From the name of a sidecar to that of its container that is at work.
    pub working: SortedMap<Arc<str>>,
    /// From the name of a container to its version. What waits has version 0.
    pub versions: SortedMap<u64>,
}

impl HotAnnotations {
    /// Reads what a Pod says, or nothing where it has no such pair. A text that cannot be read says nothing.
    // The version of the other container of a pair (`versionalt…`) always follows, so it is not remembered.
    #[must_use]
    pub fn read(annotations: &BTreeMap<String, String>) -> Option<Self> {
        let working = serde_json::from_str(annotations.get(markers::WORKING_CONTAINER)?).unwrap_or_default();
        let from = annotations.range::<str, _>((Bound::Included(markers::VERSION_PREFIX), Bound::Unbounded));
        let versions = from.map_while(|(key, text)| Some((key.strip_prefix(markers::VERSION_PREFIX)?, text)));
        let versions = versions.filter_map(|(container, text)| Some((container.into(), text.parse().ok()?)));
        Some(Self { working, versions: versions.collect() })
    }

    /// Leaves out what is said of containers that the Pod does not have.
    pub(crate) fn retain_containers(&mut self, is_there: impl Fn(&str) -> bool) {
        let working = self.working.iter().filter(|(_, container)| is_there(container));
        self.working = working.map(|(sidecar, container)| (Arc::clone(sidecar), Arc::clone(container))).collect();
        self.versions.retain(is_there);
    }

    /// Returns the version of a container, which is 0 where none is known.
    #[must_use]
    pub fn version(&self, container: &str) -> u64 {
        self.versions.get(container).copied().unwrap_or_default()
    }

    /// Returns the text of the annotation that tells which containers are at work.
    #[must_use]
    pub fn working_text(&self) -> String {
        serde_json::to_string(&self.working).expect("strings can be written as JSON")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(annotations: &[(&str, &str)]) -> Option<HotAnnotations> {
        HotAnnotations::read(&annotations.iter().map(|(key, text)| ((*key).into(), (*text).into())).collect())
    }

    #[test]
    fn a_pod_says_which_containers_are_at_work_and_their_versions() {
        let hot = read(&[
            ("kruise.io/sidecarset-working-hotupgrade-container", r#"{"envoy":"envoy-2","mesh":"mesh-1"}"#),
            ("version.sidecarset.kruise.io/envoy-1", "0"),
            ("version.sidecarset.kruise.io/envoy-2", "5012"),
            ("versionalt.sidecarset.kruise.io/envoy-1", "5012"),
        ])
        .unwrap();

        assert_eq!(hot.working.get("envoy").map(AsRef::as_ref), Some("envoy-2"));
        assert_eq!((hot.version("envoy-2"), hot.version("envoy-1"), hot.version("mesh-1")), (5012, 0, 0));
        assert_eq!(hot.working_text(), r#"{"envoy":"envoy-2","mesh":"mesh-1"}"#);
    }

    #[test]
    fn texts_that_cannot_be_read_say_nothing() {
        let hot = read(&[
            ("kruise.io/sidecarset-working-hotupgrade-container", "envoy-2"),
            ("version.sidecarset.kruise.io/envoy-2", "x"),
        ]);

        assert_eq!(hot, Some(HotAnnotations::default()));
    }

    #[test]
    fn a_pod_without_such_containers_takes_no_memory_for_them() {
        assert_eq!(read(&[("version.sidecarset.kruise.io/envoy-1", "1")]), None);
    }
}
