//! Whether this replica leads, and what must not be written without.

use http::{Method, Request};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use std::error::Error;
use std::sync::Arc;
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::service_fn;

/// Whether this replica leads. Whoever writes in its name does so with a client from [`Leadership::guard`].
#[derive(Debug, Clone)]
pub struct Leadership {
    shared: Arc<Shared>,
}

/// A write was not asked for, because this replica does not lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this replica does not lead")]
pub struct NotLeading;

/// A write was given up under way, because this replica lost the lead: it may be done or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("this replica lost the lead")]
struct LostLead;

impl NotLeading {
    /// Says whether this is why something failed.
    #[must_use]
    pub fn is_in(error: &(dyn Error + 'static)) -> bool {
        error.is::<Self>() || error.source().is_some_and(Self::is_in)
    }
}

#[derive(Debug)]
struct Shared {
    until: Mutex<Until>,
    leads: watch::Sender<bool>,
    lost: CancellationToken,
    writes: TaskTracker,
    retires: CancellationToken,
    has_retired: CancellationToken,
}

/// Until when writes may begin.
#[derive(Debug, Clone, Copy)]
enum Until {
    NotYet,
    Then(Instant),
    Always,
    Over,
}

impl Leadership {
    /// Returns that of a replica that does not lead yet.
    #[must_use]
    pub fn none() -> Self {
        Self::new(Until::NotYet)
    }

    /// Returns that of the only replica, which always leads.
    #[must_use]
    pub fn sole() -> Self {
        Self::new(Until::Always)
    }

    fn new(until: Until) -> Self {
        let leads = watch::Sender::new(matches!(until, Until::Always));
        let shared = Shared {
            until: Mutex::new(until),
            leads,
            lost: CancellationToken::new(),
            writes: TaskTracker::new(),
            retires: CancellationToken::new(),
            has_retired: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Says whether writes may begin now.
    #[must_use]
    pub fn leads(&self) -> bool {
        match *self.shared.until.lock() {
            Until::NotYet | Until::Over => false,
            Until::Then(end) => Instant::now() < end,
            Until::Always => true,
        }
    }

    /// Follows whether this replica leads.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<bool> {
        self.shared.leads.subscribe()
    }

    /// Has nothing new begun.
    pub fn retire(&self) {
        self.shared.retires.cancel();
    }

    /// Says that what was begun is over: the lead may be given up.
    pub fn has_retired(&self) {
        self.shared.has_retired.cancel();
    }

    /// Waits until [`Self::has_retired`] was said.
    pub async fn until_retired(&self) {
        self.shared.has_retired.cancelled().await;
    }

    /// Waits until nothing new is to be begun.
    pub async fn retires(&self) {
        self.shared.retires.cancelled().await;
    }

    /// Returns a client that reads like `client` and writes only while this replica leads. The moment counts at which a write
    /// is asked for: a process that was frozen does not go on with it. What is under way when the lead is lost is given up.
    #[must_use]
    pub fn guard(&self, client: &Client) -> Client {
        let (leadership, through) = (self.clone(), client.clone());
        let service = service_fn(move |request: Request<Body>| {
            let (leadership, client) = (leadership.clone(), through.clone());
            async move {
                if request.method() == Method::GET {
                    return client.send(request).await;
                }
                leadership.write(&client, request).await
            }
        });
        Client::new(service, client.default_namespace())
    }

    async fn write(&self, client: &Client, request: Request<Body>) -> Result<http::Response<Body>, kube::Error> {
        // Noted first: whoever ends the lead waits for what was noted before.
        let _under_way = self.shared.writes.token();
        if !self.leads() {
            return Err(kube::Error::Service(NotLeading.into()));
        }
        tokio::select! {
            biased;
            () = self.shared.lost.cancelled() => Err(kube::Error::Service(LostLead.into())),
            answer = client.send(request) => answer,
        }
    }

    /// Lets writes begin until then.
    pub(crate) fn hold_until(&self, end: Instant) {
        let mut until = self.shared.until.lock();
        if !matches!(*until, Until::Over) {
            *until = Until::Then(end);
            drop(until);
            self.shared.leads.send_if_modified(|leads| !std::mem::replace(leads, true));
        }
    }

    /// Lets no write begin any more, and gives up those that are under way.
    pub(crate) fn lose(&self) {
        self.stop();
        self.shared.lost.cancel();
    }

    /// Lets no write begin any more, and waits for those that are under way.
    pub(crate) async fn end(&self) {
        self.stop();
        self.shared.writes.close();
        self.shared.writes.wait().await;
    }

    fn stop(&self) {
        *self.shared.until.lock() = Until::Over;
        self.shared.leads.send_if_modified(|leads| std::mem::replace(leads, false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::Response;
    use std::convert::Infallible;
    use std::time::Duration;
    use tokio::task::yield_now;
    use tokio::time::sleep;

    /// A client whose API server takes a second to answer.
    fn client() -> Client {
        let serve = async |_| {
            sleep(Duration::from_secs(1)).await;
            Ok::<_, Infallible>(Response::new(Body::empty()))
        };
        Client::new(service_fn(serve), "default")
    }

    async fn ask(client: &Client, method: Method) -> Result<(), String> {
        let request = Request::builder().method(method).uri("/").body(Body::empty()).unwrap();
        client.send(request).await.map(drop).map_err(|error| error.to_string())
    }

    fn refused() -> Result<(), String> {
        Err("ServiceError: this replica does not lead".to_owned())
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_does_not_lead_reads_and_does_not_write() {
        let client = Leadership::none().guard(&client());

        assert_eq!(ask(&client, Method::GET).await, Ok(()));
        for method in [Method::PUT, Method::POST, Method::PATCH, Method::DELETE] {
            assert_eq!(ask(&client, method).await, refused());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_writes_only_as_long_as_it_leads_for_certain() {
        let leadership = Leadership::none();
        let client = leadership.guard(&client());
        leadership.hold_until(Instant::now() + Duration::from_secs(10));

        sleep(Duration::from_millis(9_999)).await;
        assert_eq!(ask(&client, Method::PATCH).await, Ok(()));

        assert_eq!(ask(&client, Method::PATCH).await, refused());
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_under_way_when_the_lead_is_lost_is_given_up() {
        let leadership = Leadership::sole();
        let client = leadership.guard(&client());
        let write = tokio::spawn(async move { ask(&client, Method::PATCH).await });
        yield_now().await;

        leadership.lose();
        leadership.hold_until(Instant::now() + Duration::from_secs(10));

        assert_eq!(write.await.unwrap(), Err("ServiceError: this replica lost the lead".to_owned()));
        assert!(!leadership.leads() && !*leadership.watch().borrow());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ends_its_lead_waits_for_what_is_under_way_and_begins_nothing() {
        let leadership = Leadership::sole();
        let client = leadership.guard(&client());
        let write = tokio::spawn({
            let client = client.clone();
            async move { ask(&client, Method::PATCH).await }
        });
        sleep(Duration::from_millis(300)).await;
        let before = Instant::now();

        leadership.end().await;

        assert_eq!(before.elapsed(), Duration::from_millis(700));
        assert_eq!(write.await.unwrap(), Ok(()));
        assert_eq!(ask(&client, Method::PATCH).await, refused());
    }
}
