//! Cpu and memory of running Pods, which are written through a subresource of their own.

use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::{Fault, Kind};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

fn asking_for(cpu: &str) -> Value {
    let mut set = set("agent:1", 1);
    set["spec"]["updateStrategy"]["resources"] = "InPlace".into();
    set["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": cpu}});
    set
}

fn ask_for(cluster: &Cluster, cpu: &str, image: &str) {
    cluster.edit_set(|spec| {
        spec["containers"][0]["image"] = image.into();
        spec["containers"][0]["resources"]["requests"]["cpu"] = cpu.into();
    });
}

fn progressing(cluster: &Cluster) -> Value {
    cluster.change(|state| {
        let conditions = state.objects[Kind::Sets as usize]["log-sc"]["status"]["conditions"].clone();
        conditions.as_array().unwrap().iter().find(|it| it["type"] == "Progressing").cloned().unwrap()
    })
}

#[tokio::test(start_paused = true)]
async fn amounts_and_an_image_are_two_writes_of_which_the_second_waits_for_the_kubelet() {
    let cluster = Cluster::new(&asking_for("100m"), &["a"]);
    let _operator = cluster.start().await;
    settle().await;

    ask_for(&cluster, "200m", "agent:2");
    settle().await;
    let first = cluster.upgrades();
    assert_eq!(first.len(), 1);
    assert!(first[0].path.contains("/pods/a/resize?"), "{}", first[0].path);
    assert_eq!(
        first[0].body["spec"],
        json!({"containers": [{"name": "agent", "resources": {"requests": {"cpu": "200m"}}}]})
    );
    assert_eq!(progressing(&cluster)["reason"], "Upgrading");

    cluster.change(|state| {
        let mut pod = state.objects[Kind::Pods as usize]["a"].clone();
        pod["status"]["observedGeneration"] = pod["metadata"]["generation"].clone();
        state.put(Kind::Pods, pod);
    });
    settle().await;

    let second = &cluster.upgrades()[1];
    assert!(!second.path.contains("resize"), "{}", second.path);
    assert_eq!(second.body["spec"], json!({"containers": [{"name": "agent", "image": "agent:2"}]}));
    assert_eq!(cluster.upgrades().len(), 2);
    assert_eq!(cluster.counts()["updatedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn refused_amounts_hold_their_pod_alone_and_the_status_says_so() {
    let cluster = Cluster::new(&asking_for("100m"), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;
    settle().await;
    cluster.fail("a", &[Fault::Code(422); 1000]);

    ask_for(&cluster, "200m", "agent:2");
    sleep(Duration::from_secs(600)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["b", "c"]);
    assert_eq!(progressing(&cluster)["reason"], "UpgradesNotTaken");
    let message =
        "2 of 3 pods are updated; 1 waits for another attempt: the API server did not take its cpu and memory";
    assert_eq!(progressing(&cluster)["message"], message);
}

#[tokio::test(start_paused = true)]
async fn amounts_that_somebody_undoes_are_asked_for_again_only_after_a_pause() {
    let cluster = Cluster::new(&asking_for("100m"), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    settle().await;
    cluster.fail("a", &[Fault::Undone; 1000]);

    ask_for(&cluster, "200m", "agent:1");
    sleep(Duration::from_secs(600)).await;

    let attempts = cluster.upgrades().len();
    assert!(attempts < 30, "{attempts} attempts in ten minutes");
    assert_eq!(progressing(&cluster)["reason"], "UpgradesNotTaken");
}

#[tokio::test(start_paused = true)]
async fn where_the_api_server_cannot_resize_pods_they_stay_and_the_status_says_so() {
    let cluster = Cluster::new(&asking_for("100m"), &["a"]).quick_kubelet();
    cluster.change(|state| state.is_resize_missing = true);
    let _operator = cluster.start().await;
    settle().await;

    ask_for(&cluster, "200m", "agent:2");
    sleep(Duration::from_secs(600)).await;

    let attempts = cluster.upgrades();
    assert!((2..30).contains(&attempts.len()), "{} attempts in ten minutes", attempts.len());
    assert!(attempts.iter().all(|write| write.path.contains("/pods/a/resize?")));
    assert_eq!(progressing(&cluster)["reason"], "UpgradesNotTaken");
    assert_eq!((&cluster.counts()["matchedPods"], &cluster.counts()["updatedPods"]), (&json!(1), &json!(0)));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_learns_to_resize_pods_is_asked_again() {
    let cluster = Cluster::new(&asking_for("100m"), &["a"]).quick_kubelet();
    cluster.change(|state| state.is_resize_missing = true);
    let _operator = cluster.start().await;
    settle().await;
    ask_for(&cluster, "200m", "agent:2");
    sleep(Duration::from_secs(600)).await;

    cluster.change(|state| state.is_resize_missing = false);
    sleep(Duration::from_secs(70)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert_eq!(cluster.counts()["updatedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_kubelet_that_never_says_which_changes_it_has_seen_is_not_waited_for() {
    let cluster = Cluster::new(&asking_for("100m"), &["a"]);
    cluster.change(|state| {
        let mut pod = state.objects[Kind::Pods as usize]["a"].clone();
        pod["status"].as_object_mut().unwrap().remove("observedGeneration");
        state.put(Kind::Pods, pod);
    });
    let _operator = cluster.start().await;
    settle().await;

    ask_for(&cluster, "200m", "agent:2");
    settle().await;

    let writes = cluster.upgrades();
    assert_eq!(writes.len(), 2);
    assert!(writes[0].path.contains("/pods/a/resize?"), "{}", writes[0].path);
    assert_eq!(writes[1].body["spec"], json!({"containers": [{"name": "agent", "image": "agent:2"}]}));
    assert_eq!(cluster.counts()["updatedPods"], 1);
}
