//! Which sets the API server has to know of: those of the catalog, and those that are just being written.

use parking_lot::{Mutex, RwLock};
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::Interest;
use sidecarset_core::selection::Labels;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
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
    is_new: Notify,
    // Since when the API server was told of each. None until it was told of anything.
    in_force: watch::Sender<Option<BTreeMap<Interest, Instant>>>,
}

/// A definition that is being written, and that the catalog does not show yet.
#[derive(Debug)]
struct Candidate {
    set: Arc<str>,
    interest: Interest,
    until: Instant,
    answered: Option<Instant>,
}

impl Registrar {
    /// Returns one that knows of nothing. `selection` tells when the catalog selects other Pods than before.
    #[must_use]
    pub fn new(selection: watch::Receiver<u64>) -> Self {
        Self { selection, candidates: Mutex::default(), is_new: Notify::new(), in_force: watch::Sender::new(None) }
    }

    /// Has the API server told of a definition that is about to be written, and waits until it knows, but not longer
    /// than 2 seconds: the Pods that are created right after the set are asked about.
    pub(crate) async fn cover(&self, set: &str, interest: Interest) {
        // While we are not registered nobody asks us.
        if self.in_force.borrow().is_none() {
            return;
        }
        let now = Instant::now();
        let candidate =
            Candidate { set: set.into(), interest: interest.clone(), until: now + LIFETIME, answered: None };
        self.candidates.lock().push(candidate);
        self.is_new.notify_one();
        // Where that takes longer the set is written nevertheless: its condition tells when it is in force.
        let _ = timeout(PATIENCE, self.until_settled(&interest)).await;
        let mut candidates = self.candidates.lock();
        let own = candidates.iter_mut().filter(|candidate| *candidate.set == *set && candidate.interest == interest);
        own.for_each(|candidate| candidate.answered = Some(Instant::now()));
    }

    /// Waits until the catalog shows the sets that were allowed a moment ago and select a Pod with these labels.
    pub(crate) async fn until_arrived(&self, pod: &impl Labels, catalog: &RwLock<Catalog>) {
        let mut selection = self.selection.clone();
        loop {
            selection.mark_unchanged();
            let Some(until) = self.arrival(pod, catalog) else { return };
            tokio::select! {
                () = sleep_until(until) => {}
                changed = selection.changed() => if changed.is_err() { return },
            }
        }
    }

    /// Returns what the API server has to know of. Candidates that the catalog shows, or that did not come in time, are
    /// forgotten.
    pub(crate) fn wanted(&self, catalog: &Catalog) -> BTreeSet<Interest> {
        let now = Instant::now();
        let mut candidates = self.candidates.lock();
        candidates.retain(|candidate| now < candidate.until && !candidate.is_shown(catalog));
        catalog.interests().chain(candidates.iter().map(|candidate| candidate.interest.clone())).collect()
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

    /// Returns how long a Pod has to wait for sets that are to come, if for any.
    fn arrival(&self, pod: &impl Labels, catalog: &RwLock<Catalog>) -> Option<Instant> {
        let candidates = self.candidates.lock();
        if candidates.is_empty() {
            return None;
        }
        let (now, catalog) = (Instant::now(), catalog.read());
        let due = |candidate: &Candidate| candidate.answered.map(|answered| answered + ARRIVAL);
        let awaited = candidates
            .iter()
            .filter(|candidate| candidate.interest.selector.matches(pod) && !candidate.is_shown(&catalog));
        awaited.filter_map(due).filter(|due| *due > now).max()
    }
}

impl Candidate {
    fn is_shown(&self, catalog: &Catalog) -> bool {
        catalog.set(&self.set).and_then(Entry::interest).as_ref() == Some(&self.interest)
    }
}
