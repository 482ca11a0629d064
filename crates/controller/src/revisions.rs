//! Writes the past of sets: the ControllerRevisions. Nothing else does.

use crate::context::Context;
use crate::metrics::{Write, Written};
use k8s_openapi::api::apps::v1::ControllerRevision;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::Request;
use kube::{Api, Resource};
use serde::Serialize;
use serde_json::value::RawValue;
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::revision::{Change, NewRevision, Revision, Taken, Update, changes, taken_by};
use sidecarset_core::status;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::error::Elapsed;
use tokio::time::{Instant, timeout};
use tracing::{debug, info, warn};

/// How long a look at a set waits for its revisions: neither the Pods nor the status depend on them.
const PATIENCE: Duration = Duration::from_secs(2);

#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("failed to create the revision")]
    Create { source: kube::Error },
    #[error("failed to read the object that has the name of the revision")]
    Read { source: kube::Error },
    #[error("failed to update the revision")]
    Update { source: kube::Error },
    #[error("failed to delete the revision")]
    Delete { source: kube::Error },
    #[error("the API server took too long")]
    Silence(#[from] Elapsed),
    #[error("the revision of a deleted SidecarSet of the same name has not been removed yet")]
    Leftover,
    #[error("another object has the name of the revision")]
    Collision,
    #[error("the revision has changed")]
    Changed,
}

impl Error {
    fn written(&self) -> Written {
        match self {
            Self::Create { source } | Self::Read { source } | Self::Update { source } | Self::Delete { source } => {
                Written::failed(source)
            }
            Self::Silence(_) => Written::Unanswered,
            Self::Leftover | Self::Collision | Self::Changed => Written::Conflict,
        }
    }
}

/// A revision as it is sent: the data are the very bytes that were hashed.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    api_version: &'a str,
    kind: &'a str,
    metadata: &'a ObjectMeta,
    revision: i64,
    data: &'a RawValue,
}

/// Keeps the past of a set. What goes wrong is tried again later; answers when.
pub(crate) async fn keep(set: &CanonicalSet, matched: &[Arc<PodRecord>], ctx: &Context) -> Option<Instant> {
    let source = ctx.sets.lock().get(&set.name).cloned()?;
    // Another object of the name has its own past.
    if source.metadata.uid.as_deref() != set.uid.as_deref() {
        return None;
    }
    if let Some(due) = source.revisions_due.filter(|due| *due > Instant::now()) {
        return Some(due);
    }
    let changes = {
        let catalog = ctx.catalog.read();
        changes(
            set,
            &source.metadata,
            source.status.as_ref(),
            catalog.revisions().of(&set.name, set.uid.as_deref()),
            matched,
        )
    };
    let mut is_done = true;
    for change in changes {
        is_done = write(set, &change, ctx).await;
        // What is deleted may be all that is left of the past, until the present is a part of it.
        if !is_done {
            break;
        }
    }
    ctx.sets.lock().wrote_revisions(&set.name, is_done, Instant::now())
}

/// Adds to a status what the past of the set is.
pub(crate) fn tell(status: SidecarSetStatus, set: &CanonicalSet, ctx: &Context) -> SidecarSetStatus {
    let catalog = ctx.catalog.read();
    let newest = catalog.revisions().of(&set.name, set.uid.as_deref()).latest();
    status::with_revisions(status, newest.map(|newest| &*newest.name), set.draft.collisions)
}

/// Writes one change, and answers whether it is done.
async fn write(set: &CanonicalSet, change: &Change, ctx: &Context) -> bool {
    let revisions: Api<ControllerRevision> = Api::namespaced(ctx.client.clone(), &ctx.settings.namespace);
    let name = match change {
        Change::Create(_) => &set.draft.name,
        Change::Update(update) => &update.revision.name,
        Change::Delete(revision) => &revision.name,
    };
    let began = Instant::now();
    let answer = timeout(PATIENCE, async {
        let _permit = ctx.writes.acquire().await.expect("the semaphore is never closed");
        match change {
            Change::Create(new) => create(set, new, &revisions, ctx).await,
            Change::Update(change) => update(set, change, &revisions, ctx).await,
            Change::Delete(revision) => delete(set, revision, &revisions, ctx).await,
        }
    });
    let answer = answer.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    ctx.metrics().wrote(Write::Revision, answer.as_ref().map_or_else(Error::written, |()| Written::Done), began);
    match answer {
        Ok(()) => return true,
        Err(Error::Changed) => debug!(set = %set.name, revision = %name, "the revision changed before it was written"),
        Err(Error::Collision) => {
            warn!(set = %set.name, revision = %name, "another object has the name of the revision: it gets the next one");
            ctx.catalog.write().note_collision(&set.name);
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(set = %set.name, revision = %name, error, "could not write the revision");
        }
    }
    false
}

async fn create(
    set: &CanonicalSet,
    new: &NewRevision,
    revisions: &Api<ControllerRevision>,
    ctx: &Context,
) -> Result<(), Error> {
    let revision = match post(new, revisions, ctx).await {
        Ok(object) => Revision::read(&object),
        Err(source) if is_code(&source, 409) => Some(adopted(set, revisions).await?),
        Err(source) => return Err(Error::Create { source }),
    };
    info!(set = %set.name, revision = %set.draft.name, number = new.number, "stored the definition in a revision");
    put(set, revision, ctx);
    Ok(())
}

/// Returns the object that has the name of the revision, if it is that revision: an answer may have been lost, and the
/// watch may lag behind.
async fn adopted(set: &CanonicalSet, revisions: &Api<ControllerRevision>) -> Result<Revision, Error> {
    let object = revisions.get(&set.draft.name).await.map_err(|source| match is_code(&source, 404) {
        true => Error::Changed,
        false => Error::Read { source },
    })?;
    match taken_by(set, &object) {
        Taken::Same(revision) => Ok(*revision),
        Taken::Leftover => Err(Error::Leftover),
        Taken::Other => Err(Error::Collision),
    }
}

async fn post(
    new: &NewRevision,
    revisions: &Api<ControllerRevision>,
    ctx: &Context,
) -> Result<ControllerRevision, kube::Error> {
    let body = Body {
        api_version: &ControllerRevision::api_version(&()),
        kind: &ControllerRevision::kind(&()),
        metadata: &new.metadata,
        revision: new.number,
        data: serde_json::from_str(&new.data).map_err(kube::Error::SerdeError)?,
    };
    let body = serde_json::to_vec(&body).map_err(kube::Error::SerdeError)?;
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let request = Request::new(revisions.resource_url()).create(&params, body).map_err(kube::Error::BuildRequest)?;
    ctx.client.request(request).await
}

async fn update(
    set: &CanonicalSet,
    update: &Update,
    revisions: &Api<ControllerRevision>,
    ctx: &Context,
) -> Result<(), Error> {
    let name = &update.revision.name;
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let object = match revisions.patch(name, &params, &Patch::Merge(update.patch())).await {
        Ok(object) => object,
        Err(source) if is_code(&source, 409) || is_code(&source, 404) => return Err(Error::Changed),
        Err(source) => return Err(Error::Update { source }),
    };
    info!(set = %set.name, revision = %name, number = object.revision, "made the revision the present one");
    put(set, Revision::read(&object), ctx);
    Ok(())
}

async fn delete(
    set: &CanonicalSet,
    revision: &Revision,
    revisions: &Api<ControllerRevision>,
    ctx: &Context,
) -> Result<(), Error> {
    let version = revision.version.as_deref().map(str::to_owned);
    let preconditions = Preconditions { resource_version: version, uid: None };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
    match revisions.delete(&revision.name, &params).await {
        Ok(_) => {
            info!(set = %set.name, revision = %revision.name, number = revision.number, "deleted a past revision");
        }
        Err(source) if is_code(&source, 404) => {}
        Err(source) if is_code(&source, 409) => return Err(Error::Changed),
        Err(source) => return Err(Error::Delete { source }),
    }
    ctx.catalog.write().remove_revision(&revision.name);
    Ok(())
}

/// Does not wait for the watch to show what was written. The set may be gone by now, and its revisions with it.
fn put(set: &CanonicalSet, revision: Option<Revision>, ctx: &Context) {
    let mut catalog = ctx.catalog.write();
    let is_current = is_object(&catalog, set);
    if let Some(revision) = revision.filter(|_| is_current) {
        catalog.put_revision(revision);
    }
}

fn is_object(catalog: &Catalog, set: &CanonicalSet) -> bool {
    matches!(catalog.set(&set.name), Some(Entry::Valid(current)) if current.uid == set.uid)
}

fn is_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
