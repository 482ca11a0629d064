//! What the parts of the controller share.

use crate::Settings;
use crate::clock::Clock;
use crate::contact::Contact;
use crate::known_pods::KnownPods;
use crate::metrics::Metrics;
use kube::Client;
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::event::Event;
use sidecarset_core::reconcile::{Driver, Now, Output, PodIndex, Surroundings, Touched};
use sidecarset_core::registration::RegisteredScopes;
use std::fmt;
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::debug;

/// What the parts of the controller share. Of the locks, the catalog's comes first, then that of what is in force, then the driver's;
/// nobody who holds one takes one that comes before it, and none is held while anything is waited for.
pub(crate) struct Context {
    /// Reads, and writes only while this replica leads.
    pub(crate) client: Client,
    pub(crate) settings: Settings,
    pub(crate) clock: Clock,
    pub(crate) catalog: Arc<RwLock<Catalog>>,
    /// What is known of the sets and of their Pods, and what follows from that.
    pub(crate) driver: KnownPods,
    /// A set may be looked at earlier than whoever waits for the next one has been told.
    sooner: Notify,
    /// A write of a Pod is over.
    pub(crate) released: Notify,
    /// Which sets the API server knows of.
    pub(crate) in_force: watch::Receiver<RegisteredScopes>,
    /// Whether the API server is heard from.
    pub(crate) contact: Contact,
    outlets: Outlets,
    /// The writes of Pods that are under way.
    pub(crate) pod_writes: TaskTracker,
    pub(crate) shutdown: CancellationToken,
}

/// What the driver has done, and what is passed on of that once no lock is held.
struct Stepped<T> {
    done: T,
    outputs: Vec<Output>,
    is_sooner: bool,
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
        links: (Outlets, watch::Receiver<RegisteredScopes>, (Contact, KnownPods)),
        shutdown: CancellationToken,
    ) -> Self {
        let (outlets, in_force, (contact, driver)) = links;
        driver.lock().limit(settings.concurrency.get());
        Self {
            client,
            clock: Clock::default(),
            catalog,
            driver,
            sooner: Notify::new(),
            released: Notify::new(),
            outlets,
            in_force,
            contact,
            pod_writes: TaskTracker::new(),
            settings,
            shutdown,
        }
    }

    pub(crate) fn now(&self) -> Now {
        Now { wall: (self.settings.clock)().into(), monotonic: self.clock.now() }
    }

    /// Returns what is counted.
    pub(crate) fn metrics(&self) -> &Metrics {
        &self.outlets.metrics
    }

    /// Has the driver do something, passes on what others are to know, and wakes whoever waits for the next set.
    pub(crate) fn drive<T>(&self, step: impl FnOnce(&mut Driver) -> T) -> T {
        self.pass_on(self.step(step))
    }

    /// Like [`Self::drive`], where the catalog is asked.
    pub(crate) fn drive_beside<T>(&self, step: impl FnOnce(&mut Driver, &Catalog) -> T) -> T {
        let stepped = {
            let catalog = self.catalog.read();
            self.step(|driver| step(driver, &catalog))
        };
        self.pass_on(stepped)
    }

    /// Like [`Self::drive`], with everything that there is beside the driver.
    pub(crate) fn drive_among<T>(&self, step: impl FnOnce(&mut Driver, Surroundings<'_>) -> T) -> T {
        let stepped = {
            let (catalog, in_force) = (self.catalog.read(), self.in_force.borrow());
            let surroundings = Surroundings { catalog: &catalog, in_force: &in_force, now: self.now() };
            self.step(|driver| step(driver, surroundings))
        };
        self.pass_on(stepped)
    }

    /// Like [`Self::drive`], where the catalog may change, too.
    pub(crate) fn drive_changing<T>(&self, step: impl FnOnce(&mut Driver, &mut Catalog) -> T) -> T {
        self.pass_on(self.change_catalog(|catalog| self.step(|driver| step(driver, catalog))))
    }

    fn step<T>(&self, step: impl FnOnce(&mut Driver) -> T) -> Stepped<T> {
        let mut driver = self.driver.lock();
        let before = driver.deadline();
        let done = step(&mut driver);
        let outputs = std::iter::from_fn(|| driver.poll_output()).collect();
        let is_sooner = driver.deadline().is_some_and(|at| before.is_none_or(|before| at < before));
        Stepped { done, outputs, is_sooner }
    }

    fn pass_on<T>(&self, stepped: Stepped<T>) -> T {
        for output in stepped.outputs {
            match output {
                Output::Event(event) => self.tell(event),
                Output::Status(set, status) => self.metrics().stands(&set, &status),
            }
        }
        if stepped.is_sooner {
            self.sooner.notify_one();
        }
        stepped.done
    }

    /// Changes the index, and has the sets looked at that this touches.
    pub(crate) fn change_index(&self, change: impl FnOnce(&mut PodIndex) -> Touched) {
        self.drive(|driver| driver.change_index(self.clock.now(), change));
    }

    /// Has sets looked at whose Pods have changed.
    pub(crate) fn look_at(&self, sets: Touched) {
        if !sets.is_empty() {
            self.drive(|driver| driver.touch(self.clock.now(), sets));
        }
    }

    /// Has sets looked at as soon as may be.
    pub(crate) fn add(&self, sets: impl IntoIterator<Item = Arc<str>>) {
        self.drive(|driver| driver.add(sets, self.clock.now()));
    }

    /// Waits until there may be a set to look at. One caller at a time.
    pub(crate) async fn due(&self) {
        let deadline = self.driver.lock().deadline();
        match deadline {
            Some(at) => tokio::select! {
                () = sleep_until(self.clock.instant(at)) => {}
                () = self.sooner.notified() => {}
            },
            None => self.sooner.notified().await,
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

    /// Has an event written, if there is room for it.
    fn tell(&self, event: Event) {
        if self.outlets.events.try_send(event).is_err() {
            self.metrics().dropped_event();
            debug!("dropped an event: too many wait to be written");
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Context").field("settings", &self.settings).finish_non_exhaustive()
    }
}
