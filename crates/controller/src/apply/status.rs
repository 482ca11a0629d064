//! The status of SidecarSets.

use super::DEADLINE;
use super::outcome::{Answer, outcome};
use crate::context::Context;
use crate::metrics::Write;
use kube::Api;
use kube::api::{Patch, PatchParams};
use sidecarset_api::item::Item;
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::normalize::salvage;
use sidecarset_core::reconcile::{StatusAnswer, StatusWrite, WriteHold};
use std::error::Error;
use tokio::time::timeout;
use tracing::{debug, warn};

/// Writes a status.
pub(super) async fn write(write: &StatusWrite, ctx: &Context) {
    // The answer shows a set of which perhaps only a part can be read.
    let sets: Api<Item<SidecarSet>> = Api::all(ctx.client.clone());
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let patch = Patch::Merge(&write.patch);
    let request = async { outcome(timeout(DEADLINE, sets.patch_status(&write.name, &params, &patch)).await) };
    match ctx.metrics().write(Write::Status, request).await {
        Answer::Written(set) | Answer::Altered(set) => {
            let (set, _) = salvage(*set);
            hear(write, &StatusAnswer::Written(&set), ctx);
            let (matched, updated) = (write.after.matched_pods, write.after.updated_pods);
            debug!(set = %write.name, matched, updated, "wrote the status");
            tell_failure(write, &set);
        }
        Answer::Gone => hear(write, &StatusAnswer::Gone, ctx),
        Answer::Held(hold, source) => {
            if hold != WriteHold::Conflict {
                warn!(set = %write.name, ?hold, error = source.as_ref() as &dyn Error, "could not write the status");
            }
            hear(write, &StatusAnswer::Held(hold), ctx);
        }
    }
}

fn hear(write: &StatusWrite, answer: &StatusAnswer<'_>, ctx: &Context) {
    ctx.drive_changing(|driver, catalog| driver.answer_status(ctx.clock.now(), write, answer, catalog));
}

fn tell_failure(write: &StatusWrite, set: &SidecarSet) {
    let failure = set.status.as_ref().and_then(|status| status.failure.as_ref());
    if let Some(failure) = failure.filter(|_| write.changes_failure()) {
        let (failed, rollback) = (failure.failed_pods, failure.rollback_revision.as_deref());
        warn!(set = %write.name, revision = failure.revision, failed, rollback, "the rollout has failed");
    }
}
