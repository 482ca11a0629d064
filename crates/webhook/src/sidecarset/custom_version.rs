//! The version that an author gives a set: a label in the older spelling, a member of the spec in today's.

use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::custom_version::{in_label as label, in_spec as field};

/// Says it in both spellings. Where they differ, the one that is not as it was in `old` is the one that was meant.
pub(super) fn mirror(set: &mut SidecarSet, old: Option<&SidecarSet>) {
    let chosen = match (label(set), field(set)) {
        (Some(version), None) | (None, Some(version)) => version,
        (Some(label_now), Some(field_now)) if label_now != field_now => {
            let Some(old) = old else { return };
            match (label(old) != Some(label_now), field(old) != Some(field_now)) {
                (true, false) => label_now,
                (false, true) => field_now,
                (true, true) | (false, false) => return,
            }
        }
        (Some(_), Some(_)) | (None, None) => return,
    };
    let chosen = chosen.to_owned();
    set.metadata.labels.get_or_insert_default().insert(markers::CUSTOM_VERSION.to_owned(), chosen.clone());
    set.spec.custom_version = Some(chosen);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(label: Option<&str>, field: Option<&str>) -> SidecarSet {
        let mut set = SidecarSet::default();
        set.metadata.labels =
            label.map(|version| [(markers::CUSTOM_VERSION.to_owned(), version.to_owned())].into_iter().collect());
        set.spec.custom_version = field.map(str::to_owned);
        set
    }

    fn mirrored(mut set: SidecarSet, old: Option<&SidecarSet>) -> (Option<String>, Option<String>) {
        mirror(&mut set, old);
        (label(&set).map(str::to_owned), field(&set).map(str::to_owned))
    }

    fn both(label: &str, field: &str) -> (Option<String>, Option<String>) {
        (Some(label.to_owned()), Some(field.to_owned()))
    }

    #[test]
    fn either_spelling_gets_the_other() {
        assert_eq!(mirrored(set(Some("v1"), None), None), both("v1", "v1"));
        assert_eq!(mirrored(set(None, Some("v1")), None), both("v1", "v1"));
        assert_eq!(mirrored(set(None, None), None), (None, None));
    }

    #[test]
    fn the_spelling_that_was_not_changed_follows_the_one_that_was() {
        let old = set(Some("v1"), Some("v1"));

        assert_eq!(mirrored(set(Some("v2"), Some("v1")), Some(&old)), both("v2", "v2"));
        assert_eq!(mirrored(set(Some("v1"), Some("v2")), Some(&old)), both("v2", "v2"));
    }

    #[test]
    fn two_versions_stay_apart_where_nobody_can_say_which_was_meant() {
        let old = set(Some("v1"), Some("v1"));

        assert_eq!(mirrored(set(Some("v2"), Some("v3")), Some(&old)), both("v2", "v3"));
        assert_eq!(mirrored(set(Some("v2"), Some("v3")), None), both("v2", "v3"));
    }
}
