//! Objects that cannot be read as a whole: they came past the admission webhook, or somebody wrote into them what no program of
//! Kubernetes writes.

use super::cluster::{Cluster, Operator, settle};
use super::objects::{pod, set};
use super::server::Kind;
use serde_json::{Value, json};
use sidecarset_core::catalog::Entry;
use sidecarset_metrics::{Registry, scrape};

fn nested(levels: usize) -> String {
    format!("{}1{}", r#"{"a":"#.repeat(levels), "}".repeat(levels))
}

/// A set `deep` of the Pods of the application `deep`, which is nested as deep as nobody reads it.
fn deep_set(version: u64) -> String {
    let metadata =
        json!({"name": "deep", "uid": "uid-of-deep", "generation": 4, "resourceVersion": version.to_string()});
    let selector = json!({"matchLabels": {"app": "deep"}});
    let container = format!(r#"{{"name":"agent","image":"agent:1","x":{}}}"#, nested(150));
    format!(
        r#"{{"apiVersion":"apps.kruise.io/v1beta1","kind":"SidecarSet","metadata":{metadata},
        "spec":{{"selector":{selector},"containers":[{container}]}}}}"#
    )
    .replace('\n', "")
}

/// A revision of `log-sc`, which is nested as deep.
fn deep_revision() -> String {
    let metadata = json!({
        "name": "log-sc-deep", "namespace": "sidecarset-system", "resourceVersion": "2",
        "labels": {"kruise.io/sidecarset-name": "log-sc"},
    });
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"ControllerRevision","metadata":{metadata},"revision":7,"data":{{"spec":{}}}}}"#,
        nested(150)
    )
}

/// Times that can be stored and not be read, in what a manager of fields notes.
fn with_managers(mut object: Value) -> Value {
    let manager = json!({"manager": "kubectl", "operation": "Update", "time": "9999-12-31T23:59:59Z"});
    object["metadata"]["managedFields"] = json!([manager]);
    object
}

fn unreadable(cluster: &Cluster) -> Vec<String> {
    let mut registry = Registry::default();
    cluster.metrics.register(&mut registry);
    let text = scrape(&registry).unwrap();
    let series = text.lines().filter_map(|line| line.strip_prefix("unreadable_objects{kind="));
    series.filter(|series| !series.ends_with(" 0")).map(str::to_owned).collect()
}

/// What is said of the set `deep`.
fn conditions(cluster: &Cluster) -> Vec<[String; 3]> {
    let mut writes = cluster.status_writes().into_iter().filter(|write| write.path.contains("/sidecarsets/deep/"));
    let last = writes.next_back().expect("the status is written").body;
    let conditions = last["status"]["conditions"].as_array().unwrap().iter();
    let texts =
        |condition: &Value| ["type", "status", "reason"].map(|member| condition[member].as_str().unwrap().to_owned());
    conditions.map(texts).collect()
}

fn refuses(operator: &Operator, app: &str) -> bool {
    let labels: std::collections::BTreeMap<_, _> = [("app".to_owned(), app.to_owned())].into();
    !operator.catalog.read().select(&labels, None).invalid.is_empty()
}

async fn upgrades_all(cluster: &Cluster) {
    cluster.set_image("agent:2");
    settle().await;
    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
}

const INVALID: [[&str; 3]; 4] = [
    ["Ready", "False", "InvalidSpec"],
    ["Progressing", "False", "InvalidSpec"],
    ["Degraded", "True", "InvalidSpec"],
    ["Injecting", "False", "InvalidSpec"],
];

#[tokio::test(start_paused = true)]
async fn objects_that_are_nested_too_deep_are_named_and_nothing_else_suffers() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    cluster.change(|state| {
        state.put_text(Kind::Sets, deep_set(1));
        state.put_text(Kind::Revisions, deep_revision());
    });

    let operator = cluster.start().await;

    assert_eq!(unreadable(&cluster), ["\"sidecarset\"} 1", "\"revision\"} 1"]);
    assert_eq!(conditions(&cluster), INVALID);
    assert_eq!([refuses(&operator, "deep"), refuses(&operator, "web")], [true, false]);
    upgrades_all(&cluster).await;
}

#[tokio::test(start_paused = true)]
async fn a_set_that_a_watch_shows_and_that_cannot_be_read_is_told_and_the_watch_goes_on() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let operator = cluster.start().await;

    cluster.change(|state| state.put_text(Kind::Sets, deep_set(9)));
    settle().await;
    assert_eq!(unreadable(&cluster), ["\"sidecarset\"} 1"]);
    assert_eq!(conditions(&cluster), INVALID);
    assert!(refuses(&operator, "deep"));
    let lists = cluster.change(|state| state.lists + state.streamed_lists);
    upgrades_all(&cluster).await;

    let gone = json!({"metadata": {"name": "deep", "uid": "uid-of-deep", "resourceVersion": "99"}});
    cluster.change(|state| state.tell(Kind::Sets, "DELETED", &gone));
    settle().await;
    assert_eq!(unreadable(&cluster), [""; 0]);
    assert!(!refuses(&operator, "deep"));
    assert_eq!(cluster.change(|state| state.lists + state.streamed_lists), lists);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_could_be_read_before_is_told_when_it_cannot_any_more() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let operator = cluster.start().await;

    let mut broken = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"].clone());
    broken["metadata"]["generation"] = json!(2);
    broken["spec"]["containers"] = json!("none");
    cluster.change(|state| state.put(Kind::Sets, broken));
    settle().await;

    let Some(Entry::Invalid(known)) = operator.catalog.read().set("log-sc").cloned() else { panic!("it is valid") };
    let expected =
        "spec.containers: cannot be read: invalid type: string \"none\", expected a sequence at line 1 column 20";
    assert_eq!(known.violations.to_string(), expected);
    assert_eq!(cluster.counts()["matchedPods"], 1, "what was known of it is still said");
}

#[tokio::test(start_paused = true)]
async fn times_that_cannot_be_read_hide_no_object() {
    let mut definition = with_managers(set("agent:1", 1));
    definition["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "red"}});
    let cluster = Cluster::new(&definition, &[]).quick_kubelet();
    cluster.change(|state| {
        let shop = json!({"metadata": {"name": "shop", "labels": {"team": "red"}}});
        state.put(Kind::Namespaces, with_managers(shop));
        let mut a = with_managers(pod("a", &set("agent:1", 1)));
        a["metadata"]["creationTimestamp"] = json!("10000-01-01T00:00:00Z");
        a["status"]["conditions"][0]["lastTransitionTime"] = json!("9999-12-31T23:59:59Z");
        state.put(Kind::Pods, a);
    });

    let _operator = cluster.start().await;

    assert_eq!(cluster.counts()["matchedPods"], 1);
    upgrades_all(&cluster).await;
    assert_eq!(unreadable(&cluster), ["\"sidecarset\"} 1", "\"namespace\"} 1"]);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_read_is_written_anew() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    cluster.change(|state| {
        let mut definition = set("agent:1", 1);
        definition["status"] = json!({"matchedPods": 5_000_000_000_u64, "conditions": "none"});
        state.put(Kind::Sets, definition);
    });

    let _operator = cluster.start().await;

    assert_eq!(cluster.counts()["matchedPods"], 1);
    assert_eq!(unreadable(&cluster), [""; 0]);
}
