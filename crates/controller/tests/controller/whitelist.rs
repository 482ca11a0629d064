//! The white list of annotations, which may change while sets are in force.

use super::cluster::{Cluster, settle};
use super::objects;
use super::server::Kind;
use serde_json::{Value, json};
use sidecarset_core::catalog::Entry;
use std::time::Duration;
use tokio::time::sleep;

/// A set that writes one annotation, `note`.
fn set() -> Value {
    let mut set = objects::set("agent:1", "100%");
    set["spec"]["patchPodMetadata"] = json!([{"annotations": {"note": "x"}}]);
    set
}

/// Lets the cluster allow the annotations that match an expression, and no others.
fn allow(cluster: &Cluster, expression: &str) {
    let rules = json!({"rules": [{"allowedAnnotationKeyExprs": [expression]}]}).to_string();
    let metadata = json!({"name": "kruise-configuration", "namespace": "sidecarset-system"});
    let data = json!({"SidecarSet_PatchPodMetadata_WhiteList": rules});
    cluster.change(|state| state.put(Kind::Configurations, json!({"metadata": metadata, "data": data})));
}

/// The reason of a condition of the set.
fn reason(cluster: &Cluster, kind: &str) -> String {
    cluster.change(|state| {
        let conditions = state.objects[Kind::Sets as usize]["log-sc"]["status"]["conditions"].as_array().unwrap();
        let condition = conditions.iter().find(|condition| condition["type"] == kind).unwrap();
        condition["reason"].as_str().unwrap().to_owned()
    })
}

#[tokio::test(start_paused = true)]
async fn upgrades_wait_while_the_white_list_does_not_allow_the_annotations_of_their_set() {
    let cluster = Cluster::new(&set(), &["a", "b"]).quick_kubelet();
    allow(&cluster, "^note$");
    let _operator = cluster.start().await;
    assert_eq!(reason(&cluster, "Ready"), "AllPodsReady");

    allow(&cluster, "^other$");
    settle().await;
    cluster.set_image("agent:2");
    settle().await;

    let reasons = ["Ready", "Degraded", "Progressing", "Injecting"].map(|kind| reason(&cluster, kind));
    assert_eq!(reasons, ["NotAllowed"; 4]);
    assert_eq!(cluster.upgrades().len(), 0);

    allow(&cluster, "^note$");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b"]);
    assert_eq!(reason(&cluster, "Ready"), "AllPodsReady");
}

#[tokio::test(start_paused = true)]
async fn a_white_list_that_is_deleted_or_cannot_be_read_stops_no_set_that_is_in_force() {
    for is_deleted in [true, false] {
        let cluster = Cluster::new(&set(), &["a"]).quick_kubelet();
        allow(&cluster, "^other$");
        let operator = cluster.start().await;
        assert_eq!(reason(&cluster, "Ready"), "NotAllowed");

        if is_deleted {
            cluster.change(|state| state.remove(Kind::Configurations, "kruise-configuration"));
        } else {
            let metadata = json!({"name": "kruise-configuration", "namespace": "sidecarset-system"});
            cluster.change(|state| state.put(Kind::Configurations, json!({"metadata": metadata, "data": [1]})));
        }
        settle().await;

        assert_eq!(reason(&cluster, "Ready"), "AllPodsReady", "{is_deleted}");
        let catalog = operator.catalog.read();
        let Some(Entry::Valid(set)) = catalog.set("log-sc") else { panic!("the set is valid") };
        assert_eq!(set.forbidden, None);
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_decided_before_the_white_list_is_known() {
    let cluster = Cluster::new(&set(), &["a"]).quick_kubelet();
    cluster.change(|state| state.withheld = Some(Kind::Configurations));
    let operator = cluster.begin();
    sleep(Duration::from_secs(3600)).await;

    assert!(!operator.is_synced());
    assert!(cluster.status_writes().is_empty());
}
