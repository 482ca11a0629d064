//! Watches SidecarSets, their revisions, namespaces, Pods and the white list, and writes what `sidecarset-core` decides: upgrades of Pods, the
//! status of SidecarSets, their revisions, and events.

mod apply;
mod clock;
pub mod contact;
mod context;
mod events;
mod known_pods;
pub mod metrics;
mod panics;
mod pod;
mod reconcile;
#[cfg(test)]
mod simulation;
mod spans;
mod watch;
mod worker;

pub use contact::Contact;
pub use events::queue as event_queue;
pub use known_pods::KnownPods;
pub use metrics::Metrics;
pub use pod::PodLite;
pub use spans::TARGET as SPANS;

use context::{Context, Outlets};
use futures::FutureExt;
use futures::future::{try_join, try_join4};
use jiff::Timestamp;
use kube::Client;
use leader_lease::Leadership;
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::Event;
use sidecarset_core::registration::RegisteredScopes;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::mpsc::{Receiver, Sender};
use tokio::sync::{oneshot, watch as channel};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::info;

/// The name of the Lease of the replica that leads.
pub const LEASE: &str = "sidecarset-operator";

/// How the controller runs.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The operator's namespace: it holds the revisions of SidecarSets.
    pub namespace: String,
    /// How many SidecarSets are looked at at once.
    pub workers: NonZeroUsize,
    /// How many writes of Pods may be under way at once.
    pub concurrency: NonZeroUsize,
    /// Tells the time that is written into objects.
    pub clock: fn() -> Timestamp,
}

/// How the controller is linked with the rest of the operator.
#[derive(Debug)]
pub struct Links {
    /// Turns to true once the catalog is complete.
    pub synced: channel::Sender<bool>,
    /// Is told the catalog's version whenever it may select other Pods than before.
    pub selection: channel::Sender<u64>,
    /// The Pods, which the controller keeps up to date.
    pub pods: KnownPods,
    /// Which sets the API server knows of.
    pub in_force: channel::Receiver<RegisteredScopes>,
    /// The queue of events, from [`event_queue`]: the controller puts its own into it, and writes those of everybody.
    pub events: (Sender<Event>, Receiver<Event>),
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the API server is heard from: the controller says what it has listed.
    pub contact: Contact,
    /// Whether this replica leads. One that does not knows everything, and writes nothing but events of others.
    pub leadership: Leadership,
}

/// Why the controller ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A watch ended, which it never should.
    #[error("a watch ended")]
    WatchEnded {
        /// How it ended, if it did not simply return.
        source: Option<JoinError>,
    },
}

impl Default for Settings {
    /// Returns the namespace `sidecarset-system`, 4 workers, 16 writes, and the time of this machine.
    fn default() -> Self {
        Self {
            namespace: "sidecarset-system".to_owned(),
            workers: const { NonZeroUsize::new(4).expect("4 is not 0") },
            concurrency: const { NonZeroUsize::new(16).expect("16 is not 0") },
            clock: Timestamp::now,
        }
    }
}

/// Runs the controller until `shutdown`. It fills the catalog with SidecarSets, revisions and namespaces, and turns `synced` to
/// true once it has listed these and the Pods for the first time; before that, and before it leads, nothing is written. Once
/// its leadership is to retire it writes nothing new, says so when the writes that are under way have ended, but after 10
/// seconds in any case, and goes on filling the catalog.
///
/// # Errors
/// A watch ended.
pub async fn run(
    client: Client,
    catalog: Arc<RwLock<Catalog>>,
    settings: Settings,
    links: Links,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let Links { synced, selection, pods, in_force, events: (tells, events), metrics, contact, leadership } = links;
    let outlets = Outlets { selection, events: tells, metrics: Arc::clone(&metrics), teller: client.clone() };
    let (client, stop) = (leadership.guard(&client), shutdown.child_token());
    let links = (outlets, in_force.clone(), (contact, pods));
    let ctx = Arc::new(Context::new(client, catalog, settings, links, stop.clone()));
    metrics.look_at(&ctx);
    let mut watches = JoinSet::new();
    let (sets, sets_listed) = oneshot::channel();
    let sets_listed = sets_listed.shared();
    let (namespaces, namespaces_listed) = oneshot::channel();
    let (pods, pods_listed) = oneshot::channel();
    let (revisions, revisions_listed) = oneshot::channel();
    let (permissions, permissions_listed) = oneshot::channel();
    watches.spawn(watch::sets::watch(Arc::clone(&ctx), sets));
    watches.spawn(watch::namespaces::watch(Arc::clone(&ctx), namespaces));
    watches.spawn(watch::pods::watch(Arc::clone(&ctx), sets_listed.clone(), pods));
    watches.spawn(watch::revisions::watch(Arc::clone(&ctx), revisions));
    watches.spawn(watch::permissions::watch(Arc::clone(&ctx), permissions));
    watches.spawn(watch::in_force::watch(Arc::clone(&ctx), in_force));
    watches.spawn(watch::selection::watch(Arc::clone(&ctx), synced.subscribe(), ctx.selection()));
    watches.spawn(events::write(Arc::clone(&ctx), events));

    let others_listed = try_join4(revisions_listed, namespaces_listed, permissions_listed, pods_listed);
    let listed = try_join(sets_listed, others_listed);
    let work = async {
        tokio::select! {
            () = ctx.shutdown.cancelled() => {}
            listed = listed => {
                if listed.is_err() {
                    return std::future::pending().await;
                }
                info!("the controller knows all objects");
                synced.send_replace(true);
                lead(&ctx, &leadership).await;
            }
        }
        leadership.has_retired();
        // Reviews are answered until the end.
        shutdown.cancelled().await;
    };
    let retire = async {
        leadership.retires().await;
        stop.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        () = work => Ok(()),
        () = retire => Ok(()),
        Some(ended) = watches.join_next() => Err(Error::WatchEnded { source: ended.err() }),
    }
}

/// Writes from when this replica leads until it is to stop.
async fn lead(ctx: &Arc<Context>, leadership: &Leadership) {
    let mut leads = leadership.watch();
    tokio::select! {
        () = ctx.shutdown.cancelled() => return,
        _ = leads.wait_for(|leads| *leads) => {}
    }
    worker::work(Arc::clone(ctx)).await;
}
