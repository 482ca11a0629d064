use super::*;
use crate::annotations::Seconds;
use crate::injection::inject;
use crate::normalize::{CanonicalSet, normalize};
use crate::reconcile::test_pod::PodLite;
use crate::reconcile::{Monotonic, WriteHold};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde_json::{Value, json};

const WALL: &str = "2026-01-02T03:04:05Z";

fn wall() -> Seconds {
    serde_json::from_value(json!(WALL)).unwrap()
}

fn log_sc() -> Arc<str> {
    "log-sc".into()
}

fn set(generation: u64, image: &str, change: impl FnOnce(&mut Value)) -> SidecarSet {
    let mut set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet",
        "metadata": {"name": "log-sc", "uid": "u", "generation": generation, "resourceVersion": generation.to_string()},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "containers": [{"name": "agent", "image": image}],
            "updateStrategy": {"maxUnavailable": "100%"},
        },
    });
    change(&mut set);
    serde_json::from_value(set).unwrap()
}

fn pod(name: &str, set: &SidecarSet) -> PodLite {
    let set: Arc<CanonicalSet> = Arc::new(normalize(set).unwrap());
    let mut pod = json!({
        "metadata": {
            "name": name, "namespace": "shop", "uid": format!("uid-of-{name}"), "resourceVersion": "7",
            "labels": {"app": "web"}, "creationTimestamp": WALL,
        },
        "spec": {"nodeName": "node", "containers": [{"name": "web", "image": "web:1"}]},
    });
    let injection = inject(&pod, &[set], wall()).unwrap();
    json_patch::patch(&mut pod, &injection.patch.operations()).unwrap();
    pod["status"] = json!({"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]});
    serde_json::from_value(pod).unwrap()
}

/// A driver that leads, and what there is beside it.
struct Operator {
    driver: Driver,
    catalog: Catalog,
    now: Monotonic,
}

impl Operator {
    /// One that knows of Pods with the first image, and of the set with the second.
    fn upgrading(pods: &[&str], change: impl FnOnce(&mut Value)) -> Self {
        let mut operator = Self { driver: Driver::default(), catalog: Catalog::default(), now: Monotonic::START };
        operator.catalog.put_namespace("shop", BTreeMap::new());
        operator.driver.lead(true);
        for name in pods {
            let pod = pod(name, &set(1, "agent:1", |_| ()));
            operator.driver.observe_pods(operator.now, PodNews::Shown(pod.observed()));
        }
        operator.observe(&set(2, "agent:2", change));
        operator
    }

    fn observe(&mut self, set: &SidecarSet) {
        self.driver.observe_set(self.now, set, None, &mut self.catalog);
    }

    /// Looks at the set that is due, and begins the round.
    fn begin(&mut self) {
        let name = self.driver.poll_look(self.now).expect("a set is due");
        let look = self.driver.look(&name, &self.catalog, Now { wall: wall(), monotonic: self.now });
        let evaluation = look.evaluate_failure(&self.catalog);
        self.driver.begin(look.decide(evaluation), self.now);
    }

    fn poll(&mut self) -> Poll<PodWrite> {
        self.driver.poll_pod(self.now, &log_sc(), &self.catalog)
    }

    /// Returns the next upgrade.
    fn upgrade(&mut self) -> Option<PodWrite> {
        match self.poll() {
            Poll::Write(write @ PodWrite::Upgrade(_)) => Some(write),
            Poll::Write(PodWrite::Condition(_)) | Poll::Wait(_) | Poll::Over => None,
        }
    }

    fn record(&mut self) -> Poll<RecordWrite> {
        let now = Now { wall: wall(), monotonic: self.now };
        let around = Surroundings { catalog: &self.catalog, in_force: &RegisteredScopes::default(), now };
        self.driver.poll_record(&log_sc(), around)
    }

    fn hold(&mut self, write: &PodWrite, hold: WriteHold) {
        self.driver.answer_pod(self.now, write, &PodAnswer::Held(hold, "no"));
        self.driver.release("log-sc");
    }
}

fn key(write: &PodWrite) -> String {
    match write {
        PodWrite::Upgrade(write) => write.pod.key.to_string(),
        PodWrite::Condition(write) => write.pod.key.to_string(),
    }
}

#[test]
fn each_pod_of_a_round_is_written_once() {
    let mut operator = Operator::upgrading(&["a", "b"], |_| ());
    operator.begin();

    let written: Vec<String> = std::iter::from_fn(|| operator.upgrade()).map(|write| key(&write)).collect();

    assert_eq!(written, ["shop/a", "shop/b"]);
    assert!(matches!(operator.poll(), Poll::Wait(Some(_))), "the answers are waited for");
}

#[test]
fn nothing_begins_once_the_set_is_paused_although_it_was_planned() {
    let mut operator = Operator::upgrading(&["a", "b"], |_| ());
    operator.begin();
    assert!(operator.upgrade().is_some());

    operator.observe(&set(3, "agent:2", |set| set["spec"]["updateStrategy"]["paused"] = true.into()));

    assert!(operator.upgrade().is_none());
}

#[test]
fn nothing_begins_once_the_set_is_deleted_although_it_was_planned() {
    let mut operator = Operator::upgrading(&["a"], |_| ());
    operator.begin();

    operator.driver.forget_set(operator.now, "log-sc", &mut operator.catalog);

    assert!(operator.upgrade().is_none());
}

#[test]
fn nothing_begins_once_another_replica_may_lead() {
    let mut operator = Operator::upgrading(&["a"], |_| ());
    operator.begin();

    operator.driver.lead(false);

    assert!(matches!(operator.poll(), Poll::Over));
    assert!(matches!(operator.record(), Poll::Over));
    operator.driver.end(operator.now, &log_sc());
    operator.now = operator.now + Duration::from_secs(60);
    assert_eq!(operator.driver.poll_look(operator.now), None);
    operator.driver.lead(true);
    assert_eq!(operator.driver.poll_look(operator.now), Some(log_sc()), "it is due");
}

#[test]
fn nothing_begins_two_seconds_after_it_was_planned() {
    let mut operator = Operator::upgrading(&["a"], |_| ());
    operator.begin();
    operator.now = operator.now + Duration::from_secs(2);

    assert!(matches!(operator.poll(), Poll::Over));
    assert_eq!(operator.driver.end(operator.now, &log_sc()), 1);
    assert_eq!(operator.driver.poll_look(operator.now), Some(log_sc()), "it is planned anew");
}

#[test]
fn what_is_recorded_of_a_set_waits_for_no_upgrade() {
    let mut operator = Operator::upgrading(&["a", "b"], |_| ());
    operator.driver.limit(1);
    operator.begin();
    assert!(operator.upgrade().is_some());
    assert!(operator.upgrade().is_none(), "the only permit is taken");

    let Poll::Write(RecordWrite::Revision(set, change)) = operator.record() else { panic!("there is no revision yet") };
    operator.driver.answer_revision(operator.now, (&set, &change), RevisionAnswer::Failed, &mut operator.catalog);

    assert!(matches!(operator.record(), Poll::Write(RecordWrite::Status(_))));
}

#[test]
fn a_pod_that_was_not_written_is_tried_again_when_its_time_has_come() {
    let mut operator = Operator::upgrading(&["a"], |_| ());
    operator.begin();
    let write = operator.upgrade().unwrap();
    operator.hold(&write, WriteHold::Refused);
    assert!(matches!(operator.poll(), Poll::Over));
    operator.driver.end(operator.now, &log_sc());

    operator.begin();
    assert!(operator.upgrade().is_none(), "it waits");
    operator.driver.end(operator.now, &log_sc());

    operator.now = operator.driver.deadline().unwrap();
    assert_eq!(operator.now.since_start(), Duration::from_millis(100));
    operator.begin();
    assert!(operator.upgrade().is_some());
}

#[test]
fn annotations_of_another_version_of_the_pod_are_of_no_use() {
    let keeps = |set: &mut Value| {
        set["spec"]["patchPodMetadata"] = json!([{"patchPolicy": "Retain", "annotations": {"level": "debug"}}]);
    };
    let mut operator = Operator::upgrading(&["a"], |_| ());
    operator.begin();
    let Some(PodWrite::Upgrade(mut write)) = operator.upgrade() else { panic!("there is an upgrade") };
    write.set = Arc::new(normalize(&set(2, "agent:2", keeps)).unwrap());
    let found = |version: &str, annotations: Value| -> ObjectMeta {
        let metadata = json!({"uid": "uid-of-a", "resourceVersion": version, "annotations": annotations});
        serde_json::from_value(metadata).unwrap()
    };

    assert!(write.reads_annotations());
    assert_eq!(write.annotate(Some(&found("8", json!({})))).unwrap_err().0, WriteHold::Conflict);
    assert!(write.annotate(Some(&found("7", json!({"level": "info"})))).is_ok());
    assert_eq!(write.upgrade.annotations, BTreeMap::new(), "what the Pod has is kept");
    assert!(write.annotate(Some(&found("7", json!({})))).is_ok());
    assert_eq!(write.upgrade.annotations.get("level").map(String::as_str), Some("debug"));
}

#[test]
fn a_look_is_followed_by_four_times_its_decision_but_by_no_more_than_a_second() {
    assert_eq!(rest_after(Duration::from_millis(30)), Duration::from_millis(150));
    assert_eq!(rest_after(Duration::from_millis(700)), Duration::from_millis(1_700));
}
