//! What is being written while the API server has to know of it already: SidecarSets, and labels of namespaces.

use super::arriving::{Arriving, LONGEST};
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::{WebhookScope, WebhookScopes};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// What has not come by then was not written. API servers know the labels of a namespace long before.
const LIFETIME: Duration = Duration::from_secs(60);
/// Whoever writes more sets at once, or larger ones, gets them in force when the watches show them, and not before.
const MOST_SETS: usize = 64;
/// Likewise for namespaces, each counted for every set that it comes to.
const MOST_NAMESPACES: usize = 2000;

/// What is being written.
#[derive(Debug, Default)]
pub(super) struct Pending {
    sets: Vec<PendingSet>,
    // The namespaces that are getting labels by which a scope is in them, each with the moment until which it counts.
    relabeled: BTreeMap<WebhookScope, BTreeMap<Arc<str>, Instant>>,
}

/// A definition that is being written, and that the catalog does not show yet.
#[derive(Debug)]
struct PendingSet {
    arriving: Arriving,
    // How much of what others are told it takes.
    bytes: usize,
    until: Instant,
    answered: Option<Instant>,
}

impl Pending {
    /// Adds a definition, if there is room.
    pub(super) fn add_set(&mut self, arriving: Arriving, now: Instant) -> bool {
        self.forget_late(now);
        let until = now + LIFETIME;
        if let Some(known) = self.sets.iter_mut().find(|set| set.arriving == arriving) {
            known.until = until;
            return true;
        }
        let bytes = arriving.written_length();
        let taken: usize = self.sets.iter().map(|set| set.bytes).sum();
        let has_room = self.sets.len() < MOST_SETS && taken.saturating_add(bytes) <= LONGEST;
        if has_room {
            self.sets.push(PendingSet { arriving, bytes, until, answered: None });
        }
        has_room
    }

    /// Adds a namespace that comes to these scopes, if there is room.
    pub(super) fn add_namespace(&mut self, namespace: &Arc<str>, scopes: &[WebhookScope], now: Instant) -> bool {
        self.forget_late(now);
        let present: usize = self.relabeled.values().map(BTreeMap::len).sum();
        let is_new = |scope: &&WebhookScope| {
            !self.relabeled.get(*scope).is_some_and(|namespaces| namespaces.contains_key(namespace))
        };
        let has_room = present + scopes.iter().filter(is_new).count() <= MOST_NAMESPACES;
        for scope in scopes.iter().filter(|_| has_room) {
            self.relabeled.entry(scope.clone()).or_default().insert(Arc::clone(namespace), now + LIFETIME);
        }
        has_room
    }

    /// Notes that the author of a definition was answered.
    pub(super) fn note_answer(&mut self, arriving: &Arriving, now: Instant) {
        let own = self.sets.iter_mut().filter(|set| set.arriving == *arriving);
        own.for_each(|set| set.answered = Some(now));
    }

    /// Forgets what the catalog shows.
    pub(super) fn forget_shown(&mut self, catalog: &Catalog) {
        self.sets.retain(|set| !is_shown(&set.arriving, catalog));
    }

    /// Forgets what has not come in time.
    pub(super) fn forget_late(&mut self, now: Instant) {
        self.sets.retain(|set| now < set.until);
        self.relabeled.values_mut().for_each(|namespaces| namespaces.retain(|_, until| now < *until));
        self.relabeled.retain(|_, namespaces| !namespaces.is_empty());
    }

    pub(super) fn sets(&self) -> BTreeSet<Arriving> {
        self.sets.iter().map(|set| set.arriving.clone()).collect()
    }

    /// Returns the definitions whose authors were answered, and since when.
    pub(super) fn answered(&self) -> impl Iterator<Item = (&Arriving, Instant)> {
        self.sets.iter().filter_map(|set| Some((&set.arriving, set.answered?)))
    }

    /// Returns what the API server has to know of it.
    pub(super) fn scopes(&self) -> WebhookScopes {
        let namespaces = |(scope, namespaces): (&WebhookScope, &BTreeMap<Arc<str>, Instant>)| {
            (scope.clone(), namespaces.keys().cloned().collect())
        };
        WebhookScopes {
            stored: BTreeSet::new(),
            pending: self.sets.iter().map(|set| set.arriving.scope.clone()).collect(),
            relabeled: self.relabeled.iter().map(namespaces).collect(),
        }
    }

    /// Returns when the first of them is to be forgotten.
    pub(super) fn next_expiry(&self) -> Option<Instant> {
        let namespaces = self.relabeled.values().flat_map(BTreeMap::values).copied();
        self.sets.iter().map(|set| set.until).chain(namespaces).min()
    }

    pub(super) fn has_sets(&self) -> bool {
        !self.sets.is_empty()
    }
}

pub(super) fn is_shown(arriving: &Arriving, catalog: &Catalog) -> bool {
    catalog.set(&arriving.set).and_then(Entry::scope).as_ref() == Some(&arriving.scope)
}

#[cfg(test)]
mod tests {
    use super::super::arriving::annotation;
    use super::*;
    use serde_json::json;

    fn small(set: usize) -> Arriving {
        large(&set.to_string(), 1)
    }

    /// A set whose selector has so many values of 60 bytes.
    fn large(set: &str, values: usize) -> Arriving {
        let values: Vec<_> = (0..values).map(|at| format!("{at:060}")).collect();
        let object = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": set},
            "spec": {
                "selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": values}]},
                "containers": [{"name": "agent", "image": "agent:v1"}],
            },
        });
        let scope = Entry::new(&serde_json::from_value(object).unwrap()).scope().unwrap();
        Arriving { set: set.into(), scope }
    }

    #[test]
    fn no_more_than_sixty_four_sets_are_waited_for_and_each_for_a_minute() {
        let (mut pending, now) = (Pending::default(), Instant::now());

        assert!((0..64).all(|set| pending.add_set(small(set), now)));
        assert!(!pending.add_set(small(64), now));
        assert!(pending.add_set(small(64), now + LIFETIME));

        assert_eq!(pending.sets().len(), 1);
    }

    #[test]
    fn one_that_is_written_again_takes_no_more_room() {
        let (mut pending, now) = (Pending::default(), Instant::now());

        assert!((0..100).all(|_| pending.add_set(small(0), now)));

        assert_eq!(pending.sets.len(), 1);
    }

    #[test]
    fn they_take_no_more_room_than_other_replicas_can_be_told_of() {
        let (mut pending, now) = (Pending::default(), Instant::now());

        assert!(!pending.add_set(large("too large", 1100), now));
        assert!(pending.add_set(large("half", 500), now) && pending.add_set(large("other half", 500), now));
        assert!(!pending.add_set(large("one more", 100), now));

        let told = annotation("a", &pending.sets()).unwrap();
        assert!(told.values().all(|text| text.len() <= 64 * 1024));
    }

    #[test]
    fn no_more_than_two_thousand_namespaces_are_registered_by_name_and_each_for_a_minute() {
        let (mut pending, now) = (Pending::default(), Instant::now());
        let scopes = [small(0).scope, large("other", 2).scope];
        let mut add = |namespace: usize, now| pending.add_namespace(&namespace.to_string().into(), &scopes, now);

        assert!((0..1000).all(|namespace| add(namespace, now)));
        // One that is written again takes no more room.
        assert!(!add(1000, now) && add(999, now));
        assert!(add(1000, now + LIFETIME));

        let present: Vec<usize> = pending.scopes().relabeled.values().map(BTreeSet::len).collect();
        assert_eq!(present, [1, 1]);
    }
}
