//! The condition `SidecarSetUpgradable` of Pods.

use super::outcome::{Answer, outcome};
use crate::context::Context;
use crate::metrics::Write;
use crate::pod::PodLite;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_core::reconcile::{ConditionWrite, WriteHold};
use sidecarset_core::record::PodKey;
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// How long the API server may take to answer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Writes the condition of a Pod.
pub(super) async fn write(write: &ConditionWrite, ctx: &Context) -> Answer<PodLite> {
    let ConditionWrite { set, pod, change } = write;
    let pods: Api<PodLite> = Api::namespaced(ctx.client.clone(), pod.key.namespace());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Strategic(change.patch(pod, ctx.now().wall));
    let request = async { outcome(timeout(DEADLINE, pods.patch_status(pod.key.name(), &params, &patch)).await) };
    let answer = ctx.metrics().write(Write::Condition, request).await;
    match &answer {
        Answer::Written(_) | Answer::Altered(_) => {
            info!(pod = %pod.key, %set, "told which sets can be upgraded in the pod");
        }
        Answer::Gone => {}
        Answer::Held(hold, source) => tell_hold(&pod.key, *hold, source.as_ref()),
    }
    answer
}

fn tell_hold(pod: &PodKey, hold: WriteHold, source: &(dyn Error + 'static)) {
    if hold == WriteHold::Conflict {
        debug!(%pod, ?hold, "the pod changed before its condition was written");
    } else {
        warn!(%pod, ?hold, error = source, "could not write the condition of the pod");
    }
}
