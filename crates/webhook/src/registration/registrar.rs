//! Which sets the API server has to know of: those of the catalog, and those that are just being written.

use super::Arriving;
use parking_lot::{Mutex, RwLock};
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::Interest;
use sidecarset_core::selection::Labels;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep_until, timeout};

/// API servers learn of a registration by a watch.
pub(crate) const SETTLE: Duration = Duration::from_millis(200);
/// How long the author of a set waits for its registration, at most.
const PATIENCE: Duration = Duration::from_secs(2);
/// A set that has not come by then was not written.
const LIFETIME: Duration = Duration::from_secs(60);
/// How long Pods wait for a set to come after its review was answered: the watch brings it in a few milliseconds.
const ARRIVAL: Duration = Duration::from_secs(1);

/// Knows which sets the API server has to know of, and which it knows of.
#[derive(Debug)]
pub struct Registrar {
    selection: watch::Receiver<u64>,
    candidates: Mutex<Vec<Candidate>>,
    others: Mutex<Others>,
    is_new: Notify,
    // Since when the API server was told of each. None until it was told of anything.
    in_force: watch::Sender<Option<BTreeMap<Interest, Instant>>>,
}

/// What other replicas were asked about.
#[derive(Debug, Default)]
struct Others {
    known: BTreeSet<Arriving>,
    // Until when Pods wait for each.
    awaited: Vec<(Arriving, Instant)>,
}

/// A definition that is being written, and that the catalog does not show yet.
#[derive(Debug)]
struct Candidate {
    arriving: Arriving,
    until: Instant,
    answered: Option<Instant>,
}

impl Registrar {
    /// Returns one that knows of nothing. `selection` tells when the catalog selects other Pods than before.
    #[must_use]
    pub fn new(selection: watch::Receiver<u64>) -> Self {
        Self {
            selection,
            candidates: Mutex::default(),
            others: Mutex::default(),
            is_new: Notify::new(),
            in_force: watch::Sender::new(None),
        }
    }

    /// Has the API server told of a definition that is about to be written, and waits until it knows, but not longer
    /// than 2 seconds: the Pods that are created right after the set are asked about.
    pub(crate) async fn cover(&self, set: &str, interest: Interest) {
        // While we are not registered nobody asks us.
        if self.in_force.borrow().is_none() {
            return;
        }
        let now = Instant::now();
        let arriving = Arriving { set: set.into(), interest };
        let candidate = Candidate { arriving: arriving.clone(), until: now + LIFETIME, answered: None };
        self.candidates.lock().push(candidate);
        self.is_new.notify_one();
        // Where that takes longer the set is written nevertheless: its condition tells when it is in force.
        let _ = timeout(PATIENCE, self.until_settled(&arriving.interest)).await;
        let mut candidates = self.candidates.lock();
        let own = candidates.iter_mut().filter(|candidate| candidate.arriving == arriving);
        own.for_each(|candidate| candidate.answered = Some(Instant::now()));
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

    /// Returns what the API server has to know of. Candidates that the catalog shows, or that did not come in time, are
    /// forgotten.
    pub(crate) fn wanted(&self, catalog: &Catalog) -> BTreeSet<Interest> {
        self.candidates.lock().retain(|candidate| !is_shown(&candidate.arriving, catalog));
        let arriving = self.arriving().into_iter().map(|arriving| arriving.interest);
        catalog.interests().chain(arriving).collect()
    }

    /// Returns the definitions about which this replica was asked a moment ago.
    pub(crate) fn arriving(&self) -> BTreeSet<Arriving> {
        let now = Instant::now();
        let mut candidates = self.candidates.lock();
        candidates.retain(|candidate| now < candidate.until);
        candidates.iter().map(|candidate| candidate.arriving.clone()).collect()
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
    pub(crate) fn told(&self, interests: BTreeSet<Interest>) {
        let now = Instant::now();
        self.in_force.send_modify(|in_force| {
            let before = in_force.take().unwrap_or_default();
            let since = |interest: &Interest| before.get(interest).copied().unwrap_or(now);
            *in_force = Some(interests.into_iter().map(|interest| (interest.clone(), since(&interest))).collect());
        });
    }

    /// Waits until there is a candidate that was not there before. One caller at a time.
    pub(crate) async fn has_candidate(&self) {
        self.is_new.notified().await;
    }

    /// Waits until the first of the candidates is to be forgotten.
    pub(crate) async fn candidate_expires(&self) {
        let first = self.candidates.lock().iter().map(|candidate| candidate.until).min();
        match first {
            Some(until) => sleep_until(until).await,
            None => std::future::pending().await,
        }
    }

    /// Returns what is told, each time that it changes.
    pub(crate) fn in_force(&self) -> watch::Receiver<Option<BTreeMap<Interest, Instant>>> {
        self.in_force.subscribe()
    }

    async fn until_settled(&self, interest: &Interest) {
        let mut in_force = self.in_force.subscribe();
        let since = |in_force: &Option<BTreeMap<_, Instant>>| in_force.as_ref()?.get(interest).copied();
        let Ok(since) = in_force.wait_for(|in_force| since(in_force).is_some()).await.map(|in_force| since(&in_force))
        else {
            return;
        };
        if let Some(since) = since {
            sleep_until(since + SETTLE).await;
        }
    }

    fn is_quiet(&self) -> bool {
        self.candidates.lock().is_empty() && self.others.lock().awaited.is_empty()
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
            .filter(|(arriving, _)| arriving.interest.selector.matches(pod) && !is_shown(arriving, &catalog));
        of_pod.map(|(_, due)| due).max()
    }

    /// Returns the sets that may come at any time, with the moment from which on nobody waits for them.
    fn awaited(&self, now: Instant) -> Vec<(Arriving, Instant)> {
        let mut awaited: Vec<_> = {
            let candidates = self.candidates.lock();
            let answered = candidates.iter().filter_map(|candidate| Some((&candidate.arriving, candidate.answered?)));
            answered.map(|(arriving, answered)| (arriving.clone(), answered + ARRIVAL)).collect()
        };
        let mut others = self.others.lock();
        others.awaited.retain(|(_, due)| *due > now);
        awaited.extend(others.awaited.iter().cloned());
        awaited.retain(|(_, due)| *due > now);
        awaited
    }
}

fn is_shown(arriving: &Arriving, catalog: &Catalog) -> bool {
    catalog.set(&arriving.set).and_then(Entry::interest).as_ref() == Some(&arriving.interest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use sidecarset_api::v1beta1::SidecarSet;

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
        [Arriving { set: "logs".into(), interest: Entry::new(&set()).interest().unwrap() }].into()
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
