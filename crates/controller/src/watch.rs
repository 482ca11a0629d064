//! Follows what happens to the objects of one kind: a list, then a watch, and a list again whenever the watch has lost its
//! thread.

pub(crate) mod in_force;
pub(crate) mod namespaces;
mod newest;
pub(crate) mod permissions;
pub(crate) mod pods;
pub(crate) mod revisions;
pub(crate) mod selection;
pub(crate) mod sets;
mod troubles;
mod unreadable;

use crate::contact::Contact;
use crate::metrics::{Kind, Metrics};
use crate::panics;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt};
use kube::Api;
use kube::runtime::watcher::{self, Event, InitialListStrategy, watcher};
use serde::de::DeserializeOwned;
use sidecarset_api::item::Item;
use std::error::Error;
use std::fmt::Debug;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{error, info};
use troubles::{Trouble, Troubles, tell};
use unreadable::{UnreadableObjects, name};

/// How many objects there are on a page of a list.
const PAGE: u32 = 500;

/// How long a page of a list may take, or the next object of one that is streamed. The client itself waits for ever.
const PART_DEADLINE: Duration = Duration::from_secs(60);

/// What can be watched: an object that cannot be read is one nevertheless, and ends no list and no watch.
pub(crate) trait Watched:
    kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static
{
    /// Returns why it, or a part of it, could not be read.
    fn fault(&self) -> Option<&(dyn Error + 'static)>;
}

impl<K> Watched for Item<K>
where
    K: kube::Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    fn fault(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.as_deref().map(|fault| fault as &(dyn Error + 'static))
    }
}

/// What is followed, where that is counted, and who wants to know that something was heard.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Feed<'a> {
    pub(crate) kind: Kind,
    pub(crate) metrics: &'a Metrics,
    pub(crate) contact: &'a Contact,
}

/// Hands every event to `take`, for ever. `listed` is told when the first list is complete.
///
/// A list is streamed, where the API server does that. So one object is in memory at a time; a page of them would be there twice,
/// as text and as it is read.
pub(crate) async fn follow<K: Watched>(
    feed: Feed<'_>,
    (api, config): (Api<K>, watcher::Config),
    listed: oneshot::Sender<()>,
    mut take: impl FnMut(Event<K>),
) {
    let mut follower = Follower::new(feed, api, config.streaming_lists().page_size(PAGE));
    let mut listed = Some(listed);
    loop {
        match follower.next().await {
            Ok(Some(event)) => {
                feed.contact.heard();
                let trouble = follower.heed(&event, listed.is_none());
                let is_list_complete = matches!(event, Event::InitDone);
                follower.take(event, &mut take);
                if is_list_complete {
                    feed.contact.listed(feed.kind, follower.silences);
                }
                if is_list_complete && let Some(listed) = listed.take() {
                    info!(kind = follower.kind, "listed the objects for the first time");
                    // Nobody may be waiting any more: the controller is being shut down.
                    let _ = listed.send(());
                }
                if let Some(trouble) = trouble {
                    follower.recover(&trouble).await;
                }
            }
            Ok(None) => follower.restart(),
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
    unreadable: UnreadableObjects,
    // How often a silence of the API server had ended when the list began.
    silences: u64,
    ended_silences: watch::Receiver<u64>,
}

impl<'a, K: Watched> Follower<'a, K> {
    fn new(feed: Feed<'a>, api: Api<K>, config: watcher::Config) -> Self {
        let events = watcher(api.clone(), config.clone()).boxed();
        let mut ended_silences = feed.contact.silences();
        let silences = *ended_silences.borrow_and_update();
        Self {
            feed,
            api,
            config,
            kind: K::kind(&()).into_owned(),
            events,
            troubles: Troubles::default(),
            unreadable: UnreadableObjects::default(),
            silences,
            ended_silences,
        }
    }

    fn begin(&mut self) {
        self.silences = *self.ended_silences.borrow_and_update();
        self.events = watcher(self.api.clone(), self.config.clone()).boxed();
    }

    /// Lists everything again.
    fn restart(&mut self) {
        self.begin();
        self.troubles.restart();
    }

    async fn next(&mut self) -> Result<Option<Event<K>>, Trouble> {
        let next = self.events.try_next();
        let is_listing = self.troubles.is_listing();
        let next = async move { if is_listing { timeout(PART_DEADLINE, next).await } else { Ok(next.await) } };
        tokio::select! {
            event = next => event?.map_err(Trouble::Watch),
            // The connection may be gone without a word, and what has happened meanwhile with it.
            Ok(()) = self.ended_silences.changed() => Ok(None),
        }
    }

    fn heed(&mut self, event: &Event<K>, is_repeated: bool) -> Option<Trouble> {
        self.feed.note(event);
        self.unreadable.note(self.feed, event);
        if is_repeated && matches!(event, Event::Init) {
            info!(kind = self.kind, "list the objects again");
        }
        self.troubles.heed(event)
    }

    /// Hands over an event. A defect that one object brings to light must not end the watch: every replica would end with it, again
    /// and again.
    fn take(&mut self, event: Event<K>, take: &mut impl FnMut(Event<K>)) {
        let object = match &event {
            Event::InitApply(object) | Event::Apply(object) | Event::Delete(object) => Some(name(object)),
            Event::Init | Event::InitDone => None,
        };
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| take(event))) {
            let panic = panics::message(panic.as_ref());
            error!(kind = self.kind, object, panic, "to take in an object ended in a panic");
            self.feed.metrics.panicked_round();
            if let Some(object) = object {
                self.unreadable.put(self.feed, object, Some(panic.to_owned()));
            }
        }
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
        tokio::select! {
            () = sleep(wait) => {}
            Ok(()) = self.ended_silences.changed() => self.begin(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::api::core::v1::Namespace;
    use kube::Client;
    use serde_json::json;
    use sidecarset_metrics::{Registry, scrape};
    use std::convert::Infallible;
    use tower::service_fn;

    fn namespace(name: &str) -> Item<Namespace> {
        serde_json::from_value(json!({"metadata": {"name": name}})).unwrap()
    }

    #[tokio::test]
    async fn a_defect_that_an_object_brings_to_light_is_counted_and_ends_no_watch() {
        let serve = |_| std::future::ready(Ok::<_, Infallible>(http::Response::new(kube::client::Body::empty())));
        let api: Api<Item<Namespace>> = Api::all(Client::new(service_fn(serve), "default"));
        let metrics = Metrics::default();
        let contact = Contact::default();
        let feed = Feed { kind: Kind::Namespace, metrics: &metrics, contact: &contact };
        let mut follower = Follower::new(feed, api, watcher::Config::default());
        let mut taken = Vec::new();
        let mut take = |event: Event<Item<Namespace>>| {
            let Event::Apply(namespace) = event else { return };
            let name = name(&namespace);
            assert_ne!(name, "bad", "a defect");
            taken.push(name);
        };

        for name in ["a", "bad", "b"] {
            follower.take(Event::Apply(namespace(name)), &mut take);
        }

        assert_eq!(taken, ["a", "b"]);
        let mut registry = Registry::default();
        metrics.register(&mut registry);
        let text = scrape(&registry).unwrap();
        assert!(text.contains("\nunreadable_objects{kind=\"namespace\"} 1\n"), "{text}");
        assert!(text.contains("\npanicked_rounds_total 1\n"), "{text}");
    }
}
