//! A sidecar, as a person reads of it.

use sidecarset_core::normalize::Sidecar;
use std::iter;

/// Returns the containers that stand in a new Pod for a sidecar, with their images: two where it is upgraded hot.
pub fn in_pod(sidecar: &Sidecar) -> impl Iterator<Item = String> {
    // The first of two is at work, the second waits.
    let images = iter::once(&sidecar.image).chain(&sidecar.empty_image);
    sidecar.names_in_pod().iter().zip(images).map(|(name, image)| format!("{name} ({image})"))
}
