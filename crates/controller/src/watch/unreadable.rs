//! The objects of a kind that cannot be read as a whole: they are named once in the log, and counted for as long as they are there.

use super::{Feed, Watched};
use kube::runtime::watcher::Event;
use sidecarset_core::chain::chain;
use std::collections::BTreeMap;
use tracing::{info, warn};

/// The objects of a kind that cannot be read as a whole, by namespace and name, each with the reason.
#[derive(Debug, Default)]
pub(super) struct UnreadableObjects {
    known: BTreeMap<String, String>,
    // While the objects are listed: those that the list has shown.
    listed: Option<BTreeMap<String, String>>,
}

impl UnreadableObjects {
    /// Takes note of what an event shows.
    pub(super) fn note<K: Watched>(&mut self, feed: Feed<'_>, event: &Event<K>) {
        match event {
            Event::Init => self.listed = Some(BTreeMap::new()),
            Event::InitApply(object) | Event::Apply(object) => {
                let fault = object.fault().map(|fault| chain(fault).to_string());
                self.put(feed, name(object), fault);
            }
            Event::Delete(object) => self.put(feed, name(object), None),
            Event::InitDone => self.known = self.listed.take().unwrap_or_default(),
        }
        feed.metrics.unreadable(feed.kind, self.known.len());
    }

    /// Takes note of an object with which the operator could not cope.
    pub(super) fn put(&mut self, feed: Feed<'_>, object: String, fault: Option<String>) {
        let kind = feed.kind.word();
        let before = match &fault {
            Some(fault) => self.known.insert(object.clone(), fault.clone()),
            None => self.known.remove(&object),
        };
        match (before, &fault) {
            (before, Some(error)) if before.as_ref() != Some(error) => {
                warn!(kind, object, error, "could not read an object");
            }
            (Some(_), None) => info!(kind, object, "an object that could not be read can be, or is gone"),
            (Some(_) | None, _) => {}
        }
        if let (Some(listed), Some(fault)) = (&mut self.listed, fault) {
            listed.insert(object, fault);
        }
        feed.metrics.unreadable(feed.kind, self.known.len());
    }
}

/// Returns the namespace and name of an object.
pub(super) fn name(object: &impl kube::Resource) -> String {
    let metadata = object.meta();
    let name = metadata.name.as_deref().unwrap_or_default();
    metadata.namespace.as_deref().map_or_else(|| name.to_owned(), |namespace| format!("{namespace}/{name}"))
}
