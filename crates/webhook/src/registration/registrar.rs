//! What the API server has to know of: the sets of the catalog, and what is just being written.

use super::Arriving;
use super::pending::{Pending, is_shown};
use parking_lot::{Mutex, RwLock};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::json::Json;
use sidecarset_core::registration::{Coverage, FailurePolicy, Relabeling, WebhookScope, WebhookScopes};
use sidecarset_core::selection::Labels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// API servers learn of a registration by a watch.
pub(crate) const SETTLE: Duration = Duration::from_millis(200);
/// How long the author of a set, or of the labels of a namespace, waits for the registration, at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long Pods wait for a set to come after its review was answered: the watch brings it in a few milliseconds.
const ARRIVAL: Duration = Duration::from_secs(1);

/// Knows what the API server has to know of, and what it knows of.
#[derive(Debug)]
pub struct Registrar {
    selection: watch::Receiver<u64>,
    pending: Mutex<Pending>,
    others: Mutex<Others>,
    is_new: Notify,
    // None until the API server was told of anything.
    in_force: watch::Sender<Option<Registered>>,
}

/// What other replicas were asked about.
#[derive(Debug, Default)]
struct Others {
    known: BTreeSet<Arriving>,
    // Until when Pods wait for each.
    awaited: Vec<(Arriving, Instant)>,
}

/// What the API server was told of, each with the moment since when it was.
#[derive(Debug, Clone, Default)]
pub(crate) struct Registered {
    scopes: BTreeMap<WebhookScope, (Coverage, Instant)>,
    relabeled: BTreeMap<WebhookScope, BTreeMap<Arc<str>, Instant>>,
}

impl Registrar {
    /// Returns one that knows of nothing. `selection` tells when the catalog selects other Pods than before.
    #[must_use]
    pub fn new(selection: watch::Receiver<u64>) -> Self {
        Self {
            selection,
            pending: Mutex::default(),
            others: Mutex::default(),
            is_new: Notify::new(),
            in_force: watch::Sender::new(None),
        }
    }

    /// Has the API server told of a definition that is about to be written, and waits until it knows, but not longer
    /// than 2 seconds: it calls for the Pods that are created right after the set.
    pub(crate) async fn cover(&self, set: &str, scope: WebhookScope) {
        let arriving = Arriving { set: set.into(), scope };
        // While we are not registered nobody asks us.
        if self.in_force.borrow().is_none() || !self.pending.lock().add_set(arriving.clone(), Instant::now()) {
            return;
        }
        self.is_new.notify_one();
        // Where that takes longer the set is written nevertheless: its condition tells when it is in force.
        let _ = timeout(PATIENCE, self.until_settled(|registered| registered.since(&arriving.scope))).await;
        self.pending.lock().note_answer(&arriving, Instant::now());
    }

    /// Has the API server told that a namespace is about to get labels by which sets select it, and waits until it knows: it
    /// calls for the Pods that are created right after the labels are there. It learns of labels a little later than it answers
    /// whoever writes them.
    pub(crate) async fn cover_namespace(
        &self,
        namespace: &str,
        labels: [Json<'_>; 2],
        catalog: &RwLock<Catalog>,
        failure_policy: FailurePolicy,
    ) {
        if self.in_force.borrow().is_none() {
            return;
        }
        let scopes: Vec<WebhookScope> = {
            let catalog = catalog.read();
            let around = catalog.surroundings(failure_policy);
            let arriving = self.arriving().into_iter().map(|arriving| arriving.scope);
            let mut scopes: Vec<WebhookScope> = catalog.scopes().chain(arriving).collect();
            let relabeling = Relabeling::read(namespace, labels, &scopes);
            scopes.retain(|scope| relabeling.adds_to(scope, around));
            scopes
        };
        let namespace: &Arc<str> = &namespace.into();
        if scopes.is_empty() || !self.pending.lock().add_namespace(namespace, &scopes, Instant::now()) {
            return;
        }
        self.is_new.notify_one();
        let since = |registered: &Registered| {
            let each = scopes.iter().map(|scope| registered.relabeled.get(scope)?.get(namespace).copied());
            each.collect::<Option<Vec<Instant>>>()?.into_iter().max()
        };
        let _ = timeout(PATIENCE, self.until_settled(since)).await;
    }

    /// Waits until the catalog shows the sets that were allowed a moment ago and select a Pod with these labels.
    pub(crate) async fn until_arrived(&self, pod: &impl Labels, catalog: &RwLock<Catalog>) {
        // Nearly always.
        if self.is_quiet() {
            return;
        }
        let mut selection = self.selection.clone();
        let latest = Instant::now() + ARRIVAL;
        loop {
            selection.mark_unchanged();
            let Some(until) = self.arrival(pod, catalog).filter(|_| Instant::now() < latest) else { return };
            tokio::select! {
                () = sleep_until(until.min(latest)) => {}
                changed = selection.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Returns what the API server has to know of. What the catalog shows, or what did not come in time, is forgotten.
    pub(crate) fn wanted(&self, catalog: &Catalog) -> WebhookScopes {
        self.pending.lock().forget_shown(catalog);
        WebhookScopes { stored: catalog.scopes().collect(), ..self.pending() }
    }

    /// Returns what this replica was asked about a moment ago.
    pub(crate) fn pending(&self) -> WebhookScopes {
        let mut pending = self.pending.lock();
        pending.forget_late(Instant::now());
        pending.scopes()
    }

    /// Returns the definitions about which this replica was asked a moment ago.
    pub(crate) fn arriving(&self) -> BTreeSet<Arriving> {
        let mut pending = self.pending.lock();
        pending.forget_late(Instant::now());
        pending.sets()
    }

    /// Takes in what other replicas were asked about. They answer within a while, and then it is written.
    pub(crate) fn others_arrive(&self, arriving: BTreeSet<Arriving>) {
        let until = Instant::now() + PATIENCE + ARRIVAL;
        let mut others = self.others.lock();
        let new: Vec<_> = arriving.difference(&others.known).map(|arriving| (arriving.clone(), until)).collect();
        others.awaited.extend(new);
        others.known = arriving;
    }

    /// Notes that the API server was told of these, and of no others.
    pub(crate) fn told(
        &self,
        coverage: BTreeMap<WebhookScope, Coverage>,
        relabeled: &BTreeMap<WebhookScope, BTreeSet<Arc<str>>>,
    ) {
        let now = Instant::now();
        self.in_force.send_modify(|registered| {
            let before = registered.take().unwrap_or_default();
            let scopes = coverage.into_iter().map(|(scope, coverage)| {
                let since = before.since(&scope).unwrap_or(now);
                (scope, (coverage, since))
            });
            let relabeled = relabeled.iter().map(|(scope, namespaces)| {
                let before = before.relabeled.get(scope);
                let since = |namespace| before.and_then(|before| before.get(namespace)).copied().unwrap_or(now);
                let namespaces = namespaces.iter().map(|namespace| (Arc::clone(namespace), since(namespace)));
                (scope.clone(), namespaces.collect())
            });
            *registered = Some(Registered { scopes: scopes.collect(), relabeled: relabeled.collect() });
        });
    }

    /// Says whether the API server knows of a scope.
    pub(crate) fn is_registered(&self, scope: &WebhookScope) -> bool {
        let registered = self.in_force.borrow();
        let coverage = registered.as_ref().and_then(|registered| registered.scopes.get(scope));
        coverage.is_some_and(|(coverage, _)| matches!(coverage, Coverage::Exact | Coverage::Wide))
    }

    /// Waits until something is being written that was not before. One caller at a time.
    pub(crate) async fn has_pending(&self) {
        self.is_new.notified().await;
    }

    /// Waits until the first of what is being written is to be forgotten.
    pub(crate) async fn pending_expires(&self) {
        let first = self.pending.lock().next_expiry();
        match first {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// Returns what the API server is told, each time that it changes.
    pub(crate) fn in_force(&self) -> watch::Receiver<Option<Registered>> {
        self.in_force.subscribe()
    }

    async fn until_settled(&self, since: impl Fn(&Registered) -> Option<Instant>) {
        let mut in_force = self.in_force.subscribe();
        let since = |registered: &Option<Registered>| since(registered.as_ref()?);
        let told = in_force.wait_for(|registered| since(registered).is_some()).await;
        if let Some(since) = told.ok().and_then(|registered| since(&registered)) {
            sleep_until(since + SETTLE).await;
        }
    }

    fn is_quiet(&self) -> bool {
        !self.pending.lock().has_sets() && self.others.lock().awaited.is_empty()
    }

    /// Returns how long a Pod has to wait for sets that are to come, if for any.
    fn arrival(&self, pod: &impl Labels, catalog: &RwLock<Catalog>) -> Option<Instant> {
        let awaited = self.awaited(Instant::now());
        if awaited.is_empty() {
            return None;
        }
        let catalog = catalog.read();
        let of_pod = awaited
            .into_iter()
            .filter(|(arriving, _)| arriving.scope.selector.matches(pod) && !is_shown(arriving, &catalog));
        of_pod.map(|(_, due)| due).max()
    }

    /// Returns the sets that may come at any time, with the moment from which on nobody waits for them.
    fn awaited(&self, now: Instant) -> Vec<(Arriving, Instant)> {
        let mut awaited: Vec<_> = {
            let pending = self.pending.lock();
            pending.answered().map(|(arriving, answered)| (arriving.clone(), answered + ARRIVAL)).collect()
        };
        let mut others = self.others.lock();
        others.awaited.retain(|(_, due)| *due > now);
        awaited.extend(others.awaited.iter().cloned());
        awaited.retain(|(_, due)| *due > now);
        awaited
    }
}

impl Registered {
    /// Returns what has become of each scope.
    pub(crate) fn coverage(&self) -> BTreeMap<WebhookScope, Coverage> {
        self.scopes.iter().map(|(scope, (coverage, _))| (scope.clone(), coverage.clone())).collect()
    }

    fn since(&self, scope: &WebhookScope) -> Option<Instant> {
        self.scopes.get(scope).map(|(_, since)| *since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sidecarset_api::v1beta1::SidecarSet;
    use sidecarset_core::catalog::Entry;

    fn set() -> SidecarSet {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "logs"},
            "spec": {
                "selector": {"matchLabels": {"app": "web"}},
                "containers": [{"name": "agent", "image": "agent:v1"}],
            },
        });
        serde_json::from_value(set).unwrap()
    }

    fn arriving() -> BTreeSet<Arriving> {
        [Arriving { set: "logs".into(), scope: Entry::new(&set()).scope().unwrap() }].into()
    }

    /// How long a Pod waits, in milliseconds.
    async fn waits(registrar: &Registrar, app: &str, catalog: &RwLock<Catalog>) -> u128 {
        let began = Instant::now();
        let labels: BTreeMap<String, String> = [("app".to_owned(), app.to_owned())].into();
        registrar.until_arrived(&labels, catalog).await;
        began.elapsed().as_millis()
    }

    #[tokio::test(start_paused = true)]
    async fn a_pod_waits_a_second_for_a_set_about_which_another_replica_was_asked() {
        let (_tells, selection) = watch::channel(0);
        let (registrar, catalog) = (Registrar::new(selection), RwLock::default());
        registrar.others_arrive(arriving());

        assert_eq!(waits(&registrar, "other", &catalog).await, 0);
        assert_eq!(waits(&registrar, "web", &catalog).await, 1000);
        // Nobody waits for one that has not come by now, however long it is told.
        sleep_until(Instant::now() + Duration::from_secs(3)).await;
        registrar.others_arrive(arriving());
        assert_eq!(waits(&registrar, "web", &catalog).await, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_set_that_has_come_is_not_waited_for() {
        let (_tells, selection) = watch::channel(0);
        let (registrar, catalog) = (Registrar::new(selection), RwLock::<Catalog>::default());
        registrar.others_arrive(arriving());

        catalog.write().put_set(&set());

        assert_eq!(waits(&registrar, "web", &catalog).await, 0);
    }
}
