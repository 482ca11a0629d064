//! Whether memory knows every SidecarSet that there is, asked of the API server where there is reason to doubt it.

use crate::shared_read::SharedRead;
use futures::FutureExt;
use futures::future::BoxFuture;
use kube::api::{ListParams, ObjectList, Request};
use kube::core::PartialObjectMeta;
use kube::{Client, Resource, ResourceExt};
use parking_lot::RwLock;
use sidecarset_api::item::Item;
use sidecarset_api::v1beta1::SidecarSet;
use sidecarset_core::catalog::{Catalog, SetIdentity};
use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout};

/// The API server waits for the answer, and the Pod's author for the API server.
const DEADLINE: Duration = Duration::from_secs(1);
/// How often memory is looked at for what it does not know yet.
const LOOK: Duration = Duration::from_millis(10);

/// Where all sets are listed.
pub trait SetSource: Debug + Send + Sync {
    /// Returns the sets that there are now.
    fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>>;
}

/// Lists sets at the API server.
#[derive(Clone)]
pub struct LiveSets {
    client: Client,
}

/// Why it is not known whether memory knows every set.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Error {
    /// The API server could not be asked.
    #[error("the SidecarSets could not be listed")]
    List(#[source] Arc<kube::Error>),
    /// There are others.
    #[error("SidecarSet {0:?} is not known yet")]
    Unknown(String),
    /// The API server did not answer.
    #[error("the SidecarSets could not be listed within 1 s")]
    Deadline,
}

/// Asks the API server for all sets.
#[derive(Debug)]
pub struct Confirmation {
    source: Arc<dyn SetSource>,
    listed: SharedRead<Listed>,
}

type Listed = Result<Arc<[SetIdentity]>, Error>;

impl LiveSets {
    /// Lists sets with this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

impl Debug for LiveSets {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("LiveSets").finish_non_exhaustive()
    }
}

impl SetSource for LiveSets {
    fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>> {
        async {
            let request = Request::new(SidecarSet::url_path(&(), None)).list_metadata(&ListParams::default());
            let request = request.map_err(kube::Error::BuildRequest)?;
            let listed: ObjectList<Item<PartialObjectMeta<SidecarSet>>> = self.client.request(request).await?;
            let identity = |set: Item<PartialObjectMeta<SidecarSet>>| SetIdentity {
                name: set.name_any(),
                uid: set.uid(),
                generation: set.meta().generation.unwrap_or_default(),
            };
            Ok(listed.items.into_iter().map(identity).collect())
        }
        .boxed()
    }
}

impl Confirmation {
    /// Returns one that asks there.
    #[must_use]
    pub fn new(source: Arc<dyn SetSource>) -> Self {
        Self { source, listed: SharedRead::default() }
    }

    /// Waits until memory knows every set that there is now, but not longer than a second.
    pub(crate) async fn confirm(&self, catalog: &RwLock<Catalog>) -> Result<(), Error> {
        let latest = Instant::now() + DEADLINE;
        let sets = timeout(DEADLINE, self.listed()).await.unwrap_or(Err(Error::Deadline))?;
        loop {
            let unknown = {
                let catalog = catalog.read();
                sets.iter().find(|set| !catalog.is_current(set)).map(|set| set.name.clone())
            };
            match unknown {
                None => return Ok(()),
                Some(name) if Instant::now() >= latest => return Err(Error::Unknown(name)),
                Some(_) => sleep(LOOK).await,
            }
        }
    }

    async fn listed(&self) -> Listed {
        let list = async || self.source.sets().await.map(Arc::from).map_err(|error| Error::List(Arc::new(error)));
        self.listed.read(list).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A source that has one set.
    #[derive(Debug)]
    struct Logs;

    impl SetSource for Logs {
        fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>> {
            async {
                sleep(Duration::from_millis(100)).await;
                Ok(vec![SetIdentity { name: "logs".to_owned(), uid: None, generation: 2 }])
            }
            .boxed()
        }
    }

    /// A source that never answers.
    #[derive(Debug)]
    struct Mute;

    impl SetSource for Mute {
        fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>> {
            std::future::pending().boxed()
        }
    }

    fn put(catalog: &RwLock<Catalog>, generation: i64) {
        let set = json!({
            "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
            "metadata": {"name": "logs", "generation": generation},
            "spec": {"selector": {"matchLabels": {"app": "a"}}, "containers": [{"name": "a", "image": "i"}]},
        });
        catalog.write().put_set(&serde_json::from_value(set).unwrap());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_confirmed() {
        let (confirmation, catalog) = (Confirmation::new(Arc::new(Logs)), RwLock::default());
        put(&catalog, 2);

        assert!(confirmation.confirm(&catalog).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_known_is_waited_for() {
        let (confirmation, catalog) = (Confirmation::new(Arc::new(Logs)), RwLock::default());
        put(&catalog, 1);
        let began = Instant::now();

        let arrival = async {
            sleep(Duration::from_millis(500)).await;
            put(&catalog, 2);
        };
        let (confirmed, ()) = tokio::join!(confirmation.confirm(&catalog), arrival);

        assert!(confirmed.is_ok());
        assert!((500..520).contains(&began.elapsed().as_millis()), "{:?}", began.elapsed());
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_come_within_a_second_is_not_known() {
        let (confirmation, catalog) = (Confirmation::new(Arc::new(Logs)), RwLock::default());
        put(&catalog, 1);
        let began = Instant::now();

        let error = confirmation.confirm(&catalog).await.unwrap_err();

        assert_eq!(error.to_string(), "SidecarSet \"logs\" is not known yet");
        assert_eq!(began.elapsed(), DEADLINE);
        let mute = Confirmation::new(Arc::new(Mute));
        assert!(matches!(mute.confirm(&catalog).await, Err(Error::Deadline)));
    }
}
