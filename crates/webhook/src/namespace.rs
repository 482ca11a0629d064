//! The labels of a namespace that is not in memory yet.

use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::core::PartialObjectMeta;
use kube::{Api, Client};
use sidecarset_core::catalog::NamespaceLabels;
use std::fmt::{self, Debug};
use std::time::Duration;

/// The API server waits for the answer, and the Pod's author for the API server.
const DEADLINE: Duration = Duration::from_secs(1);

/// Where namespaces are looked up one by one.
pub trait NamespaceSource: Debug + Send + Sync {
    /// Returns the labels of the namespace of this name.
    fn labels<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, Error>>;
}

/// Looks namespaces up at the API server.
#[derive(Clone)]
pub struct LiveNamespaces {
    namespaces: Api<PartialObjectMeta<Namespace>>,
}

/// Why a namespace's labels are not known.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such namespace.
    #[error("there is no such namespace")]
    Missing,
    /// The API server could not be asked.
    #[error("the namespace could not be read")]
    Read(#[source] kube::Error),
    /// The API server did not answer.
    #[error("the namespace could not be read within 1 s")]
    Deadline,
}

impl LiveNamespaces {
    /// Looks namespaces up with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { namespaces: Api::all(client) }
    }
}

impl Debug for LiveNamespaces {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LiveNamespaces").finish_non_exhaustive()
    }
}

impl NamespaceSource for LiveNamespaces {
    fn labels<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, Error>> {
        Box::pin(async move {
            match self.namespaces.get_opt(name).await {
                Ok(Some(namespace)) => Ok(namespace.metadata.labels.unwrap_or_default()),
                Ok(None) => Err(Error::Missing),
                Err(error) => Err(Error::Read(error)),
            }
        })
    }
}

/// Looks a namespace up, and gives up after a second.
pub(crate) async fn look_up(source: &dyn NamespaceSource, name: &str) -> Result<NamespaceLabels, Error> {
    tokio::time::timeout(DEADLINE, source.labels(name)).await.unwrap_or(Err(Error::Deadline))
}
