//! Whether the rollout of a set has failed, and what follows from that.

use super::{Catalog, Entry};
use crate::annotations::Seconds;
use crate::normalize::{CanonicalSet, OnFailure};
use crate::record::PodRecord;
use crate::revision::{Failure, returning};
use crate::rollout::{is_ready, is_updated, judge};
use crate::status;
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use std::sync::Arc;

/// How the rollout of a set goes on.
#[derive(Debug, Clone)]
pub struct FailureEvaluation {
    /// The set, and how its rollout failed if it did.
    pub set: Arc<CanonicalSet>,
    /// Whether the failure is new. Nothing may follow from it before the status says it: who comes after us has to know.
    pub is_new: bool,
    /// When it may go on otherwise, if nothing happens until then.
    pub next: Option<Seconds>,
}

impl Catalog {
    /// Judges the rollout of a set by its Pods.
    #[must_use]
    pub fn evaluate_failure(
        &self,
        set: &Arc<CanonicalSet>,
        matched: &[&PodRecord],
        status: Option<&SidecarSetStatus>,
        now: Seconds,
    ) -> FailureEvaluation {
        let judgement = judge(set, matched, status, now);
        match set.rollout.failure_limit.filter(|_| judgement.is_reached) {
            None => FailureEvaluation { set: Arc::clone(set), is_new: false, next: judgement.next },
            Some(limit) => {
                let target = match limit.on_failure {
                    OnFailure::Halt => None,
                    OnFailure::Rollback => self.target(set, matched, status),
                };
                let told = status::told(set, limit, &judgement.failed, matched.len(), target.as_ref());
                let failure = Failure { told, past: target.map(|target| Ok(Arc::new(target))) };
                let set = CanonicalSet { failure: Some(failure), ..(**set).clone() };
                FailureEvaluation { set: Arc::new(set), is_new: true, next: None }
            }
        }
    }

    /// Takes note of what the status of a set says of its rollout. That is nothing new where the set itself is.
    pub fn note_failure(&mut self, set: &SidecarSet) {
        let name = set.metadata.name.as_deref().unwrap_or_default();
        let Some(Entry::Valid(known)) = self.sets.get_mut(name) else { return };
        let is_known = known.uid.as_deref() == set.metadata.uid.as_deref();
        if is_known && known.generation == set.metadata.generation.unwrap_or_default() {
            let failure = Failure::of(set, known.rollout.limit_in_force());
            if failure.as_ref().map(|it| &it.told) != known.failure.as_ref().map(|it| &it.told) {
                let renewed = CanonicalSet { failure, ..(**known).clone() };
                *known = Arc::new(self.past.completed(&renewed).unwrap_or(renewed));
            }
        }
    }

    /// Finds the past definition to which the Pods of a set can return: the newest one that is known to work, or else the
    /// newest.
    fn target(
        &self,
        set: &CanonicalSet,
        matched: &[&PodRecord],
        status: Option<&SidecarSetStatus>,
    ) -> Option<CanonicalSet> {
        let source = self.past.source(&set.name)?;
        let failed = status.and_then(|status| status.failure.as_ref()?.revision.as_deref());
        let history = self.revisions().of(&set.name, set.uid.as_deref()).oldest_first();
        let past = history.into_iter().rev().filter(|revision| Some(&*revision.name) != failed);
        let forbid = |past: &CanonicalSet| self.past.permissions()?.forbid_new(past);
        let mut past: Vec<_> = past.filter_map(|revision| returning(set, source, revision, forbid).ok()).collect();
        let newest_proven = past.iter().position(|past| is_proven(past, matched, status));
        let at = newest_proven.or((!past.is_empty()).then_some(0))?;
        Some(past.swap_remove(at))
    }
}

/// Says whether a past definition is known to work: Pods that have it are ready, a rollout has brought it to all Pods, or
/// they have returned to it before.
fn is_proven(past: &CanonicalSet, matched: &[&PodRecord], status: Option<&SidecarSetStatus>) -> bool {
    let told = status.map(|status| {
        let returned = status.failure.as_ref().and_then(|failure| failure.rollback_revision.as_deref());
        [status.completed_revision.as_deref(), returned]
    });
    let is_told = told.into_iter().flatten().flatten().any(|told| Some(told) == past.revision.as_deref());
    is_told || matched.iter().any(|pod| is_updated(past, pod) && is_ready(past, pod))
}
