//! A rollout that has failed, and the past definition to which its Pods return.

use super::pin::past;
use super::{Revision, Revisions, Why};
use crate::amount::Amount;
use crate::normalize::{CanonicalSet, FailureLimit, OnFailure, RolloutStrategy};
use sidecarset_api::v1beta1::{RolloutFailure, SidecarSet};
use std::sync::Arc;

/// The failure of the rollout of the present generation.
#[derive(Debug, Clone, PartialEq)]
pub struct Failure {
    /// As the status says it.
    pub told: RolloutFailure,
    /// The set as it was at the revision to which Pods return, where they do. The catalog fills it in.
    pub past: Option<Result<Arc<CanonicalSet>, Why>>,
}

impl Failure {
    /// Reads what the status of a set says. It says nothing of another generation, or where the set does not ask to be
    /// given up.
    pub(crate) fn of(set: &SidecarSet, limit: Option<FailureLimit>) -> Option<Self> {
        let limit = limit?;
        let told = set.status.as_ref()?.failure.as_ref()?;
        if told.generation != set.metadata.generation.unwrap_or_default() {
            return None;
        }
        let returns = limit.on_failure == OnFailure::Rollback && told.rollback_revision.is_some();
        Some(Self { told: told.clone(), past: returns.then_some(Err(Why::Missing)) })
    }

    /// Returns the set as it was at the revision to which Pods return, where they can.
    #[must_use]
    pub fn rollback(&self) -> Option<&Arc<CanonicalSet>> {
        self.past.as_ref()?.as_ref().ok()
    }

    /// Returns the same with the revision that it names, as far as that is one of the set's: anybody may write a status.
    pub(crate) fn resolved(
        &self,
        present: &CanonicalSet,
        source: &SidecarSet,
        revisions: &Revisions,
        forbid: impl Fn(&CanonicalSet) -> Option<Arc<str>>,
    ) -> Self {
        let name = self.told.rollback_revision.as_deref().unwrap_or_default();
        let revision = revisions.of(&present.name, present.uid.as_deref()).named(name).ok_or(Why::Missing);
        let past = revision.and_then(|revision| returning(present, source, revision, forbid)).map(Arc::new);
        Self { told: self.told.clone(), past: self.past.as_ref().map(|_| past) }
    }
}

/// Returns a set as it was at a revision, for Pods that return to it from the present definition.
///
/// # Errors
/// It cannot be injected, `forbid` says why its annotations may not be written, or it differs from the present in more than images.
pub(crate) fn returning(
    present: &CanonicalSet,
    source: &SidecarSet,
    revision: &Revision,
    forbid: impl Fn(&CanonicalSet) -> Option<Arc<str>>,
) -> Result<CanonicalSet, Why> {
    let past = past(source, revision, forbid)?;
    let has_same_shape = past.hashes.without_image == present.hashes.without_image;
    if !has_same_shape || past.hashes.full == present.hashes.full {
        return Err(Why::Unfit { revision: Arc::clone(&revision.name) });
    }
    // Each Pod with the definition that failed goes back, and no other one changes.
    let rollout =
        RolloutStrategy { partition: Amount::Count(0), selector: None, failure_limit: None, ..past.rollout.clone() };
    // Its shape is the present one, so the same separates other definitions from it.
    let differences = Arc::clone(&present.differences);
    Ok(CanonicalSet { rollout, differences, returns_from: Some(Arc::clone(&present.hashes.full)), ..past })
}
