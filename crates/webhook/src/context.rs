//! What the answers are made from.

use crate::metrics::Metrics;
use crate::namespace::NamespaceSource;
use crate::permissions::Permissions;
use crate::registration::Registrar;
use jiff::Timestamp;
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::Event;
use std::sync::Arc;
use tokio::sync::mpsc::Sender;

/// What the answers are made from.
#[derive(Debug, Clone)]
pub struct Context {
    /// The SidecarSets and namespaces that there are; somebody else fills it.
    pub catalog: Arc<RwLock<Catalog>>,
    /// Where a namespace is looked up that is not there.
    pub namespaces: Arc<dyn NamespaceSource>,
    /// What the administrators of the cluster allow; kept up to date by [`crate::run`].
    pub permissions: Arc<Permissions>,
    /// Who sees to it that the API server asks about the Pods of a new set.
    pub registrar: Arc<Registrar>,
    /// Where events wait to be written: what the authors of SidecarSets should know about new Pods.
    pub events: Sender<Event>,
    /// Where reviews are counted.
    pub metrics: Arc<Metrics>,
    /// The clock.
    pub now: fn() -> Timestamp,
}
