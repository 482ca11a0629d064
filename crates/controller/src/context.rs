//! What the parts of the controller share.

use crate::Settings;
use crate::attempts::Attempts;
use crate::index::{PodIndex, Touched};
use crate::metrics::Metrics;
use crate::pauses::Pauses;
use crate::queue::Queue;
use crate::round::Now;
use crate::sets::Sets;
use kube::Client;
use parking_lot::{Mutex, RwLock};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::Event;
use sidecarset_core::registration::InForce;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// What the parts of the controller share. No lock is held while another one is taken, or while anything is
/// waited for.
pub(crate) struct Context {
    /// Reads, and writes only while this replica leads.
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) catalog: Arc<RwLock<Catalog>>,
    pub(crate) index: Mutex<PodIndex>,
    pub(crate) sets: Mutex<Sets>,
    pub(crate) attempts: Mutex<Attempts>,
    /// When conditions of Pods that could not be written are tried again.
    pub(crate) pauses: Mutex<Pauses>,
    pub(crate) queue: Queue,
    /// Which sets the API server knows of.
    pub(crate) in_force: watch::Receiver<InForce>,
    outlets: Outlets,
    /// One for each write that may be under way.
    pub(crate) writes: Semaphore,
    /// Upgrades that are being written.
    pub(crate) upgrades: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

/// What the controller tells others.
pub(crate) struct Outlets {
    /// The catalog's version, whenever it may select other Pods than before.
    pub(crate) selection: watch::Sender<u64>,
    /// Events that wait to be written.
    pub(crate) events: mpsc::Sender<Event>,
    /// What is counted.
    pub(crate) metrics: Arc<Metrics>,
    /// Writes events, also while another replica leads: each tells what it was asked itself.
    pub(crate) teller: Client,
}

impl Context {
    pub(crate) fn new(
        client: Client,
        catalog: Arc<RwLock<Catalog>>,
        settings: Settings,
        links: (Outlets, watch::Receiver<InForce>),
        shutdown: CancellationToken,
    ) -> Self {
        let (outlets, in_force) = links;
        Self {
            client,
            catalog,
            outlets,
            in_force,
            index: Mutex::default(),
            sets: Mutex::default(),
            attempts: Mutex::default(),
            pauses: Mutex::default(),
            queue: Queue::default(),
            writes: Semaphore::new(settings.concurrency.get()),
            upgrades: TaskTracker::new(),
            settings,
            shutdown,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: (self.settings.clock)().into(), monotonic: Instant::now() }
    }

    /// Returns what is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.outlets.metrics
    }

    /// Changes the index, and has the sets looked at that this touches.
    pub(crate) fn change_index(&self, change: impl FnOnce(&mut PodIndex) -> Touched) {
        let touched = change(&mut self.index.lock());
        self.look_at(touched);
    }

    /// Has sets looked at whose Pods have changed.
    pub(crate) fn look_at(&self, sets: Touched) {
        if !sets.is_empty() {
            self.queue.touch(sets);
        }
    }

    /// Changes the catalog, and tells if it may select other Pods than before.
    pub(crate) fn change_catalog<T>(&self, change: impl FnOnce(&mut Catalog) -> T) -> T {
        let (changed, version) = {
            let mut catalog = self.catalog.write();
            (change(&mut catalog), catalog.selection_version())
        };
        // Several may change it at once, and the last to come here may have been the first there.
        self.outlets.selection.send_if_modified(|told| version > std::mem::replace(told, version.max(*told)));
        changed
    }

    /// Follows the catalog's version.
    pub(crate) fn selection(&self) -> watch::Receiver<u64> {
        self.outlets.selection.subscribe()
    }

    /// Returns what writes events.
    pub(crate) fn teller(&self) -> Client {
        self.outlets.teller.clone()
    }

    /// Has events written, as far as there is room for them.
    pub(crate) fn tell(&self, events: impl IntoIterator<Item = Event>) {
        for event in events {
            if self.outlets.events.try_send(event).is_err() {
                self.metrics().dropped_event();
                debug!("dropped an event: too many wait to be written");
            }
        }
    }

    /// Forgets a set.
    pub(crate) fn forget_set(&self, name: &str) {
        self.change_catalog(|catalog| catalog.remove_set(name));
        self.sets.lock().remove(name);
        self.attempts.lock().forget(name, Instant::now());
        self.queue.forget(name);
        // Pods may still speak of it.
        self.queue.add([Arc::from(name)]);
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Context").field("settings", &self.settings).finish_non_exhaustive()
    }
}
