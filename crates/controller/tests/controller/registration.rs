use super::cluster::{Cluster, settle};
use super::objects::set;
use serde_json::json;

#[tokio::test(start_paused = true)]
async fn others_are_told_only_when_other_pods_may_be_selected() {
    let cluster = Cluster::new(&set("agent:1", 1), &[]);
    let mut selection = cluster.selection.subscribe();
    let _operator = cluster.start().await;
    assert!(selection.has_changed().unwrap());
    selection.mark_unchanged();

    cluster.set_image("agent:2");
    settle().await;
    let after_image = selection.has_changed().unwrap();
    cluster.edit_set(|spec| spec["namespace"] = json!("shop"));
    settle().await;

    assert!(!after_image);
    assert!(selection.has_changed().unwrap());
}
