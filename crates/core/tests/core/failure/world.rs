//! A set, its past and its Pods, whose kubelets run good images and never bad ones.

use crate::build::{PodBuilder, now, pod, sidecar_set};
use jiff::Timestamp;
use serde_json::{Value, json};
use sidecarset_api::v1beta1::{SidecarSet, SidecarSetStatus};
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::injection;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodRecord;
use sidecarset_core::revision::Revision;
use sidecarset_core::rollout::{self, Hold, Plan, Upgrade};
use sidecarset_core::status;
use sidecarset_core::validation::{Permissions, Whitelist, WithoutRule};
use std::sync::Arc;

/// How long a Pod may take in this world, in seconds.
pub const DEADLINE: i64 = 30;

/// Images with this in their name never start.
const BAD: &str = "bad";
/// Unless it is this one, which starts in two Pods of three.
pub const BAD_IN_SOME: &str = "agent:bad-in-some";

pub struct World {
    set: Value,
    revisions: Vec<Value>,
    catalog: Catalog,
    pub pods: Vec<PodBuilder>,
    /// Seconds since the world began.
    clock: i64,
    /// Whether a status that is written arrives.
    pub is_status_lost: bool,
    /// The annotations that the cluster allows: those that match this.
    allowed: Option<String>,
}

impl World {
    /// Begins with Pods that carry `agent:v1`, and are ready.
    pub fn new(pods: usize, strategy: &Value) -> Self {
        let set = sidecar_set().metadata("uid", "uid-1").metadata("generation", 1);
        let set = set.spec("updateStrategy", strategy.clone()).strategy("progressDeadlineSeconds", DEADLINE);
        let mut world = Self {
            set: set.source(),
            revisions: Vec::new(),
            catalog: Catalog::default(),
            pods: Vec::new(),
            clock: 0,
            is_status_lost: false,
            allowed: None,
        };
        world.write(|_| ());
        let canonical = world.canonical();
        world.pods = (0..pods).map(|at| pod(&format!("pod-{at:02}"), &canonical)).collect();
        world.round();
        world
    }

    /// Changes the spec.
    pub fn write(&mut self, edit: impl FnOnce(&mut Value)) {
        let generation = self.set["metadata"]["generation"].as_i64().unwrap();
        self.set["metadata"]["generation"] = json!(generation + 1);
        edit(&mut self.set["spec"]);
        self.catalog.put_set(&self.object());
        let canonical = self.canonical();
        let name = &*canonical.draft.name;
        self.revisions.retain(|revision| revision["metadata"]["name"] != name);
        self.revisions.push(json!({
            "metadata": {"name": name, "labels": {"kruise.io/sidecarset-name": "log-sc"}},
            "revision": generation + 1,
            "data": serde_json::from_str::<Value>(&canonical.draft.data).unwrap(),
        }));
        self.restart();
    }

    pub fn release(&mut self, image: &str) {
        self.write(|spec| spec["containers"][0]["image"] = image.into());
    }

    /// Forgets everything that is not in the cluster.
    pub fn restart(&mut self) {
        self.catalog = Catalog::default();
        if let Some(expression) = &self.allowed {
            let text = json!({"rules": [{"allowedAnnotationKeyExprs": [expression]}]}).to_string();
            self.catalog.permit(Permissions::new(Whitelist::read(Some(&text)), WithoutRule::Refuse));
        }
        for revision in &self.revisions {
            self.catalog.put_revision(Revision::read(&serde_json::from_value(revision.clone()).unwrap()).unwrap());
        }
        self.catalog.put_set(&self.object());
    }

    /// Lets the cluster allow the annotations that match an expression, and no others.
    pub fn allow(&mut self, expression: &str) {
        self.allowed = Some(expression.to_owned());
        self.restart();
    }

    /// Removes the revision of an image.
    pub fn forget(&mut self, image: &str) {
        self.revisions.retain(|it| it["data"]["spec"]["containers"][0]["image"] != image);
        self.restart();
    }

    /// Lets time pass.
    pub fn wait(&mut self, seconds: i64) {
        self.clock += seconds;
    }

    /// Looks at the set as the controller does, and writes what it would. Answers how many Pods were upgraded.
    pub fn round(&mut self) -> usize {
        let set = self.canonical();
        let pods: Vec<PodRecord> = self.pods.iter().map(PodBuilder::build).collect();
        let matched: Vec<&PodRecord> = pods.iter().collect();
        let known = self.status();
        let evaluation = self.catalog.evaluate_failure(&set, &matched, Some(&known), self.now());
        let target = evaluation.set.effective();
        let plan = rollout::plan(target, &matched, self.now());
        let status = status::summarize(&evaluation.set, &matched, &plan, Some(&known), self.now());
        let steps = if evaluation.is_new { Vec::new() } else { steps(plan) };
        for step in &steps {
            let at = pods.iter().position(|pod| pod.key == step.pod).unwrap();
            let patch = step.patch(target, &pods[at], self.now());
            self.pods[at] = self.pods[at].clone().patched(&patch);
        }
        if !self.is_status_lost {
            self.set["status"] = serde_json::to_value(&status).unwrap();
            self.catalog.note_failure(&self.object());
        }
        steps.len()
    }

    /// Lets the kubelet act on a Pod.
    pub fn kubelet(&mut self, at: usize) {
        let (was_ready, is_bad) = (self.pods[at].build().is_ready(), self.starts_never(at));
        let pod = self.pods[at].clone();
        let pod = if is_bad { pod.waiting("ImagePullBackOff") } else { pod.caught_up().ready() };
        self.pods[at] = if is_bad || !was_ready { self.since(pod, !is_bad, was_ready) } else { pod };
    }

    fn starts_never(&self, at: usize) -> bool {
        let image = self.image(at);
        image.contains(BAD) && (image != BAD_IN_SOME || at % 3 == 2)
    }

    pub fn kubelets(&mut self) {
        for at in 0..self.pods.len() {
            self.kubelet(at);
        }
    }

    /// Breaks a Pod that runs.
    pub fn crash(&mut self, at: usize) {
        let pod = self.pods[at].clone().waiting("CrashLoopBackOff");
        self.pods[at] = pod.condition(false, &self.moment());
    }

    /// Rounds and kubelets take turns for some time.
    pub fn run(&mut self, rounds: usize) {
        for _ in 0..rounds {
            self.round();
            self.wait(1);
            self.kubelets();
        }
        self.round();
    }

    pub fn image(&self, at: usize) -> String {
        self.pods[at].build().container("agent").unwrap().spec.image.to_string()
    }

    /// The Pods with an image.
    pub fn with_image(&self, image: &str) -> usize {
        (0..self.pods.len()).filter(|at| self.image(*at) == image).count()
    }

    pub fn ready(&self) -> usize {
        self.pods.iter().filter(|pod| pod.build().is_ready()).count()
    }

    pub fn holds(&self, hold: Hold) -> usize {
        let pods: Vec<PodRecord> = self.pods.iter().map(PodBuilder::build).collect();
        rollout::plan(self.canonical().effective(), &pods.iter().collect::<Vec<_>>(), self.now()).held(hold)
    }

    /// The image and the revision that a new Pod gets.
    pub fn new_pod(&self) -> (String, Option<String>) {
        let pod = json!({"metadata": {"labels": {"app": "nginx"}}, "spec": {"containers": [{"name": "main"}]}});
        let chosen = injection::choose(&pod, &[self.canonical()], |_| 0.5).unwrap().remove(0);
        (chosen.containers[0].image.to_string(), chosen.revision.as_deref().map(str::to_owned))
    }

    pub fn status(&self) -> SidecarSetStatus {
        serde_json::from_value(self.set["status"].clone()).unwrap_or_default()
    }

    pub fn set_status(&mut self, status: &SidecarSetStatus) {
        self.set["status"] = serde_json::to_value(status).unwrap();
        self.catalog.note_failure(&self.object());
    }

    /// Whether a condition is true, its reason and its message.
    pub fn condition(&self, kind: &str) -> Option<(bool, String, String)> {
        let found = self.status().conditions.into_iter().find(|condition| condition.type_ == kind)?;
        Some((found.status == "True", found.reason, found.message))
    }

    pub fn reason(&self, kind: &str) -> String {
        self.condition(kind).map(|(_, reason, _)| reason).unwrap_or_default()
    }

    pub fn canonical(&self) -> Arc<CanonicalSet> {
        match self.catalog.set("log-sc").unwrap() {
            Entry::Valid(set) => Arc::clone(set),
            Entry::Invalid(set) => panic!("{}", set.violations),
        }
    }

    fn since(&self, pod: PodBuilder, is_ready: bool, was_ready: bool) -> PodBuilder {
        if is_ready == was_ready { pod } else { pod.condition(is_ready, &self.moment()) }
    }

    fn object(&self) -> SidecarSet {
        serde_json::from_value(self.set.clone()).unwrap()
    }

    fn moment(&self) -> String {
        Timestamp::from_second(now().since_epoch() + self.clock).unwrap().to_string()
    }

    fn now(&self) -> Seconds {
        self.moment().parse::<Timestamp>().unwrap().into()
    }
}

fn steps(plan: Plan) -> Vec<Upgrade> {
    plan.flips.into_iter().chain(plan.upgrades).collect()
}
