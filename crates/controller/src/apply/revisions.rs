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
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::reconcile::RevisionAnswer;
use sidecarset_core::revision::{Change, NewRevision, Revision, Taken, Update, taken_by};
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

/// Writes one change.
pub(super) async fn write(set: &CanonicalSet, change: &Change, ctx: &Context) {
    let revisions: Api<ControllerRevision> = Api::namespaced(ctx.client.clone(), &ctx.settings.namespace);
    let name = match change {
        Change::Create(_) => &set.draft.name,
        Change::Update(update) => &update.revision.name,
        Change::Delete(revision) => &revision.name,
    };
    let began = Instant::now();
    let answer = timeout(PATIENCE, async {
        match change {
            Change::Create(new) => create(set, new, &revisions, ctx).await,
            Change::Update(change) => update(set, change, &revisions).await,
            Change::Delete(revision) => delete(set, revision, &revisions).await,
        }
    });
    let answer = answer.await.unwrap_or_else(|elapsed| Err(elapsed.into()));
    ctx.metrics().wrote(Write::Revision, answer.as_ref().map_or_else(Error::written, |_| Written::Done), began);
    let answer = answer.unwrap_or_else(|error| tell(&error, set, name));
    ctx.drive_changing(|driver, catalog| {
        driver.answer_revision(ctx.clock.now(), (set, change), answer, catalog);
    });
}

fn tell(error: &Error, set: &CanonicalSet, name: &str) -> RevisionAnswer {
    match error {
        Error::Changed => debug!(set = %set.name, revision = %name, "the revision changed before it was written"),
        Error::Collision => {
            warn!(set = %set.name, revision = %name, "another object has the name of the revision: it gets the next one");
            return RevisionAnswer::Collision;
        }
        error => {
            let error = error as &dyn std::error::Error;
            warn!(set = %set.name, revision = %name, error, "could not write the revision");
        }
    }
    RevisionAnswer::Failed
}

async fn create(
    set: &CanonicalSet,
    new: &NewRevision,
    revisions: &Api<ControllerRevision>,
    ctx: &Context,
) -> Result<RevisionAnswer, Error> {
    let revision = match post(new, revisions, ctx).await {
        Ok(object) => Revision::read(&object),
        Err(source) if is_code(&source, 409) => Some(adopted(set, revisions).await?),
        Err(source) => return Err(Error::Create { source }),
    };
    info!(set = %set.name, revision = %set.draft.name, number = new.number, "stored the definition in a revision");
    Ok(RevisionAnswer::Stored(revision))
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
) -> Result<RevisionAnswer, Error> {
    let name = &update.revision.name;
    let params = PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() };
    let object = match revisions.patch(name, &params, &Patch::Merge(update.patch())).await {
        Ok(object) => object,
        Err(source) if is_code(&source, 409) || is_code(&source, 404) => return Err(Error::Changed),
        Err(source) => return Err(Error::Update { source }),
    };
    info!(set = %set.name, revision = %name, number = object.revision, "made the revision the present one");
    Ok(RevisionAnswer::Stored(Revision::read(&object)))
}

async fn delete(
    set: &CanonicalSet,
    revision: &Revision,
    revisions: &Api<ControllerRevision>,
) -> Result<RevisionAnswer, Error> {
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
    Ok(RevisionAnswer::Deleted)
}

fn is_code(error: &kube::Error, code: u16) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == code)
}
