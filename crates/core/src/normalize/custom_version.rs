//! The version that an author gives a set: a label in the older spelling, a member of the spec in today's.

use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;

/// Returns the version that the label says. An empty one counts as none.
#[must_use]
pub fn in_label(set: &SidecarSet) -> Option<&str> {
    let label = set.metadata.labels.as_ref()?.get(markers::CUSTOM_VERSION)?;
    Some(label.as_str()).filter(|version| !version.is_empty())
}

/// Returns the version that the spec says. An empty one counts as none.
#[must_use]
pub fn in_spec(set: &SidecarSet) -> Option<&str> {
    set.spec.custom_version.as_deref().filter(|version| !version.is_empty())
}
