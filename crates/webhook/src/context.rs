//! What the answers are made from.

use crate::namespace::NamespaceSource;
use jiff::Timestamp;
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use std::sync::Arc;

/// What the answers are made from.
#[derive(Debug, Clone)]
pub struct Context {
    /// The SidecarSets and namespaces that there are; somebody else fills it.
    pub catalog: Arc<RwLock<Catalog>>,
    /// Where a namespace is looked up that is not there.
    pub namespaces: Arc<dyn NamespaceSource>,
    /// The clock.
    pub now: fn() -> Timestamp,
}
