//! Which Pods fail because of the sidecars of a set.

use super::degraded::{Reason, Trouble};
use super::names::{beginning, names, pods};
use super::on_the_wire;
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Ailment, Failure, PodKey, PodRecord, ShortRun};
use crate::rollout::is_unsettled;
use sidecarset_api::v1beta1::{FailingPods, SidecarSetStatus};
use std::collections::BTreeMap;

/// So many combinations of container and image are told, then only how many more Pods there are.
const TOLD: usize = 5;

/// What is told of an image at most: anything can stand in a Pod.
const LONGEST_IMAGE: usize = 200;

/// The Pods that fail because of the sidecars of a set: each one once, by what is worst.
pub(super) struct Failing<'a>(BTreeMap<Failed<'a>, Vec<&'a PodKey>>);

/// What fails.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Failed<'a> {
    failure: Failure,
    container: &'a str,
    image: &'a str,
}

/// What is needed to tell a container that ends again and again from one that did so.
#[derive(Clone, Copy)]
struct Moment {
    now: Seconds,
    were_crashing: bool,
}

impl<'a> Failing<'a> {
    pub(super) fn of(
        set: &'a CanonicalSet,
        matched: &[&'a PodRecord],
        previous: &SidecarSetStatus,
        now: Seconds,
    ) -> Self {
        let moment = Moment { now, were_crashing: counts(previous, Failure::Crash) };
        let mut all: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for pod in matched {
            if let Some(failed) = failed(set, pod, moment) {
                all.entry(failed).or_default().push(&pod.key);
            }
        }
        all.values_mut().for_each(|pods| pods.sort());
        Self(all)
    }

    /// Counts the Pods by the kubelet's reasons, sorted by these.
    pub(super) fn on_the_wire(&self) -> Vec<FailingPods> {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (failed, pods) in &self.0 {
            *counts.entry(failed.failure.reason()).or_default() += pods.len();
        }
        let counts = counts.into_iter();
        counts.map(|(reason, count)| FailingPods { reason: reason.to_owned(), count: on_the_wire(count) }).collect()
    }

    /// Tells what fails, one trouble for each reason.
    pub(super) fn troubles(&self) -> Vec<Trouble> {
        let mut clauses: BTreeMap<Reason, Vec<String>> = BTreeMap::new();
        for (failed, pods) in self.0.iter().take(TOLD) {
            clauses.entry(failed.reason()).or_default().push(failed.tell(pods));
        }
        for (failed, failing) in self.0.iter().skip(TOLD) {
            clauses.entry(failed.reason()).or_default().push(format!(
                "{} more: {}",
                pods(failing.len()),
                failed.word()
            ));
        }
        let told = clauses.into_iter();
        told.map(|(reason, clauses)| Trouble { reason, message: clauses.join("; ") }).collect()
    }
}

impl Failed<'_> {
    fn reason(&self) -> Reason {
        match self.failure {
            Failure::InvalidImageName | Failure::ImageNeverPulled | Failure::ImagePull => Reason::ImagePullFailing,
            Failure::Configuration | Failure::Creation | Failure::Start => Reason::ContainersNotStarting,
            Failure::Crash => Reason::ContainersCrashing,
        }
    }

    fn what(&self) -> String {
        let (container, image) = (self.container, beginning(self.image, LONGEST_IMAGE));
        match self.failure {
            Failure::InvalidImageName | Failure::ImageNeverPulled | Failure::ImagePull => format!("pull {image}"),
            Failure::Configuration | Failure::Creation | Failure::Start => format!("start {container} ({image})"),
            Failure::Crash => format!("keep {container} ({image}) running"),
        }
    }

    fn word(&self) -> &'static str {
        self.failure.reason()
    }

    fn tell(&self, failing: &[&PodKey]) -> String {
        let fail = if failing.len() == 1 { "fails" } else { "fail" };
        format!("{} {fail} to {} ({}): {}", pods(failing.len()), self.what(), names(failing), self.word())
    }
}

impl Moment {
    fn failure(self, set: &CanonicalSet, pod: &PodRecord, ailment: &Ailment) -> Option<Failure> {
        match ailment {
            Ailment::Fails(failure) => Some(*failure),
            Ailment::Restarts(run) => self.still_crashes(set, pod, run).then_some(Failure::Crash),
            Ailment::Runs(_) => None,
        }
    }

    /// Says whether a container that runs is between two of its crashes. Nobody would say so of the first one: so it has
    /// to be known that containers crash.
    fn still_crashes(self, set: &CanonicalSet, pod: &PodRecord, run: &ShortRun) -> bool {
        self.were_crashing && is_unsettled(set, pod, run, self.now)
    }
}

/// Says whether a status counts Pods that fail for this reason.
pub(super) fn counts(status: &SidecarSetStatus, failure: Failure) -> bool {
    status.failing_pods.iter().any(|failing| failing.reason == failure.reason())
}

fn failed<'a>(set: &'a CanonicalSet, pod: &'a PodRecord, moment: Moment) -> Option<Failed<'a>> {
    let running = set.names_in_pod.iter().filter_map(|name| {
        let container = pod.container(name)?;
        Some((&*container.spec.name, &*container.spec.image, container.ailment()?))
    });
    let is_ordinary = |name: &str| set.init_containers.iter().any(|it| !it.is_native && *it.name == *name);
    let ordinary = pod.ailing_init.iter().filter(|container| is_ordinary(&container.name));
    let ordinary = ordinary.map(|container| (&*container.name, &*container.image, &container.ailment));
    let failed = running.chain(ordinary).filter_map(|(container, image, ailment)| {
        let failure = moment.failure(set, pod, ailment)?;
        Some(Failed { failure, container, image })
    });
    failed.min()
}
