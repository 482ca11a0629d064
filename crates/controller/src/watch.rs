//! Follows what happens to the objects of one kind: a list in pages, then a watch, and a list again whenever the
//! watch has lost its thread.

pub(crate) mod in_force;
pub(crate) mod namespaces;
pub(crate) mod pods;
pub(crate) mod revisions;
pub(crate) mod selection;
pub(crate) mod sets;

use crate::backoff;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::runtime::watcher::{self, Event, watcher};
use serde::de::DeserializeOwned;
use std::error::Error;
use std::fmt::Debug;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tracing::{info, warn};

/// How many objects there are on a page of a list.
const PAGE: u32 = 500;

/// How long a page of a list may take. The client itself waits for ever.
const PAGE_DEADLINE: Duration = Duration::from_secs(60);

const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// A failure this long ago is over.
const FORGIVEN_AFTER: Duration = Duration::from_secs(120);

/// After how many failures in a row the objects are listed anew.
const PATIENCE: u32 = 5;

/// What can be watched.
pub(crate) trait Watched:
    kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static
{
}

impl<K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static> Watched for K {}

/// Hands every event to `take`, for ever. `listed` is told when the first list is complete.
pub(crate) async fn follow<K: Watched>(api: Api<K>, listed: oneshot::Sender<()>, take: impl FnMut(Event<K>)) {
    follow_with(api, watcher::Config::default(), listed, take).await;
}

/// Like [`follow`], for the objects that have a label.
pub(crate) async fn follow_labelled<K: Watched>(
    api: Api<K>,
    label: &str,
    listed: oneshot::Sender<()>,
    take: impl FnMut(Event<K>),
) {
    follow_with(api, watcher::Config::default().labels(label), listed, take).await;
}

async fn follow_with<K: Watched>(
    api: Api<K>,
    config: watcher::Config,
    listed: oneshot::Sender<()>,
    mut take: impl FnMut(Event<K>),
) {
    let config = config.page_size(PAGE);
    let kind = K::kind(&()).into_owned();
    let mut listed = Some(listed);
    let mut troubles = Troubles::default();
    let mut events = begin(&api, &config);
    loop {
        match next(&mut events, troubles.is_listing).await {
            Ok(Some(event)) => {
                troubles.heed(&event, listed.is_none(), &kind);
                let is_list_complete = matches!(event, Event::InitDone);
                take(event);
                if is_list_complete && let Some(listed) = listed.take() {
                    info!(kind, "listed the objects for the first time");
                    // Nobody may be waiting any more: the controller is being shut down.
                    let _ = listed.send(());
                }
            }
            Ok(None) => events = begin(&api, &config),
            Err(error) => {
                tell(&kind, &error);
                let wait = troubles.add(Instant::now());
                if troubles.is_hopeless(&error) {
                    events = begin(&api, &config);
                }
                sleep(wait).await;
            }
        }
    }
}

/// Why a watch does not go on by itself.
#[derive(Debug, thiserror::Error)]
enum Trouble {
    #[error("failed to follow the objects")]
    Watch(#[source] watcher::Error),
    #[error("a page of the list took too long")]
    Silence(#[from] tokio::time::error::Elapsed),
}

#[derive(Debug)]
struct Troubles {
    is_listing: bool,
    failures: u32,
    last: Option<Instant>,
}

impl Default for Troubles {
    fn default() -> Self {
        Self { is_listing: true, failures: 0, last: None }
    }
}

impl Troubles {
    /// Takes note of an event: what still comes is not in trouble.
    fn heed<K>(&mut self, event: &Event<K>, is_repeated: bool, kind: &str) {
        match event {
            Event::Init => {
                self.is_listing = true;
                if is_repeated {
                    info!(kind, "list the objects again");
                }
            }
            Event::InitApply(_) => {}
            Event::InitDone => {
                self.is_listing = false;
                self.failures = 0;
            }
            Event::Apply(_) | Event::Delete(_) => self.failures = 0,
        }
    }

    /// Counts a failure, and answers how long to wait.
    fn add(&mut self, now: Instant) -> Duration {
        if self.last.is_some_and(|last| now - last > FORGIVEN_AFTER) {
            self.failures = 0;
        }
        self.last = Some(now);
        self.failures = self.failures.saturating_add(1);
        backoff::delay(self.failures).min(LONGEST_WAIT)
    }

    fn is_hopeless(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Silence(_) => true,
            Trouble::Watch(watcher::Error::WatchStartFailed(kube::Error::Api(status))) if status.code == 410 => true,
            Trouble::Watch(_) => self.failures.is_multiple_of(PATIENCE),
        }
    }
}

fn begin<K: Watched>(api: &Api<K>, config: &watcher::Config) -> BoxStream<'static, watcher::Result<Event<K>>> {
    watcher(api.clone(), config.clone()).boxed()
}

async fn next<K>(
    events: &mut BoxStream<'static, watcher::Result<Event<K>>>,
    is_listing: bool,
) -> Result<Option<Event<K>>, Trouble> {
    let next = events.try_next();
    let event = if is_listing { timeout(PAGE_DEADLINE, next).await? } else { next.await };
    event.map_err(Trouble::Watch)
}

fn tell(kind: &str, trouble: &Trouble) {
    match trouble {
        Trouble::Watch(watcher::Error::InitialListFailed(kube::Error::Api(status))) if status.code == 404 => {
            warn!(kind, "the API server does not know this kind yet: waiting for its definition");
        }
        Trouble::Watch(_) | Trouble::Silence(_) => {
            warn!(kind, error = trouble as &dyn Error, "the watch was interrupted");
        }
    }
}
