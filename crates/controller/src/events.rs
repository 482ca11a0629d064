//! Writes events. They tell people what changed, and nothing depends on them: what the queue has no room for, or the API server
//! does not take, is dropped.

mod pace;
mod recent;

use crate::context::Context;
use crate::metrics::{Write, Written};
use k8s_openapi::api::core::v1::{ObjectReference, Pod};
use k8s_openapi::api::events::v1::Event as WireEvent;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::PostParams;
use kube::{Api, Resource};
use pace::Pace;
use recent::Recent;
use sidecarset_api::markers::{EVENT_SOURCE, FIELD_MANAGER};
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::event::{Event, EventKind, Subject};
use std::error::Error;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc::{self, Receiver, Sender};
use tokio::time::{Instant, sleep_until, timeout};
use tracing::warn;

/// How many events may wait to be written.
const QUEUE: usize = 256;

/// How long the API server may take to answer.
const DEADLINE: Duration = Duration::from_secs(5);

/// The most letters that the API server keeps of what the name of an object begins with.
const LONGEST_PREFIX: usize = 57;

/// Events of objects that are in no namespace are kept here: `kubectl describe` looks for them in it.
const NAMESPACE: &str = "default";

/// Returns the queue of events that wait to be written. Whoever puts one into it must not wait until there is room.
#[must_use]
pub fn queue() -> (Sender<Event>, Receiver<Event>) {
    mpsc::channel(QUEUE)
}

/// Writes events one after the other, for ever.
pub(crate) async fn write(ctx: Arc<Context>, mut queue: Receiver<Event>) {
    let mut pace = Pace::default();
    let mut recent = Recent::default();
    while let Some(event) = queue.recv().await {
        if !recent.note(&event, Instant::now()) {
            continue;
        }
        sleep_until(pace.next(Instant::now())).await;
        post(&event, &ctx).await;
    }
    // Nobody tells any more: the controller is being shut down.
    std::future::pending::<()>().await;
}

async fn post(event: &Event, ctx: &Context) {
    let object = on_the_wire(event, MicroTime((ctx.settings.clock)()));
    let namespace = object.metadata.namespace.as_deref().unwrap_or(NAMESPACE);
    let events: Api<WireEvent> = Api::namespaced(ctx.teller(), namespace);
    let params = PostParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PostParams::default() };
    let reason = &event.reason;
    let began = Instant::now();
    let written = match timeout(DEADLINE, events.create(&params, &object)).await {
        Ok(Ok(_)) => Written::Done,
        Ok(Err(error)) => {
            warn!(reason, error = &error as &dyn Error, "could not write an event");
            Written::failed(&error)
        }
        Err(elapsed) => {
            warn!(reason, error = &elapsed as &dyn Error, "could not write an event");
            Written::Unanswered
        }
    };
    ctx.metrics().wrote(Write::Event, written, began);
}

fn on_the_wire(event: &Event, now: MicroTime) -> WireEvent {
    let regarding = reference(&event.subject);
    WireEvent {
        metadata: ObjectMeta {
            generate_name: regarding.name.as_deref().map(prefix),
            namespace: Some(regarding.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned())),
            ..ObjectMeta::default()
        },
        regarding: Some(regarding),
        type_: Some(match event.kind {
            EventKind::Normal => "Normal".to_owned(),
            EventKind::Warning => "Warning".to_owned(),
        }),
        reason: Some(event.reason.clone()),
        action: Some(event.action.to_owned()),
        note: Some(event.note.clone()),
        event_time: Some(now),
        reporting_controller: Some(EVENT_SOURCE.to_owned()),
        reporting_instance: Some(EVENT_SOURCE.to_owned()),
        ..WireEvent::default()
    }
}

/// Returns what the name of an event begins with. The API server adds to it, and cuts off what is too long by itself; but it takes
/// only what could be a name already.
fn prefix(name: &str) -> String {
    let end = name.floor_char_boundary(LONGEST_PREFIX);
    format!("{}-", name[..end].trim_end_matches(['.', '-']))
}

fn reference(subject: &Subject) -> ObjectReference {
    match subject {
        Subject::Set { name, uid } => ObjectReference {
            api_version: Some(SidecarSet::api_version(&()).into_owned()),
            kind: Some(SidecarSet::kind(&()).into_owned()),
            name: Some(name.to_string()),
            uid: uid.as_deref().map(str::to_owned),
            ..ObjectReference::default()
        },
        Subject::Pod { key, uid } => ObjectReference {
            api_version: Some(Pod::api_version(&()).into_owned()),
            kind: Some(Pod::kind(&()).into_owned()),
            namespace: Some(key.namespace().to_owned()),
            name: Some(key.name().to_owned()),
            uid: Some(uid.to_string()),
            ..ObjectReference::default()
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_begins_with_that_of_its_object() {
        let long = format!("{}.example", "a".repeat(56));

        assert_eq!(prefix("web-0"), "web-0-");
        assert_eq!(prefix(&long), format!("{}-", "a".repeat(56)));
    }
}
