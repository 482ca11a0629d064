//! What the answers are made from.

use crate::confirmation::Confirmation;
use crate::freshness::Freshness;
use crate::metrics::Metrics;
use crate::namespace::NamespaceSource;
use crate::pods::PodSource;
use crate::registration::Registrar;
use crate::server::Budget;
use jiff::Timestamp;
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::Event;
use sidecarset_core::registration::FailurePolicy;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// What the answers are made from.
#[derive(Debug, Clone)]
pub struct Context {
    /// The SidecarSets and namespaces that there are; somebody else fills it.
    pub catalog: Arc<RwLock<Catalog>>,
    /// Where a namespace is looked up that is not there.
    pub namespaces: Arc<dyn NamespaceSource>,
    /// Where it is asked whether there are other SidecarSets.
    pub confirmation: Arc<Confirmation>,
    /// Who knows the Pods that there are.
    pub pods: Arc<dyn PodSource>,
    /// Who sees to it that the API server asks about the Pods of a new set.
    pub registrar: Arc<Registrar>,
    /// The policy of sets that give none.
    pub failure_policy: FailurePolicy,
    /// Where events wait to be written: what the authors of SidecarSets should know about new Pods.
    pub events: Sender<Event>,
    /// Whether the catalog is as new as what the API server knows.
    pub freshness: Freshness,
    /// How much memory all reviews together may take.
    pub budget: Arc<Budget>,
    /// Where reviews are counted.
    pub metrics: Arc<Metrics>,
    /// The clock.
    pub now: fn() -> Timestamp,
}
