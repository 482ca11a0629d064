//! The annotations of others: the one thing about a Pod that is not remembered, and is read before it is decided.

use super::DEADLINE;
use super::outcome::{Answer, outcome};
use crate::attempts::WriteHold;
use crate::pod::PodLite;
use kube::Api;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::rollout::Upgrade;
use std::collections::BTreeMap;
use tokio::time::timeout;

/// Decides which annotations an upgrade changes, or answers why it cannot be written.
pub(super) async fn decide(
    upgrade: &mut Upgrade,
    set: &CanonicalSet,
    pod: &PodRecord,
    pods: &Api<PodLite>,
) -> Result<(), Answer<PodLite>> {
    let present = if upgrade.reads_annotations(set) { read(pod, pods).await? } else { BTreeMap::new() };
    upgrade.annotate(set, &present).map_err(|error| Answer::Held(WriteHold::NotMerged, error.into()))
}

async fn read(pod: &PodRecord, pods: &Api<PodLite>) -> Result<BTreeMap<String, String>, Answer<PodLite>> {
    match outcome(timeout(DEADLINE, pods.get_metadata(pod.key.name())).await) {
        // The patch asks for the version that was planned on, so what another version says is of no use.
        Answer::Written(found) if pod.is_of(&found.metadata) => Ok(found.metadata.annotations.unwrap_or_default()),
        Answer::Written(_) => Err(Answer::Held(WriteHold::Conflict, "the pod has changed".into())),
        Answer::Gone => Err(Answer::Gone),
        // Nothing was written yet, so there is no doubt about it.
        Answer::Held(WriteHold::Unanswered, source) => Err(Answer::Held(WriteHold::Failed, source)),
        Answer::Held(hold, source) => Err(Answer::Held(hold, source)),
    }
}
