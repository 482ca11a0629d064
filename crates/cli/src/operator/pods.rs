//! What the controller knows of Pods, for the webhook.

use parking_lot::RwLock;
use sidecarset_controller::KnownPods;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_webhook::PodSource;
use std::sync::Arc;

/// The Pods, and what decides which sets select them.
#[derive(Debug)]
pub(super) struct Pods {
    pub(super) known: KnownPods,
    pub(super) catalog: Arc<RwLock<Catalog>>,
}

impl PodSource for Pods {
    fn survey(&self, set: &Arc<CanonicalSet>) -> Vec<String> {
        self.known.survey(set, &self.catalog)
    }
}
