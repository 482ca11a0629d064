//! The upgrades of Pods.

use super::DEADLINE;
use super::outcome::{Answer, outcome, resized};
use crate::context::Context;
use crate::metrics::{Write, Written};
use crate::pod::PodLite;
use crate::spans;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_core::reconcile::{UpgradeWrite, WITHOUT_AMOUNTS, WriteHold};
use sidecarset_core::record::PodKey;
use sidecarset_core::rollout::{Step, Upgrade};
use std::error::Error;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// The subresource through which the API server takes other cpu and memory of a running Pod.
const RESIZE: &str = "resize";

/// Writes a step of the upgrade of a Pod.
pub(super) async fn write(write: &mut UpgradeWrite, ctx: &Context) -> Answer<PodLite> {
    let kind = Write::of(write.upgrade.step);
    let answer = ctx.metrics().write(kind, send(write, ctx)).await;
    spans::ended(Written::of(&answer).word());
    match &answer {
        Answer::Written(_) => tell(&write.upgrade),
        Answer::Altered(_) => {
            let hold = WriteHold::ResizeRefused;
            warn!(pod = %write.pod.key, ?hold, error = WITHOUT_AMOUNTS, "could not upgrade the pod");
        }
        Answer::Gone => {}
        Answer::Held(hold, source) => tell_hold(&write.pod.key, *hold, source.as_ref()),
    }
    answer
}

async fn send(write: &mut UpgradeWrite, ctx: &Context) -> Answer<PodLite> {
    let pods: Api<PodLite> = Api::namespaced(ctx.client.clone(), write.pod.key.namespace());
    let name = write.pod.key.name().to_owned();
    let found = if write.reads_annotations() {
        match read(&name, &pods).await {
            Ok(found) => Some(found),
            Err(answer) => return answer,
        }
    } else {
        None
    };
    if let Err((hold, source)) = write.annotate(found.as_ref()) {
        return Answer::Held(hold, source);
    }
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Strategic(write.upgrade.patch(&write.set, &write.pod, ctx.now().wall));
    let answer = match write.upgrade.step {
        Step::Resize => resized(timeout(DEADLINE, pods.patch_subresource(RESIZE, &name, &params, &patch)).await),
        Step::Definition | Step::Flip => outcome(timeout(DEADLINE, pods.patch(&name, &params, &patch)).await),
    };
    match answer {
        Answer::Written(written) if !write.is_met_by(written.observed()) => Answer::Altered(written),
        answer => answer,
    }
}

/// Reads the annotations of others: the one thing about a Pod that is not remembered.
async fn read(name: &str, pods: &Api<PodLite>) -> Result<ObjectMeta, Answer<PodLite>> {
    match outcome(timeout(DEADLINE, pods.get_metadata(name)).await) {
        Answer::Written(found) | Answer::Altered(found) => Ok(found.metadata),
        Answer::Gone => Err(Answer::Gone),
        // Nothing was written yet, so there is no doubt about it.
        Answer::Held(WriteHold::Unanswered, source) => Err(Answer::Held(WriteHold::Failed, source)),
        Answer::Held(hold, source) => Err(Answer::Held(hold, source)),
    }
}

fn tell(upgrade: &Upgrade) {
    let pod = &upgrade.pod;
    if upgrade.changes.is_empty() && upgrade.resizes.is_empty() {
        info!(%pod, "recorded the definition that the pod runs already");
    }
    for resize in &upgrade.resizes {
        info!(%pod, container = %resize.container, to = %resize.to, "changed the cpu and memory of the sidecar");
    }
    for change in &upgrade.changes {
        let (container, from, to) = (&change.container, &change.from, &change.to);
        match upgrade.step {
            Step::Definition | Step::Resize => info!(%pod, %container, %from, %to, "upgraded the sidecar image"),
            Step::Flip => info!(%pod, %container, %from, %to, "reset the container that another one took over from"),
        }
    }
}

fn tell_hold(pod: &PodKey, hold: WriteHold, source: &(dyn Error + 'static)) {
    match hold {
        WriteHold::Conflict => debug!(%pod, ?hold, "the pod changed before it was upgraded"),
        WriteHold::NotLeading => debug!(%pod, ?hold, "left the pod to whoever leads now"),
        WriteHold::Refused
        | WriteHold::ResizeRefused
        | WriteHold::NotMerged
        | WriteHold::Throttled { .. }
        | WriteHold::Failed
        | WriteHold::Unanswered => {
            warn!(%pod, ?hold, error = source, "could not upgrade the pod");
        }
    }
}
