//! Whether the API server is heard from. A replica that it has left alone for a while, because the network between them is cut or
//! nobody answers, knows what was, and must not answer reviews as if that were still so.
//!
//! Watches cannot tell: an API server in which nothing changes is silent for a minute, and a connection that is cut without a word
//! looks the same for minutes. So the answers to requests count, of which each replica has one in two seconds: it looks at the
//! Lease of the leader. Where it has none it asks for it.

use crate::LEASE;
use crate::metrics::Kind;
use http::{Request, Response, StatusCode};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use sidecarset_metrics::Labels;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tower::service_fn;
use tracing::{debug, info, warn};

/// How long the API server may be silent before what is known counts as old.
pub const SILENCE: Duration = Duration::from_secs(10);

/// After how much silence it is asked for an answer, and how often then.
const ASK_AFTER: Duration = Duration::from_secs(4);
const ASK_EVERY: Duration = Duration::from_secs(1);

/// What reviews are answered from: it has to be listed again after a silence. Pods have no part in that.
const REVIEWED: [Kind; 4] = [Kind::Set, Kind::Revision, Kind::Namespace, Kind::Configuration];

/// Whether the API server is heard from, and what has been listed since.
#[derive(Debug, Clone, Default)]
pub struct Contact {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    // How often a silence has ended.
    silences: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    heard: Option<Instant>,
    // Since which end of a silence each kind is listed.
    listed: [Option<u64>; Kind::COUNT],
    is_reported: bool,
}

impl Default for Shared {
    fn default() -> Self {
        Self { state: Mutex::default(), silences: watch::Sender::new(0) }
    }
}

impl Contact {
    /// Returns a client that takes note of each answer.
    #[must_use]
    pub fn listen(&self, client: &Client) -> Client {
        let (contact, through) = (self.clone(), client.clone());
        let service = service_fn(move |request: Request<Body>| {
            let (contact, client) = (contact.clone(), through.clone());
            async move {
                let answer = client.send(request).await;
                if answer.as_ref().is_ok_and(is_of_api_server) {
                    contact.heard();
                }
                answer
            }
        });
        Client::new(service, client.default_namespace())
    }

    /// Says whether what reviews are answered from is as new as what the API server knows: it was heard from a moment ago, and
    /// nothing is still to be listed.
    #[must_use]
    pub fn is_current(&self) -> bool {
        let silences = *self.shared.silences.borrow();
        let state = self.shared.state.lock();
        let is_listed = |kind: Kind| state.listed.get(kind.index()).copied().flatten() == Some(silences);
        !state.is_silent(Instant::now()) && REVIEWED.into_iter().all(is_listed)
    }

    /// Returns how long the API server has been silent; nothing before it was heard from for the first time.
    #[must_use]
    pub fn silence(&self) -> Option<Duration> {
        self.shared.state.lock().heard.map(|heard| heard.elapsed())
    }

    /// Asks for an answer whenever there has been none for a while, for ever.
    pub async fn keep(&self, client: &Client, namespace: &str) {
        let client = self.listen(client);
        let path = format!("/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/{LEASE}");
        loop {
            let now = Instant::now();
            let due = self.shared.state.lock().heard.unwrap_or(now) + ASK_AFTER;
            if now < due {
                sleep_until(due).await;
                continue;
            }
            self.report();
            // Whatever it answers, it is there. To read one object is to ask what stores it too.
            if let Ok(request) = Request::get(&path).body(Body::empty()) {
                let answer = timeout(ASK_AFTER, client.send(request)).await;
                debug!(is_answered = matches!(answer, Ok(Ok(_))), "asked the API server whether it is there");
            }
            sleep_until(now + ASK_EVERY).await;
        }
    }

    /// Takes note that something came from the API server.
    pub(crate) fn heard(&self) {
        let now = Instant::now();
        let mut state = self.shared.state.lock();
        let was_silent = state.is_silent(now);
        state.heard = Some(now);
        if was_silent {
            state.is_reported = false;
            self.shared.silences.send_modify(|silences| *silences = silences.saturating_add(1));
            drop(state);
            info!("the API server answers again: what reviews are answered from is listed again");
        }
    }

    /// Returns how often a silence has ended, and tells when another one does.
    pub(crate) fn silences(&self) -> watch::Receiver<u64> {
        self.shared.silences.subscribe()
    }

    /// Takes note that all objects of a kind were listed since that end of a silence.
    pub(crate) fn listed(&self, kind: Kind, silences: u64) {
        if let Some(listed) = self.shared.state.lock().listed.get_mut(kind.index()) {
            *listed = Some(silences);
        }
    }

    fn report(&self) {
        let mut state = self.shared.state.lock();
        if state.is_silent(Instant::now()) && !std::mem::replace(&mut state.is_reported, true) {
            warn!("the API server has been silent for too long: reviews are not answered until it is heard from");
        }
    }
}

impl State {
    fn is_silent(&self, now: Instant) -> bool {
        self.heard.is_some_and(|heard| now.saturating_duration_since(heard) >= SILENCE)
    }
}

/// Says whether it is the API server that answers. What is in front of it, such as a load balancer, says with these that it cannot
/// be reached.
fn is_of_api_server<B>(answer: &Response<B>) -> bool {
    ![StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE, StatusCode::GATEWAY_TIMEOUT].contains(&answer.status())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
    use tokio::time::sleep;

    /// An API server that answers with a code, or not at all where that is 0.
    #[derive(Clone, Default)]
    struct ApiServer {
        code: Arc<AtomicU16>,
        asked: Arc<AtomicUsize>,
    }

    impl ApiServer {
        fn client(&self) -> Client {
            let server = self.clone();
            let serve = move |_: Request<Body>| {
                let server = server.clone();
                async move {
                    server.asked.fetch_add(1, Ordering::Relaxed);
                    match server.code.load(Ordering::Relaxed) {
                        0 => std::future::pending().await,
                        code => Ok::<_, Infallible>(Response::builder().status(code).body(Body::empty()).unwrap()),
                    }
                }
            };
            Client::new(service_fn(serve), "default")
        }
    }

    fn list_all(contact: &Contact) {
        let silences = *contact.silences().borrow();
        REVIEWED.into_iter().for_each(|kind| contact.listed(kind, silences));
    }

    async fn seconds(seconds: u64) {
        sleep(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_known_is_old_after_ten_seconds_of_silence_until_it_is_listed_again() {
        let contact = Contact::default();
        assert!(!contact.is_current(), "nothing is listed");
        list_all(&contact);
        contact.heard();

        sleep(Duration::from_millis(9_999)).await;
        assert!(contact.is_current());
        sleep(Duration::from_millis(1)).await;
        assert!(!contact.is_current());
        contact.heard();
        assert!(!contact.is_current(), "what has changed meanwhile is not known");
        contact.listed(Kind::Set, 1);
        contact.listed(Kind::Namespace, 1);
        contact.listed(Kind::Configuration, 1);
        contact.listed(Kind::Revision, 0);
        assert!(!contact.is_current(), "the revisions were listed before");
        contact.listed(Kind::Revision, 1);
        assert!(contact.is_current());
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_hears_nothing_asks_and_one_that_does_need_not() {
        let server = ApiServer::default();
        server.code.store(404, Ordering::Relaxed);
        let (contact, client) = (Contact::default(), server.client());
        contact.heard();
        list_all(&contact);
        let keeper = tokio::spawn({
            let (contact, client) = (contact.clone(), client.clone());
            async move { contact.keep(&client, "sidecarset-system").await }
        });
        for _ in 0..30 {
            seconds(2).await;
            contact.heard();
        }
        assert_eq!(server.asked.load(Ordering::Relaxed), 0);

        seconds(60).await;
        assert!((10..20).contains(&server.asked.load(Ordering::Relaxed)), "{:?}", server.asked);
        assert!(contact.is_current());

        server.code.store(0, Ordering::Relaxed);
        seconds(14).await;
        assert!(!contact.is_current());
        server.code.store(200, Ordering::Relaxed);
        seconds(6).await;
        list_all(&contact);
        assert!(contact.is_current());
        keeper.abort();
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_api_server_itself_counts() {
        for (code, is_heard) in
            [(200, true), (403, true), (404, true), (429, true), (500, true), (502, false), (503, false)]
        {
            let server = ApiServer::default();
            server.code.store(code, Ordering::Relaxed);
            let contact = Contact::default();

            let answer = contact.listen(&server.client()).send(Request::get("/").body(Body::empty()).unwrap()).await;

            assert!(answer.is_ok());
            assert_eq!(contact.silence().is_some(), is_heard, "{code}");
        }
    }
}
