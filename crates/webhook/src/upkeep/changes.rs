//! The moments at which somebody changed what we keep.

use crate::certificate::SECRET;
use crate::registration;
use futures::stream::{BoxStream, select_all};
use futures::{Stream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource};
use std::error::Error;
use std::fmt::Debug;
use tracing::warn;

/// Yields whenever the Secret or a configuration may have changed.
pub(super) fn of(client: &Client, namespace: &str) -> impl Stream<Item = ()> + use<> {
    select_all([
        watched::<Secret>(Api::namespaced(client.clone(), namespace), SECRET),
        watched::<MutatingWebhookConfiguration>(Api::all(client.clone()), registration::NAME),
        watched::<ValidatingWebhookConfiguration>(Api::all(client.clone()), registration::NAME),
    ])
}

fn watched<K>(objects: Api<PartialObjectMeta<K>>, name: &str) -> BoxStream<'static, ()>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
{
    let one = watcher::Config::default().fields(&format!("metadata.name={name}"));
    let events = watcher(objects, one).default_backoff();
    events
        .filter_map(|event| async move {
            match event {
                Ok(watcher::Event::Init) => None,
                Ok(
                    watcher::Event::InitApply(_)
                    | watcher::Event::InitDone
                    | watcher::Event::Apply(_)
                    | watcher::Event::Delete(_),
                ) => Some(()),
                Err(error) => {
                    warn!(error = &error as &dyn Error, kind = %K::kind(&()), "failed to watch what the webhook keeps");
                    None
                }
            }
        })
        .boxed()
}
