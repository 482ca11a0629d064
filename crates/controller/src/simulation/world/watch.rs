//! What the operator is shown of the Pods, late or never.

use super::{Event, World};
use crate::pod::PodLite;
use crate::simulation::NAMESPACE;
use crate::simulation::api_server::PodChange;
use sidecarset_core::reconcile::PodNews;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

impl World {
    /// Something happened to a Pod: the kubelet and the watch learn of it.
    pub(super) fn changed(&mut self, name: &str) {
        self.truth.refresh(self.api.pods(), &self.set);
        if self.api.pod(name).is_some() {
            self.wake(name);
        }
        while self.shown + self.due.len() < self.api.log.len() {
            let jitter = self.chance.millis(0, 30);
            let at = self.due.back().copied().unwrap_or_default().max(self.now + self.lag + jitter);
            self.due.push_back(at);
            self.plan_at(at, Event::Show);
        }
    }

    pub(super) fn show(&mut self) {
        while !self.is_watch_lost && self.due.front().is_some_and(|at| *at <= self.now) {
            self.due.pop_front();
            self.shown += 1;
            self.show_one(self.shown - 1);
        }
    }

    pub(super) fn show_one(&mut self, at: usize) {
        let now = self.instant();
        let news = match &self.api.log[at] {
            PodChange::Put(pod) => PodNews::Shown(pod.observed()),
            PodChange::Gone(pod) => PodNews::Gone(pod.observed()),
        };
        self.operator.observe_pods(now, news);
    }

    pub(super) fn list(&mut self) {
        self.say(|| "lists the pods".to_owned());
        self.operator.observe_pods(self.instant(), PodNews::ListBegins);
        (self.shown, self.due) = (self.api.log.len(), VecDeque::new());
        let pods = self.api.list();
        let time = self.chance.millis(1, 5000);
        self.plan_in(time, Event::Listed(pods));
    }

    pub(super) fn listed(&mut self, pods: &[Rc<PodLite>]) {
        let now = self.instant();
        for pod in pods {
            self.operator.observe_pods(now, PodNews::Shown(pod.observed()));
        }
        self.operator.observe_pods(now, PodNews::ListEnds);
        self.is_watch_lost = false;
        // The watch that begins where the list ended needs a moment, and meanwhile the list is all there is.
        let begins = self.now + self.chance.millis(10, 1500);
        self.due.iter_mut().for_each(|due| *due = begins.max(*due));
        self.plan_at(begins, Event::Show);
        if !self.is_synced {
            self.is_synced = true;
            self.catalog.put_namespace(NAMESPACE, BTreeMap::new());
            for revision in self.api.revisions() {
                self.catalog.put_revision(revision);
            }
            self.observe_set();
            self.operator.limit(1 + self.chance.below(3));
            self.operator.lead(true);
        }
    }
}
