//! What a new Pod gets, decided from memory.

use crate::confirmation;
use crate::context::Context;
use crate::namespace;
use crate::review::{Cause, Denial, Operation, Request, Unavailable, Verdict, told};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Answer, Called, Doubt, Selection, Unjudged};
use sidecarset_core::event;
use sidecarset_core::injection::{self, Injection, Refusal, Rejection};
use sidecarset_core::json::Json;
use sidecarset_core::registration::Call;
use sidecarset_core::revision;
use std::error::Error;
use std::time::Duration;
use tokio::time::timeout;
use tracing::{debug, info, warn};

/// A request to create a Pod. The Pod is read without a copy of its strings.
type PodRequest<'a> = Request<'a, Json<'a>>;

/// Before the API server hangs up, which would not say why.
const DEADLINE: Duration = Duration::from_millis(2500);
/// The namespace of a Pod that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Decides what a Pod gets that is about to be created.
///
/// # Errors
/// Nobody can say.
pub async fn mutate(request: &PodRequest<'_>, call: Option<Call>, context: &Context) -> Result<Verdict, Unavailable> {
    let pod = match subject(request) {
        Ok(Some(pod)) => pod,
        Ok(None) => return Ok(Verdict::untouched()),
        Err(denial) => return Ok(Verdict::Denied(denial)),
    };
    let namespace = namespace_of(request);
    let labels = pod.at("metadata").at("labels");
    let called = Called { pod: &labels, namespace, call, failure_policy: context.failure_policy };
    let pod = pod_name(request);
    let selection = timeout(DEADLINE, selection(called, context)).await.unwrap_or_else(|_| Err(too_late()));
    let selection = selection.inspect_err(|error| {
        warn!(%namespace, %pod, %error, "could not say what a new pod gets");
    })?;
    Ok(match decide(request, &selection, context) {
        Ok(injection) => {
            if !injection.injected.is_empty() {
                info!(%namespace, %pod, sets = ?injection.injected, "injected the sidecars into a new pod");
            }
            note(request, &injection, context);
            Verdict::Allowed { patch: injection.patch, warnings: injection.warnings }
        }
        Err(denial) => {
            warn!(%namespace, %pod, %denial, "refused a new pod");
            Verdict::Denied(denial)
        }
    })
}

/// Counts what the Pod gets, and has the authors of sets told what their sidecars do to it. Nothing is waited for: where
/// there is no room in the queue, it is not told.
fn note(request: &PodRequest<'_>, injection: &Injection, context: &Context) {
    if request.dry_run == Some(true) {
        return;
    }
    context.metrics.injected(injection.injected.len(), injection.containers);
    // What the names of Pods begin with is the same for all Pods of an owner, so that the same is not told of each.
    let metadata = request.object.at("metadata");
    let pods = told(metadata.at("generateName").as_str().or(metadata.at("name").as_str()).unwrap_or_default());
    for clash in &injection.clashes {
        let event = event::clashed(clash, namespace_of(request), pods);
        if context.events.try_send(event).is_err() {
            context.metrics.dropped_event();
            debug!(reason = ?clash.kind, "dropped an event: too many wait to be written");
        }
    }
}

/// Returns the Pod, if it is one that may get something.
fn subject<'a>(request: &PodRequest<'a>) -> Result<Option<Json<'a>>, Denial> {
    let unexpected = || Denial::unexpected(request, "a Pod (v1) as v1/pods");
    if !request.resource.group.is_empty() || request.resource.resource != "pods" {
        return Err(unexpected());
    }
    let is_whole = request.sub_resource.unwrap_or_default().is_empty();
    if !is_whole || request.operation != Operation::Create {
        return Ok(None);
    }
    if !request.kind.group.is_empty() || request.kind.kind != "Pod" {
        return Err(unexpected());
    }
    if !request.object.is_object() {
        return Err(Denial::BadRequest("the request to create a Pod has no object".to_owned()));
    }
    Ok((!injection::is_mirror_pod(&request.object)).then_some(request.object))
}

fn namespace_of<'a>(request: &PodRequest<'a>) -> &'a str {
    let own = request.object.at("metadata").at("namespace").as_str();
    let candidates = [own, request.namespace];
    told(candidates.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or(DEFAULT_NAMESPACE))
}

fn pod_name<'a>(request: &PodRequest<'a>) -> &'a str {
    let metadata = request.object.at("metadata");
    told(metadata.at("name").as_str().or(metadata.at("generateName").as_str()).unwrap_or_default())
}

/// Returns the sets that select a Pod: from memory, unless the API server knows better, or nobody has looked.
async fn selection(called: Called<'_, Json<'_>>, context: &Context) -> Result<Selection, Unavailable> {
    context.registrar.until_arrived(called.pod, &context.catalog).await;
    let answer = answer(called, context).await?;
    match answer.doubt {
        Some(Doubt::Sets) => {
            let confirmed = context.confirmation.confirm(&context.catalog).await;
            context.metrics.confirmed(&confirmed);
            confirmed.map_err(|error| unconfirmed(&error))?;
            // It may know more by now.
            Ok(self::answer(called, context).await?.selection)
        }
        Some(Doubt::Namespace) | None => Ok(answer.selection),
    }
}

fn too_late() -> Unavailable {
    Unavailable("the SidecarSet operator could not find out in time which SidecarSets select this pod".to_owned())
}

async fn answer(called: Called<'_, Json<'_>>, context: &Context) -> Result<Answer, Unavailable> {
    let answer = context.catalog.read().answer(called, None);
    if answer.doubt == Some(Doubt::Namespace) { with_namespace(called, context).await } else { Ok(answer) }
}

fn unconfirmed(error: &confirmation::Error) -> Unavailable {
    warn!(error = error as &dyn Error, "failed to find out for which SidecarSet the API server calls");
    Unavailable(format!(
        "the SidecarSet operator knows no SidecarSet for which the API server could have called it: {error}"
    ))
}

/// Answers with the labels of the namespace as they are now.
async fn with_namespace(called: Called<'_, Json<'_>>, context: &Context) -> Result<Answer, Unavailable> {
    let looked_up = namespace::look_up(&*context.namespaces, called.namespace).await;
    context.metrics.looked_up(&looked_up);
    let error = match looked_up {
        Ok(labels) => return Ok(context.catalog.read().answer(called, Some(&labels))),
        Err(error) => error,
    };
    warn!(error = &error as &dyn Error, namespace = called.namespace, "failed to look up a namespace");
    context.catalog.read().answer_without_labels(called).map_err(|Unjudged(sets)| {
        Unavailable(format!(
            "the SidecarSet operator does not know the labels of namespace {:?}, on which it depends whether {} selects this \
             pod: {error}",
            called.namespace,
            sets.join(", ")
        ))
    })
}

fn decide(request: &PodRequest<'_>, selection: &Selection, context: &Context) -> Result<Injection, Denial> {
    let now = Seconds::from((context.now)());
    let draw = |set: &str| revision::draw(request.uid, set);
    let decided = injection::decide(&request.object, selection, draw, now);
    decided.map_err(|rejection| Denial::Invalid {
        cause: match &rejection {
            Rejection::InvalidSet(_) => Cause::InvalidSet,
            Rejection::NotInjectable { refusal, .. } => cause(refusal),
        },
        message: rejection.to_string(),
        details: None,
    })
}

fn cause(refusal: &Refusal) -> Cause {
    match refusal {
        Refusal::SameContainer { .. } => Cause::SameContainer,
        Refusal::NoTarget { .. } => Cause::NoTarget,
        Refusal::Pin { .. } => Cause::UnusablePin,
        Refusal::NotAllowed { .. } => Cause::NotAllowed,
        Refusal::Misfits(_) => Cause::Misfit,
        Refusal::Amount { .. } | Refusal::Annotation(_) | Refusal::Metadata(_) | Refusal::Shape { .. } => {
            Cause::UnreadablePod
        }
    }
}
