//! What a new Pod gets, decided from memory.

use crate::context::Context;
use crate::namespace;
use crate::review::{Cause, Denial, Operation, Request, Verdict};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::Selection;
use sidecarset_core::event;
use sidecarset_core::injection::{self, Injection, Refusal, Rejection};
use sidecarset_core::json::Json;
use sidecarset_core::revision;
use std::error::Error;
use tracing::{debug, info, warn};

/// A request to create a Pod. The Pod is read without a copy of its strings.
type PodRequest<'a> = Request<'a, Json<'a>>;

/// The namespace of a Pod that names none.
const DEFAULT_NAMESPACE: &str = "default";

/// Decides what a Pod gets that is about to be created.
pub async fn mutate(request: &PodRequest<'_>, context: &Context) -> Verdict {
    let pod = match subject(request) {
        Ok(Some(pod)) => pod,
        Ok(None) => return Verdict::untouched(),
        Err(denial) => return Verdict::Denied(denial),
    };
    let namespace = namespace_of(request);
    let decision = match selection(pod, namespace, context).await {
        Ok(selection) => decide(request, &selection, context),
        Err(denial) => Err(denial),
    };
    let pod = pod_name(request);
    match decision {
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
    }
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
    let pods = metadata.at("generateName").as_str().or(metadata.at("name").as_str()).unwrap_or_default();
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
    Ok((!injection::is_left_alone(&request.object)).then_some(request.object))
}

fn namespace_of<'a>(request: &PodRequest<'a>) -> &'a str {
    let own = request.object.at("metadata").at("namespace").as_str();
    let candidates = [own, request.namespace];
    candidates.into_iter().flatten().find(|name| !name.is_empty()).unwrap_or(DEFAULT_NAMESPACE)
}

fn pod_name<'a>(request: &PodRequest<'a>) -> &'a str {
    let metadata = request.object.at("metadata");
    metadata.at("name").as_str().or(metadata.at("generateName").as_str()).unwrap_or_default()
}

async fn selection(pod: Json<'_>, namespace: &str, context: &Context) -> Result<Selection, Denial> {
    let labels = pod.at("metadata").at("labels");
    context.registrar.until_arrived(&labels, &context.catalog).await;
    let known = {
        let catalog = context.catalog.read();
        catalog.select(&labels, catalog.namespace(namespace).map(AsRef::as_ref))
    };
    if !known.needs_namespace {
        return Ok(known);
    }
    let looked_up = namespace::look_up(&*context.namespaces, namespace).await;
    context.metrics.looked_up(&looked_up);
    let found = looked_up.map_err(|error| {
        warn!(error = &error as &dyn Error, %namespace, "failed to look up a namespace");
        Denial::Unavailable(format!(
            "the SidecarSet operator does not know the labels of namespace {namespace:?}, on which the sidecars of \
             this pod depend: {error}"
        ))
    })?;
    Ok(context.catalog.read().select(&labels, Some(&found)))
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
        Refusal::Amount { .. } | Refusal::Annotation(_) | Refusal::Metadata(_) | Refusal::Shape { .. } => {
            Cause::UnreadablePod
        }
    }
}
