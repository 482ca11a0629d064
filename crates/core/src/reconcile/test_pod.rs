//! The part of a Pod that is read, for the tests.

use crate::record::{ObservedPod, ObservedSpec, ObservedStatus};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;

/// What is read of a Pod.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PodLite {
    metadata: ObjectMeta,
    spec: ObservedSpec,
    status: ObservedStatus,
}

impl PodLite {
    pub fn observed(&self) -> ObservedPod<'_> {
        ObservedPod { metadata: &self.metadata, spec: &self.spec, status: &self.status }
    }
}
