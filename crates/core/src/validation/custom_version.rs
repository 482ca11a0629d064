//! The version that an author gives a set: a label in the older spelling, a member of the spec in today's.

use super::Violations;
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;

/// Adds where the two spellings contradict each other.
pub(crate) fn check(set: &SidecarSet, violations: &mut Violations) {
    if let (Some(label), Some(field)) = (label(set), field(set))
        && label != field
    {
        violations.add(
            format!("metadata.labels[{}]", markers::CUSTOM_VERSION),
            format!("says {label:?}, but spec.customVersion says {field:?}: remove one of them"),
        );
    }
}

fn label(set: &SidecarSet) -> Option<&str> {
    let label = set.metadata.labels.as_ref()?.get(markers::CUSTOM_VERSION)?;
    Some(label.as_str()).filter(|version| !version.is_empty())
}

fn field(set: &SidecarSet) -> Option<&str> {
    set.spec.custom_version.as_deref().filter(|version| !version.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(label: &str, field: &str) -> Vec<String> {
        let mut set = SidecarSet::default();
        set.metadata.labels = Some([(markers::CUSTOM_VERSION.to_owned(), label.to_owned())].into_iter().collect());
        set.spec.custom_version = Some(field.to_owned());
        let mut violations = Violations::default();
        check(&set, &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn two_versions_are_refused_with_both_paths() {
        assert_eq!(
            violations("v2", "v3"),
            ["metadata.labels[apps.kruise.io/sidecarset-custom-version]: says \"v2\", but spec.customVersion says \
              \"v3\": remove one of them"]
        );
    }

    #[test]
    fn an_empty_version_is_none() {
        assert_eq!(violations("", "v3"), [""; 0]);
        assert_eq!(violations("v2", ""), [""; 0]);
    }
}
