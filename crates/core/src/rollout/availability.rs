//! Where a Pod stands towards `maxUnavailable`: only what upgrades took away from service counts.

use super::eligibility::{has_present_shape, is_updated, left_alone, needs_new_pod};
use super::{consistency, crash, hot, is_ready, resize};
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{Ailment, Carried, ContainerRecord, Phase, PodRecord, Readiness};
use std::time::Duration;

/// For how long a Pod has served with its sidecars as they are if what makes it unavailable later is none of theirs.
const SERVED: Duration = Duration::from_secs(600);

/// Where a Pod stands towards `maxUnavailable`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Availability {
    /// It serves, or no upgrade of it is under way.
    Undisturbed,
    /// An upgrade of it is not over, or it is not ready since; or it is not ready because of a sidecar.
    Disturbed,
    /// It is ready, but a sidecar ended soon after it had started, and may do so again.
    Settling,
    /// It is unavailable, and would be without an upgrade, too; or no upgrade can end that.
    LeftAlone,
}

impl Availability {
    /// Returns where a Pod stands.
    #[must_use]
    pub fn of(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> Self {
        if is_updated(set, pod) {
            return match is_ready(set, pod) {
                true if crash::has_unsettled(set, pod, now) => Self::Settling,
                true => Self::Undisturbed,
                false if took_from_service(set, pod) => Self::Disturbed,
                false => Self::LeftAlone,
            };
        }
        if needs_new_pod(set, pod) {
            return Self::LeftAlone;
        }
        // An upgrade is not over because the set has changed again meanwhile; and a hot one, or a resize, takes several steps.
        if resize::counts_as_unavailable(set, pod) {
            return Self::Disturbed;
        }
        let is_in_flight = consistency::is_in_flight(set, pod);
        let is_over = hot::is_at_rest(set, pod) && !consistency::is_unfinished(set, pod);
        if is_over && !is_in_flight {
            return Self::Undisturbed;
        }
        // Where the kubelet ends it, it is waited for; else only where a further upgrade is to end it.
        let is_waited_for = is_in_flight || left_alone(set, pod).is_none();
        if is_waited_for && took_from_service(set, pod) { Self::Disturbed } else { Self::LeftAlone }
    }

    /// Says whether the Pod is one of those that `maxUnavailable` allows.
    #[must_use]
    pub fn counts(self) -> bool {
        match self {
            Self::Disturbed | Self::Settling => true,
            Self::Undisturbed | Self::LeftAlone => false,
        }
    }
}

/// Says whether a Pod counts as unavailable.
#[must_use]
pub fn counts_as_unavailable(set: &CanonicalSet, pod: &PodRecord, now: Seconds) -> bool {
    Availability::of(set, pod, now).counts()
}

/// Says whether a Pod that is not ready, or whose upgrade is not over, served before it was upgraded, or would serve but for a sidecar.
// A sidecar can break the containers that rely on it while it is well itself. So whatever makes a Pod unavailable after its upgrade
// counts as the upgrade's doing, unless it had served for long meanwhile.
pub(super) fn took_from_service(set: &CanonicalSet, pod: &PodRecord) -> bool {
    let served_before = was_upgraded(set, pod) && !has_been_unavailable_since(set, pod) && !has_served(set, pod);
    served_before || consistency::sidecars(set, pod).any(fails)
}

/// Says whether a sidecar does not start, or not for long: also of a Pod that was created with it, or was not ready before. Each further
/// Pod would fare as badly.
fn fails(container: &ContainerRecord) -> bool {
    matches!(container.ailment(), Some(Ailment::Fails(_) | Ailment::Restarts(_)))
}

/// Returns since when a Pod that is about to be upgraded is not ready, where upgrades have no part in that. What has not even started
/// counts as not ready since the epoch.
pub(super) fn unavailable_since(set: &CanonicalSet, pod: &PodRecord) -> Option<Seconds> {
    let since = match pod.readiness {
        Readiness::Ready(_) => None,
        // Without a time, nobody could say later whether it was ready meanwhile.
        Readiness::NotReady(since) => Some(since).filter(|since| *since != Seconds::EPOCH),
        Readiness::Unknown => (pod.phase == Phase::Pending).then_some(Seconds::EPOCH),
    };
    // A resize comes first, leaves no record, and may have restarted the Pod.
    let is_untouched = !was_upgraded(set, pod) && has_present_shape(set, pod);
    since.filter(|_| is_untouched || has_been_unavailable_since(set, pod) || has_served(set, pod))
}

fn was_upgraded(set: &CanonicalSet, pod: &PodRecord) -> bool {
    pod.carried.get(&set.name).is_some_and(Carried::was_upgraded)
}

/// Says whether a Pod is not ready since before its upgrade.
fn has_been_unavailable_since(set: &CanonicalSet, pod: &PodRecord) -> bool {
    let recorded = pod.carried.get(&set.name).and_then(Carried::not_ready_since);
    match (recorded, pod.readiness) {
        (None, _) | (_, Readiness::Ready(_)) => false,
        // It had not started, and has no more to do with the upgrade than a Pod that is created with the present definition.
        (Some(Seconds::EPOCH), _) => true,
        (Some(before), Readiness::NotReady(since)) => before == since,
        (Some(_), Readiness::Unknown) => false,
    }
}

/// Says whether a Pod had been ready for long with its sidecars as they are when it became unavailable. Both times are those of its
/// node.
fn has_served(set: &CanonicalSet, pod: &PodRecord) -> bool {
    let Readiness::NotReady(since) = pod.readiness else { return false };
    consistency::sidecars(set, pod).all(|container| {
        let started = container.status.as_ref().and_then(|status| status.started_at);
        consistency::is_healthy(set, pod, container) && started.is_some_and(|start| since.since(start) >= SERVED)
    })
}
