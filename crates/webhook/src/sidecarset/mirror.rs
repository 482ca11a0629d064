//! The namespace of a set in both spellings: its name in the older one, a selector in today's.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetSpec};

/// Says in `spec.namespaceSelector` what `spec.namespace` says. A selector that was written by us for the old
/// namespace follows the new one; any other is left alone.
pub(super) fn namespace(set: &mut SidecarSet, old: Option<&SidecarSet>) {
    // A namespace that was taken away leaves its selector behind: without it, the set would all of a sudden select
    // the Pods of every namespace.
    let Some(name) = named(&set.spec) else { return };
    let is_ours = match &set.spec.namespace_selector {
        None => true,
        Some(selector) => old.and_then(|old| named(&old.spec)).is_some_and(|old| *selector == only(old)),
    };
    if is_ours {
        set.spec.namespace_selector = Some(only(name));
    }
}

fn named(spec: &SidecarSetSpec) -> Option<&str> {
    spec.namespace.as_deref().filter(|name| !name.is_empty())
}

fn only(name: &str) -> LabelSelector {
    let labels = [(markers::NAMESPACE_NAME.to_owned(), name.to_owned())];
    LabelSelector { match_labels: Some(labels.into_iter().collect()), ..LabelSelector::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(name: Option<&str>, selector: Option<LabelSelector>) -> SidecarSet {
        let mut set = SidecarSet::default();
        set.spec.namespace = name.map(str::to_owned);
        set.spec.namespace_selector = selector;
        set
    }

    fn mirrored(mut set: SidecarSet, old: Option<&SidecarSet>) -> Option<LabelSelector> {
        namespace(&mut set, old);
        set.spec.namespace_selector
    }

    #[test]
    fn a_namespace_gets_its_selector() {
        assert_eq!(mirrored(set(Some("shop"), None), None), Some(only("shop")));
        assert_eq!(mirrored(set(None, None), None), None);
    }

    #[test]
    fn the_selector_follows_the_namespace() {
        let old = set(Some("shop"), Some(only("shop")));

        assert_eq!(mirrored(set(Some("bank"), Some(only("shop"))), Some(&old)), Some(only("bank")));
    }

    #[test]
    fn a_selector_that_somebody_wrote_is_left_alone() {
        let old = set(Some("shop"), Some(only("shop")));

        assert_eq!(mirrored(set(Some("bank"), Some(only("mill"))), Some(&old)), Some(only("mill")));
        assert_eq!(mirrored(set(Some("bank"), Some(only("shop"))), None), Some(only("shop")));
    }

    #[test]
    fn a_namespace_that_is_taken_away_leaves_its_selector() {
        let old = set(Some("shop"), Some(only("shop")));

        assert_eq!(mirrored(set(None, Some(only("shop"))), Some(&old)), Some(only("shop")));
    }
}
