//! Follows what happens to the objects of one kind: a list, then a watch, and a list again whenever the watch has lost its
//! thread.

pub(crate) mod in_force;
pub(crate) mod namespaces;
mod newest;
pub(crate) mod pods;
pub(crate) mod revisions;
pub(crate) mod selection;
pub(crate) mod sets;
mod troubles;

use crate::metrics::{Kind, Metrics};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::runtime::watcher::{self, Event, InitialListStrategy, watcher};
use serde::de::DeserializeOwned;
use std::fmt::Debug;
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tracing::info;
use troubles::{Trouble, Troubles, tell};

/// How many objects there are on a page of a list.
const PAGE: u32 = 500;

/// How long a page of a list may take, or the next object of one that is streamed. The client itself waits for ever.
const PART_DEADLINE: Duration = Duration::from_secs(60);

/// What can be watched.
pub(crate) trait Watched:
    kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static
{
}

impl<K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static> Watched for K {}

/// What is followed, and where that is counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed<'a> {
    pub(crate) kind: Kind,
    pub(crate) metrics: &'a Metrics,
}

/// Hands every event to `take`, for ever. `listed` is told when the first list is complete.
pub(crate) async fn follow<K: Watched>(
    feed: Feed<'_>,
    api: Api<K>,
    listed: oneshot::Sender<()>,
    take: impl FnMut(Event<K>),
) {
    follow_with(feed, (api, watcher::Config::default()), listed, take).await;
}

/// Like [`follow`], for the objects that have a label.
pub(crate) async fn follow_labelled<K: Watched>(
    feed: Feed<'_>,
    (api, label): (Api<K>, &str),
    listed: oneshot::Sender<()>,
    take: impl FnMut(Event<K>),
) {
    follow_with(feed, (api, watcher::Config::default().labels(label)), listed, take).await;
}

/// Like [`follow`], for objects of which there are many: their list is streamed, where the API server does that. So one of
/// them is in memory at a time; a page of them would be there twice, as text and as it is read.
pub(crate) async fn follow_many<K: Watched>(
    feed: Feed<'_>,
    api: Api<K>,
    listed: oneshot::Sender<()>,
    take: impl FnMut(Event<K>),
) {
    follow_with(feed, (api, watcher::Config::default().streaming_lists()), listed, take).await;
}

async fn follow_with<K: Watched>(
    feed: Feed<'_>,
    (api, config): (Api<K>, watcher::Config),
    listed: oneshot::Sender<()>,
    mut take: impl FnMut(Event<K>),
) {
    let mut follower = Follower::new(feed, api, config.page_size(PAGE));
    let mut listed = Some(listed);
    loop {
        match follower.next().await {
            Ok(Some(event)) => {
                let trouble = follower.heed(&event, listed.is_none());
                let is_list_complete = matches!(event, Event::InitDone);
                take(event);
                if is_list_complete && let Some(listed) = listed.take() {
                    info!(kind = follower.kind, "listed the objects for the first time");
                    // Nobody may be waiting any more: the controller is being shut down.
                    let _ = listed.send(());
                }
                if let Some(trouble) = trouble {
                    follower.recover(&trouble).await;
                }
            }
            Ok(None) => follower.begin(),
            Err(trouble) => follower.recover(&trouble).await,
        }
    }
}

impl Feed<'_> {
    fn note<K>(self, event: &Event<K>) {
        match event {
            Event::Init => self.metrics.begins_list(self.kind),
            Event::InitApply(_) | Event::Apply(_) | Event::Delete(_) => self.metrics.was_shown(self.kind),
            Event::InitDone => {}
        }
    }
}

/// What follows the objects of a kind.
struct Follower<'a, K: Watched> {
    feed: Feed<'a>,
    api: Api<K>,
    config: watcher::Config,
    kind: String,
    events: BoxStream<'static, watcher::Result<Event<K>>>,
    troubles: Troubles,
}

impl<'a, K: Watched> Follower<'a, K> {
    fn new(feed: Feed<'a>, api: Api<K>, config: watcher::Config) -> Self {
        let events = watcher(api.clone(), config.clone()).boxed();
        Self { feed, api, config, kind: K::kind(&()).into_owned(), events, troubles: Troubles::default() }
    }

    fn begin(&mut self) {
        self.events = watcher(self.api.clone(), self.config.clone()).boxed();
    }

    async fn next(&mut self) -> Result<Option<Event<K>>, Trouble> {
        let next = self.events.try_next();
        let event = if self.troubles.is_listing() { timeout(PART_DEADLINE, next).await? } else { next.await };
        event.map_err(Trouble::Watch)
    }

    fn heed(&mut self, event: &Event<K>, is_repeated: bool) -> Option<Trouble> {
        self.feed.note(event);
        if is_repeated && matches!(event, Event::Init) {
            info!(kind = self.kind, "list the objects again");
        }
        self.troubles.heed(event)
    }

    async fn recover(&mut self, trouble: &Trouble) {
        tell(&self.kind, trouble);
        self.feed.metrics.interrupted(self.feed.kind, trouble.interruption());
        let wait = self.troubles.add(trouble, Instant::now());
        let is_streaming = self.config.initial_list_strategy == InitialListStrategy::StreamingList;
        if is_streaming && self.troubles.is_for_pages(trouble) {
            info!(kind = self.kind, "list the objects in pages from now on");
            self.config.initial_list_strategy = InitialListStrategy::ListWatch;
            self.begin();
        } else if self.troubles.is_hopeless(trouble) {
            self.begin();
        }
        sleep(wait).await;
    }
}
