//! A port: how many connections there are, and for how long each of them lasts.

use super::connection::{End, Protocols};
use super::greeting::{Greeting, Met};
use super::standing::{Patience, Standing};
use super::strangers::{Place, Strangers};
use crate::metrics::{Closed, Metrics};
use crate::server::callers::Certificate;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::service::Service;
use std::convert::Infallible;
use std::io;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, warn};

/// How long what is under way may take once we are to stop: longer than the API server waits for a review.
const DRAIN: Duration = Duration::from_secs(10);
/// How long we wait where no connection can be accepted, as when there are too many open files.
const PAUSE: Duration = Duration::from_secs(1);

/// How many connections a port has, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many there are at once. One more takes the place of the oldest that is not known to be an API server's.
    pub connections: NonZeroUsize,
    /// How long each of them lasts.
    pub patience: Patience,
}

impl Limits {
    /// Those of reviews: some hundred connections of each API server. They close theirs after 90 seconds: were we faster, one of them
    /// could ask at the moment at which we close.
    pub const REVIEWS: Self = Self {
        connections: NonZeroUsize::new(1000).expect("it is not zero"),
        patience: Patience { introduction: Duration::from_secs(10), idle: Duration::from_secs(120) },
    };

    /// Those of health checks and scrapes. Nobody there has to show who he is, so nobody stays for longer.
    pub const HEALTH: Self = Self {
        connections: NonZeroUsize::new(64).expect("it is not zero"),
        patience: Patience { introduction: Duration::from_secs(10), idle: Duration::from_secs(10) },
    };
}

/// A port that is open.
#[derive(Debug)]
pub(super) struct Port<G> {
    pub(super) listener: TcpListener,
    pub(super) greeting: G,
    pub(super) limits: Limits,
    /// Where its connections are counted, if they are.
    pub(super) metrics: Option<Arc<Metrics>>,
}

/// What all connections of a port share.
#[derive(Debug)]
struct Shared {
    protocols: Protocols,
    strangers: Arc<Strangers>,
    shutdown: CancellationToken,
    // Cancelled once nobody waits any longer.
    is_over: CancellationToken,
}

impl<G: Greeting> Port<G> {
    /// Answers with what `service` returns for each connection, until `shutdown`; then finishes what is under way, within a
    /// bounded time.
    pub(super) async fn serve<S>(
        self,
        service: impl Fn(Arc<Standing>, Certificate) -> S + Clone + Send + Sync + 'static,
        shutdown: CancellationToken,
    ) where
        S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
    {
        let slots = Arc::new(Semaphore::new(self.limits.connections.get().min(Semaphore::MAX_PERMITS)));
        let is_over = CancellationToken::new();
        let _cut_off = is_over.clone().drop_guard();
        let (protocols, strangers) = (Protocols::new(), Arc::default());
        let shared = Arc::new(Shared { protocols, strangers, shutdown, is_over });
        let tasks = TaskTracker::new();
        while let Some((socket, slot)) = self.next(&slots, &shared).await {
            let standing = Arc::new(Standing::new());
            let place = shared.strangers.add(&standing);
            let connection = Connection { socket, standing, place, _slot: slot };
            let (greeting, patience, metrics) = (self.greeting.clone(), self.limits.patience, self.metrics.clone());
            let (shared, service) = (Arc::clone(&shared), service.clone());
            tasks.spawn(async move {
                let open = metrics.as_ref().map(|metrics| metrics.connected());
                let closed = connection.run((&greeting, patience), service, &shared).await;
                open.into_iter().for_each(|open| open.close(closed));
            });
        }
        // Nobody is let in any more.
        drop(self);
        tasks.close();
        let _ = timeout(DRAIN, tasks.wait()).await;
    }

    /// Returns the next connection, once there is room for it; nothing once we are to stop.
    async fn next(&self, slots: &Arc<Semaphore>, shared: &Shared) -> Option<(TcpStream, OwnedSemaphorePermit)> {
        let next = async {
            let socket = self.accept().await;
            if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
                return Some((socket, slot));
            }
            shared.strangers.evict();
            let slot = Arc::clone(slots).acquire_owned().await.ok()?;
            Some((socket, slot))
        };
        tokio::select! {
            next = next => next,
            () = shared.shutdown.cancelled() => None,
        }
    }

    async fn accept(&self) -> TcpStream {
        loop {
            match self.listener.accept().await {
                Ok((socket, _)) => return socket,
                Err(error) if is_of_the_other_end(&error) => debug!(%error, "a connection ended before it began"),
                Err(error) => {
                    warn!(error = &error as &dyn std::error::Error, "failed to accept a connection");
                    sleep(PAUSE).await;
                }
            }
        }
    }
}

/// A connection that has begun.
struct Connection {
    socket: TcpStream,
    standing: Arc<Standing>,
    place: Place,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    async fn run<G: Greeting, S>(
        self,
        (greeting, patience): (&G, Patience),
        service: impl Fn(Arc<Standing>, Certificate) -> S,
        shared: &Shared,
    ) -> Closed
    where
        S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send + 'static,
        S::Future: Send + 'static,
    {
        let Self { socket, standing, mut place, _slot } = self;
        let last = async {
            let Met { stream, protocol, certificate } =
                match timeout(patience.introduction, greeting.greet(socket)).await {
                    Ok(Ok(met)) => met,
                    Ok(Err(error)) => {
                        debug!(%error, "a handshake failed");
                        return Closed::Handshake;
                    }
                    Err(_) => return Closed::Unknown,
                };
            let service = service(Arc::clone(&standing), certificate);
            match shared.protocols.serve((stream, protocol), service, (&standing, patience), &shared.shutdown).await {
                End::Done => Closed::Done,
                End::Unknown => Closed::Unknown,
                End::Idle => Closed::Idle,
            }
        };
        tokio::select! {
            closed = last => closed,
            () = place.is_lost() => Closed::Evicted,
            () = shared.is_over.cancelled() => Closed::CutOff,
        }
    }
}

/// Says whether only one connection has failed.
fn is_of_the_other_end(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
