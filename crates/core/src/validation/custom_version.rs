//! The version that an author gives a set: a label in the older spelling, a member of the spec in today's.

use super::Violations;
use super::labels::is_label_value;
use crate::normalize::custom_version::{in_label as label, in_spec as field};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;

/// Adds where the two spellings contradict each other, and what is no value of a label: revisions are labelled with it.
pub(crate) fn check(set: &SidecarSet, violations: &mut Violations) {
    if let Some(version) = field(set).filter(|version| !is_label_value(version)) {
        violations.add("spec.customVersion", not_a_label_value(version));
    }
    if let Some(version) = label(set).filter(|version| !is_label_value(version)) {
        violations.add(label_path(), not_a_label_value(version));
    }
    if let (Some(label), Some(field)) = (label(set), field(set))
        && label != field
    {
        violations
            .add(label_path(), format!("says {label:?}, but spec.customVersion says {field:?}: remove one of them"));
    }
}

/// Returns the version, in whichever spelling it was given.
pub(crate) fn author_version(set: &SidecarSet) -> Option<&str> {
    field(set).or_else(|| label(set))
}

fn label_path() -> String {
    format!("metadata.labels[{}]", markers::CUSTOM_VERSION)
}

fn not_a_label_value(version: &str) -> String {
    format!("{version:?} is not the value of a label: at most 63 letters, digits, '-', '_' and '.'")
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
    fn a_version_that_no_revision_could_be_labelled_with_is_refused() {
        let message = "\"a b\" is not the value of a label: at most 63 letters, digits, '-', '_' and '.'";

        assert_eq!(
            violations("a b", "a b"),
            [
                format!("spec.customVersion: {message}"),
                format!("metadata.labels[apps.kruise.io/sidecarset-custom-version]: {message}"),
            ]
        );
    }

    #[test]
    fn an_empty_version_is_none() {
        assert_eq!(violations("", "v3"), [""; 0]);
        assert_eq!(violations("v2", ""), [""; 0]);
    }
}
