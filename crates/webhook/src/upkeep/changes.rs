//! The moments at which somebody changed what we keep.

use crate::registration::{self, Versions};
use futures::stream::{BoxStream, select_all};
use futures::{Stream, StreamExt};
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, ValidatingWebhookConfiguration};
use k8s_openapi::api::core::v1::Secret;
use kube::core::PartialObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use kube::{Api, Client, Resource, ResourceExt};
use std::error::Error;
use std::fmt::Debug;
use tracing::warn;

/// What may have changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// The Secret of the certificate.
    Secret,
    /// The mutating configuration is of this version now, or gone.
    Mutating(Option<String>),
    /// The validating configuration is of this version now, or gone.
    Validating(Option<String>),
}

impl Change {
    /// Takes note of it in the versions that there are.
    pub(super) fn note(self, versions: &mut Versions) {
        match self {
            Self::Secret => {}
            Self::Mutating(version) => versions.mutating = version,
            Self::Validating(version) => versions.validating = version,
        }
    }
}

/// Yields whenever the Secret or a configuration may have changed.
pub(super) fn of(client: &Client, namespace: &str, secret: &str) -> impl Stream<Item = Change> + use<> {
    select_all([
        watched::<Secret>(Api::namespaced(client.clone(), namespace), secret, |_| Change::Secret),
        watched::<MutatingWebhookConfiguration>(Api::all(client.clone()), registration::NAME, Change::Mutating),
        watched::<ValidatingWebhookConfiguration>(Api::all(client.clone()), registration::NAME, Change::Validating),
    ])
}

fn watched<K>(
    objects: Api<PartialObjectMeta<K>>,
    name: &str,
    change: fn(Option<String>) -> Change,
) -> BoxStream<'static, Change>
where
    K: Resource<DynamicType = ()> + Clone + Debug + Send + Sync + 'static,
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
            Some(change(object.resource_version()))
        }
        // What a list does not show is gone.
        Ok(watcher::Event::InitDone) => (!is_listed).then(|| change(None)),
        Ok(watcher::Event::Apply(object)) => Some(change(object.resource_version())),
        Ok(watcher::Event::Delete(_)) => Some(change(None)),
        Err(error) => {
            warn!(error = &error as &dyn Error, kind = %K::kind(&()), "failed to watch what the webhook keeps");
            None
        }
    });
    changes.filter_map(std::future::ready).boxed()
}
