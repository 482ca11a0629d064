//! A set as it is stored: with its defaults, both spellings and its hashes.

use super::{custom_version, mirror};
use serde_json::{Value, json};
use sidecarset_api::markers;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::{defaults, normalize};
use sidecarset_core::revision::Hashes;

/// A set with everything filled in that its author left open.
#[derive(Debug)]
pub(super) struct Filled {
    set: SidecarSet,
    /// The hashes of its containers; none where the set is not valid.
    pub(super) hashes: Option<Hashes>,
}

/// Fills in what the author of a set left open.
pub(super) fn filled(mut set: SidecarSet, old: Option<&SidecarSet>) -> Filled {
    custom_version::mirror(&mut set, old);
    mirror::namespace(&mut set, old);
    let hashes = normalize(&set).ok().map(|canonical| canonical.hashes);
    set.spec = defaults::defaulted(&set.spec);
    Filled { set, hashes }
}

impl Filled {
    /// Returns the members that the stored object has to have.
    pub(super) fn into_overlay(self) -> Value {
        let mut metadata = json!({});
        if let Some(hashes) = &self.hashes {
            metadata["annotations"] = json!({
                markers::HASH: &*hashes.full,
                markers::HASH_WITHOUT_IMAGE: &*hashes.without_image,
            });
        }
        let labels = self.set.metadata.labels.unwrap_or_default();
        if let Some(version) = labels.get(markers::CUSTOM_VERSION) {
            metadata["labels"] = json!({markers::CUSTOM_VERSION: version});
        }
        json!({"metadata": metadata, "spec": self.set.spec})
    }
}
