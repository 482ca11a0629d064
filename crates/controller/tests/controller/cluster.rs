//! A cluster without nodes, and the operator in it.

use super::objects;
use super::server::{Fault, Kind, State, Write, serve};
use jiff::{SignedDuration, Timestamp};
use kube::Client;
use leader_lease::Leadership;
use parking_lot::RwLock;
use serde_json::Value;
use sidecarset_controller::{Contact, Error, KnownPods, Links, Metrics, Settings, event_queue, run};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::RegisteredScopes;
use sidecarset_core::validation::{Permissions, Whitelist, WithoutRule};
use std::cell::Cell;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tokio_util::sync::CancellationToken;
use tower::service_fn;

pub const NOW: &str = "2026-01-02T03:04:05Z";

thread_local! {
    /// When the clock of the test on this thread began to move, if it does.
    static BEGAN: Cell<Option<Instant>> = const { Cell::new(None) };

    /// By how much it was set to another time since then.
    static JUMPED: Cell<SignedDuration> = const { Cell::new(SignedDuration::ZERO) };
}

#[derive(Debug, Default)]
pub struct Cluster {
    state: Arc<Mutex<State>>,
    pub in_force: watch::Sender<RegisteredScopes>,
    pub selection: watch::Sender<u64>,
    pub metrics: Arc<Metrics>,
    pub contact: Contact,
    pub without_rule: WithoutRule,
}

#[derive(Debug)]
pub struct Operator {
    task: JoinHandle<Result<(), Error>>,
    shutdown: CancellationToken,
    synced: watch::Receiver<bool>,
    pub catalog: Arc<RwLock<Catalog>>,
}

impl Cluster {
    /// Returns a cluster with a set, and Pods that it was injected into.
    pub fn new(set: &Value, pods: &[&str]) -> Self {
        BEGAN.set(None);
        JUMPED.set(SignedDuration::ZERO);
        let cluster = Self { without_rule: WithoutRule::Allow, ..Self::default() };
        cluster.change(|state| {
            let labels = serde_json::json!({"kubernetes.io/metadata.name": "shop"});
            state.put(Kind::Namespaces, serde_json::json!({"metadata": {"name": "shop", "labels": labels}}));
            state.put(Kind::Sets, set.clone());
            for name in pods {
                state.put(Kind::Pods, objects::pod(name, set));
            }
        });
        cluster
    }

    /// Lets the wall clock go on with the time of the test. Otherwise it is always `NOW`.
    pub fn moving_clock(self) -> Self {
        BEGAN.set(Some(Instant::now()));
        self
    }

    /// The time on the wall.
    pub fn now() -> Timestamp {
        let elapsed = BEGAN.get().map_or(Duration::ZERO, |began| began.elapsed());
        NOW.parse::<Timestamp>().unwrap() + SignedDuration::try_from(elapsed).unwrap() + JUMPED.get()
    }

    /// Sets the clock on the wall of the operator to another time.
    pub fn jump(by: SignedDuration) {
        JUMPED.set(JUMPED.get() + by);
    }

    pub fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.lock().unwrap())
    }

    /// Changes the spec of the set.
    pub fn edit_set(&self, edit: impl FnOnce(&mut Value)) {
        self.change(|state| {
            let mut set = state.objects[Kind::Sets as usize]["log-sc"].clone();
            let generation = set["metadata"]["generation"].as_i64().unwrap();
            set["metadata"]["generation"] = (generation + 1).into();
            edit(&mut set["spec"]);
            state.put(Kind::Sets, set);
        });
    }

    pub fn set_image(&self, image: &str) {
        self.edit_set(|spec| spec["containers"][0]["image"] = image.into());
    }

    /// Lets writes to an object go wrong, one after the other.
    pub fn fail(&self, name: &str, faults: &[Fault]) {
        self.change(|state| state.faults.insert(name.to_owned(), faults.iter().copied().collect()));
    }

    /// Adds annotations to a Pod.
    pub fn annotate(&self, pod: &str, annotations: &[(&str, &str)]) {
        self.change(|state| {
            let mut pod = state.objects[Kind::Pods as usize][pod].clone();
            for (key, value) in annotations {
                pod["metadata"]["annotations"][*key] = (*value).into();
            }
            state.put(Kind::Pods, pod);
        });
    }

    pub fn quick_kubelet(self) -> Self {
        self.change(|state| state.is_kubelet_quick = true);
        self
    }

    /// Lets the kubelet finish every upgrade.
    pub fn run_kubelet(&self) {
        self.change(|state| {
            for mut pod in state.objects[Kind::Pods as usize].clone().into_values() {
                if !objects::is_running(&pod) {
                    objects::run(&mut pod);
                    state.put(Kind::Pods, pod);
                }
            }
        });
    }

    /// Starts the operator, and waits until it knows everything.
    pub async fn start(&self) -> Operator {
        let mut operator = self.begin();
        operator.synced.wait_for(|is_synced| *is_synced).await.unwrap();
        settle().await;
        operator
    }

    /// Starts the operator.
    pub fn begin(&self) -> Operator {
        self.begin_as(self.client(), Leadership::sole())
    }

    /// Returns a client of the API server.
    pub fn client(&self) -> Client {
        let state = Arc::clone(&self.state);
        Client::new(service_fn(move |request| serve(request, Arc::clone(&state))), "default")
    }

    /// Starts the operator with a client of its own, as one that leads or not.
    pub fn begin_as(&self, client: Client, leadership: Leadership) -> Operator {
        let (sender, synced) = watch::channel(false);
        let shutdown = CancellationToken::new();
        let settings = Settings { clock: Self::now, ..Settings::default() };
        let mut catalog = Catalog::default();
        catalog.permit(Permissions::new(Whitelist::default(), self.without_rule));
        let catalog = Arc::new(RwLock::new(catalog));
        let links = Links {
            pods: KnownPods::default(),
            synced: sender,
            selection: self.selection.clone(),
            in_force: self.in_force.subscribe(),
            events: event_queue(),
            metrics: Arc::clone(&self.metrics),
            contact: self.contact.clone(),
            leadership,
        };
        let task = tokio::spawn(run(client, Arc::clone(&catalog), settings, links, shutdown.clone()));
        Operator { task, shutdown, synced, catalog }
    }

    /// The Pods with this image, by name.
    pub fn pods_with_image(&self, image: &str) -> Vec<String> {
        self.change(|state| {
            let pods = state.objects[Kind::Pods as usize].iter();
            pods.filter(|(_, pod)| objects::image(pod) == image).map(|(name, _)| name.clone()).collect()
        })
    }

    /// The writes to Pods.
    pub fn upgrades(&self) -> Vec<Write> {
        self.change(|state| {
            let is_upgrade = |write: &&Write| write.path.contains("/pods/") && !write.path.contains("/status?");
            state.writes.iter().filter(is_upgrade).cloned().collect()
        })
    }

    pub fn upgrades_of(&self, pod: &str) -> Vec<Write> {
        self.writes(&format!("/pods/{pod}?"))
    }

    /// The writes of the status.
    pub fn status_writes(&self) -> Vec<Write> {
        self.writes("/sidecarsets/")
    }

    /// The writes of conditions of Pods.
    pub fn condition_writes(&self) -> Vec<Write> {
        self.change(|state| {
            let is_condition = |write: &&Write| write.path.contains("/pods/") && write.path.contains("/status?");
            state.writes.iter().filter(is_condition).cloned().collect()
        })
    }

    /// The events, as the object, the type, the reason and the text.
    pub fn events(&self) -> Vec<[String; 4]> {
        let told = self.writes("/events?").into_iter().map(|write| {
            let event = &write.body;
            let texts = [&event["regarding"]["name"], &event["type"], &event["reason"], &event["note"]];
            texts.map(|text| text.as_str().unwrap().to_owned())
        });
        told.collect()
    }

    /// The condition of a Pod that says which sets can be upgraded in it.
    pub fn upgradable(&self, pod: &str) -> Option<Value> {
        self.change(|state| {
            let conditions = state.objects[Kind::Pods as usize][pod]["status"]["conditions"].as_array().unwrap();
            conditions.iter().find(|condition| condition["type"] == "SidecarSetUpgradable").cloned()
        })
    }

    /// The status of the set, without its conditions.
    pub fn counts(&self) -> Value {
        self.change(|state| {
            let mut status = state.objects[Kind::Sets as usize]["log-sc"]["status"].clone();
            status.as_object_mut().unwrap().remove("conditions");
            status
        })
    }

    /// The writes to revisions, as the method and the name.
    pub fn revision_writes(&self) -> Vec<Write> {
        self.writes("/controllerrevisions")
    }

    fn writes(&self, part: &str) -> Vec<Write> {
        self.change(|state| state.writes.iter().filter(|write| write.path.contains(part)).cloned().collect())
    }
}

impl Operator {
    pub fn is_synced(&self) -> bool {
        *self.synced.borrow()
    }

    /// Ends the operator in the middle of whatever it does.
    pub fn kill(&self) {
        self.task.abort();
    }

    /// Stops the operator, and waits for its end.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap().unwrap();
    }
}

/// Lets the operator do what it has to do.
pub async fn settle() {
    sleep(Duration::from_secs(5)).await;
}
