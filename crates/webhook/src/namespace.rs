//! The labels of a namespace that is not in memory yet.

use crate::shared_read::SharedRead;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Namespace;
use kube::{Api, Client};
use parking_lot::Mutex;
use sidecarset_core::catalog::NamespaceLabels;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::sync::{Arc, Weak};
use std::time::Duration;

/// The API server waits for the answer, and the Pod's author for the API server.
const DEADLINE: Duration = Duration::from_secs(1);

/// Where namespaces are looked up one by one.
pub trait NamespaceSource: Debug + Send + Sync {
    /// Returns the labels of the namespace of this name.
    fn labels<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, Error>>;
}

/// Looks namespaces up at the API server.
pub struct LiveNamespaces {
    namespaces: Api<Namespace>,
    // Those that are being looked up.
    under_way: Mutex<BTreeMap<String, Weak<LookUp>>>,
}

type LookUp = SharedRead<Result<NamespaceLabels, Error>>;

/// Why a namespace's labels are not known.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// There is no such namespace.
    #[error("there is no such namespace")]
    Missing,
    /// The API server could not be asked.
    #[error("the namespace could not be read")]
    Read(#[source] Arc<kube::Error>),
    /// The API server did not answer.
    #[error("the namespace could not be read within 1 s")]
    Deadline,
}

impl LiveNamespaces {
    /// Looks namespaces up with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { namespaces: Api::all(client), under_way: Mutex::default() }
    }

    async fn read(&self, name: &str) -> Result<NamespaceLabels, Error> {
        match self.namespaces.get_metadata_opt(name).await {
            Ok(Some(namespace)) => Ok(namespace.metadata.labels.unwrap_or_default()),
            Ok(None) => Err(Error::Missing),
            Err(error) => Err(Error::Read(Arc::new(error))),
        }
    }

    /// Returns the look-up that is shared by all who want to know of this namespace at the same time.
    fn look_up(&self, name: &str) -> Arc<LookUp> {
        let mut under_way = self.under_way.lock();
        under_way.retain(|_, look_up| look_up.strong_count() > 0);
        if let Some(present) = under_way.get(name).and_then(Weak::upgrade) {
            return present;
        }
        let new = Arc::<LookUp>::default();
        under_way.insert(name.to_owned(), Arc::downgrade(&new));
        new
    }
}

impl Debug for LiveNamespaces {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LiveNamespaces").finish_non_exhaustive()
    }
}

impl NamespaceSource for LiveNamespaces {
    fn labels<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, Error>> {
        Box::pin(async move { self.look_up(name).read(async || self.read(name).await).await })
    }
}

/// Looks a namespace up, and gives up after a second.
pub(crate) async fn look_up(source: &dyn NamespaceSource, name: &str) -> Result<NamespaceLabels, Error> {
    tokio::time::timeout(DEADLINE, source.labels(name)).await.unwrap_or(Err(Error::Deadline))
}
