//! The moments at which somebody changed what we keep.

use crate::registration;
use futures::stream::{BoxStream, select_all};
use futures::{Stream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt::Debug;
use tracing::warn;

/// What may have changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// The Secret of the certificate.
    Secret,
    /// The mutating configuration says this now, or is gone.
    Mutating(Option<Box<MutatingWebhookConfiguration>>),
    /// The validating configuration says this now, or is gone.
    Validating(Option<Box<ValidatingWebhookConfiguration>>),
}

/// Yields whenever the Secret or a configuration may have changed.
pub(super) fn of(client: &Client, namespace: &str, secret: &str) -> impl Stream<Item = Change> + use<> {
    select_all([
        // Its metadata alone: keys are read only where they are needed.
        watched::<PartialObjectMeta<Secret>>(Api::namespaced(client.clone(), namespace), secret, |_| Change::Secret),
        watched(Api::all(client.clone()), registration::NAME, Change::Mutating),
        watched(Api::all(client.clone()), registration::NAME, Change::Validating),
    ])
}

fn watched<K>(objects: Api<K>, name: &str, change: fn(Option<Box<K>>) -> Change) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let one = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let events = watcher(objects, one).default_backoff();
    let mut is_listed = false;
    let changes = events.map(move |event| match event {
        Ok(watcher::Event::Init) => {
            is_listed = false;
            None
        }
        Ok(watcher::Event::InitApply(object)) => {
            is_listed = true;
            Some(change(Some(Box::new(object))))
        }
        // What a list does not show is gone.
        Ok(watcher::Event::InitDone) => (!is_listed).then(|| change(None)),
        Ok(watcher::Event::Apply(object)) => Some(change(Some(Box::new(object)))),
        Ok(watcher::Event::Delete(_)) => Some(change(None)),
        Err(error) => {
            warn!(error = &error as &dyn Error, kind = %K::kind(&()), "failed to watch what the webhook keeps");
            None
        }
    });
    changes.filter_map(std::future::ready).boxed()
}
