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
use sidecarset_api::item::Item;
use std::error::Error;
use std::fmt::Debug;
use tracing::warn;

/// What may have changed.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Change {
    /// A Secret of the certificate, or of the proofs.
    Secret,
    /// The mutating configuration says this now, or is gone.
    Mutating(Option<Box<MutatingWebhookConfiguration>>),
    /// The validating configuration says this now, or is gone.
    Validating(Option<Box<ValidatingWebhookConfiguration>>),
}

/// Yields whenever one of the Secrets or a configuration may have changed.
pub(super) fn of(client: &Client, namespace: &str, secrets: &[&str]) -> impl Stream<Item = Change> + use<> {
    // Their metadata alone: keys are read only where they are needed.
    let of_secret = |secret: &&str| {
        let secrets = Api::namespaced(client.clone(), namespace);
        watched::<PartialObjectMeta<Secret>>(secrets, secret, |_| Change::Secret)
    };
    select_all(secrets.iter().map(of_secret).chain([
        watched(Api::all(client.clone()), registration::NAME, Change::Mutating),
        watched(Api::all(client.clone()), registration::NAME, Change::Validating),
    ]))
}

fn watched<K>(objects: Api<Item<K>>, name: &str, change: fn(Option<Box<K>>) -> Change) -> BoxStream<'static, Change>
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
            Some(change(readable(object)))
        }
        // What a list does not show is gone.
        Ok(watcher::Event::InitDone) => (!is_listed).then(|| change(None)),
        Ok(watcher::Event::Apply(object)) => Some(change(readable(object))),
        Ok(watcher::Event::Delete(_)) => Some(change(None)),
        Err(error) => {
            warn!(error = &error as &dyn Error, kind = %K::kind(&()), "failed to watch what the webhook keeps");
            None
        }
    });
    changes.filter_map(std::future::ready).boxed()
}

/// Returns an object as it is; nothing where it cannot be read, as if it were gone: it is written anew then.
fn readable<K: Resource<DynamicType = ()>>(item: Item<K>) -> Option<Box<K>> {
    if let Some(fault) = &item.fault {
        let (kind, name) = (K::kind(&()), item.meta().name.as_deref());
        warn!(%kind, name, error = &**fault as &dyn Error, "could not read what the webhook keeps");
    }
    item.object.ok().map(Box::new)
}
