//! Rollouts that are given up.

use super::cluster::{Cluster, Operator, settle};
use super::objects::{fail_to_pull, image, run, set};
use super::server::{Fault, Kind};
use serde_json::{Value, json};
use sidecarset_core::catalog::Entry;
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What the revision of the good image is called.
const GOOD: &str = "log-sc-7d44b88555";

fn cluster(on_failure: &str) -> Cluster {
    let mut set = set("agent:1", 1);
    set["spec"]["updateStrategy"]["failureThreshold"] = json!(1);
    set["spec"]["updateStrategy"]["progressDeadlineSeconds"] = json!(60);
    set["spec"]["updateStrategy"]["onFailure"] = json!(on_failure);
    Cluster::new(&set, &["a", "b", "c"]).moving_clock()
}

/// Releases an image that no node can pull.
async fn release_a_bad_image(cluster: &Cluster) {
    cluster.set_image("agent:bad");
    settle().await;
    cluster.change(|state| {
        for mut pod in state.objects[Kind::Pods as usize].clone().into_values() {
            if image(&pod) == "agent:bad" {
                fail_to_pull(&mut pod, &Cluster::now().to_string());
                state.put(Kind::Pods, pod);
            }
        }
    });
    settle().await;
}

/// Lets the kubelet start what it has the image of.
fn start_again(cluster: &Cluster) {
    cluster.change(|state| {
        for mut pod in state.objects[Kind::Pods as usize].clone().into_values() {
            if image(&pod) != "agent:bad" {
                run(&mut pod);
                state.put(Kind::Pods, pod);
            }
        }
    });
}

fn condition(cluster: &Cluster, kind: &str) -> Option<Value> {
    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let found = status["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)?;
    Some(json!([found["status"], found["reason"]]))
}

/// The image and the revision that new Pods get.
fn for_new_pods(operator: &Operator) -> (String, String) {
    let catalog = operator.catalog.read();
    let Some(Entry::Valid(set)) = catalog.set("log-sc") else { panic!("the set is valid") };
    let set = set.effective();
    (set.containers[0].image.to_string(), set.revision.as_deref().unwrap_or_default().to_owned())
}

fn says_failure(body: &Value) -> bool {
    body["status"]["failure"].is_object()
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_given_up_when_the_time_of_a_pod_is_over_though_nothing_happens_then() {
    let cluster = cluster("Halt");
    let _operator = cluster.start().await;
    let began = Instant::now();
    release_a_bad_image(&cluster).await;
    sleep(Duration::from_secs(3600)).await;

    let told = cluster.status_writes().into_iter().find(|write| says_failure(&write.body)).unwrap();
    assert!((60..=62).contains(&(told.at - began).as_secs()), "{:?}", told.at - began);
    assert_eq!(cluster.pods_with_image("agent:bad").len(), 1);
    assert_eq!(condition(&cluster, "Degraded"), Some(json!(["True", "FailureThresholdReached"])));
    assert_eq!(condition(&cluster, "Progressing"), Some(json!(["False", "Halted"])));
    let failure = &cluster.counts()["failure"];
    assert_eq!((&failure["generation"], &failure["failedPods"]), (&json!(2), &json!(1)));
    assert_eq!(failure.get("rollbackRevision"), None);
}

#[tokio::test(start_paused = true)]
async fn a_pod_returns_only_after_the_status_says_so() {
    let cluster = cluster("Rollback");
    let operator = cluster.start().await;
    release_a_bad_image(&cluster).await;
    sleep(Duration::from_secs(120)).await;
    start_again(&cluster);
    settle().await;

    let writes = cluster.change(|state| state.writes.clone());
    let told = writes.iter().position(|write| says_failure(&write.body)).unwrap();
    let returned = writes
        .iter()
        .position(|it| it.body["spec"]["containers"][0]["image"] == "agent:1" && it.path.contains("/pods/"));
    assert!(returned.unwrap() > told, "{returned:?} {told}");
    assert_eq!(cluster.pods_with_image("agent:1"), ["a", "b", "c"]);
    assert_eq!(cluster.upgrades().len(), 2);
    assert_eq!(condition(&cluster, "Progressing"), Some(json!(["False", "RolledBack"])));
    assert_eq!(condition(&cluster, "Ready"), Some(json!(["False", "RolledBack"])));
    assert_eq!(cluster.counts()["failure"]["rollbackRevision"], GOOD);
    assert_eq!(for_new_pods(&operator), ("agent:1".to_owned(), GOOD.to_owned()));
}

#[tokio::test(start_paused = true)]
async fn nothing_follows_from_a_failure_while_the_status_cannot_be_written() {
    let cluster = cluster("Rollback");
    let operator = cluster.start().await;
    release_a_bad_image(&cluster).await;
    cluster.fail("log-sc", &[Fault::Code(500); 8]);
    sleep(Duration::from_secs(60)).await;

    assert!(cluster.status_writes().iter().any(|write| says_failure(&write.body)), "it was tried");
    assert_eq!(cluster.upgrades().len(), 1);
    assert_eq!(for_new_pods(&operator).0, "agent:bad");
    sleep(Duration::from_secs(60)).await;
    assert_eq!(cluster.pods_with_image("agent:1"), ["a", "b", "c"]);
    assert_eq!(for_new_pods(&operator).0, "agent:1");
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_of_a_rollback_goes_on_with_it() {
    let cluster = cluster("Rollback");
    let operator = cluster.start().await;
    release_a_bad_image(&cluster).await;
    let bad = cluster.pods_with_image("agent:bad");
    cluster.fail(&bad[0], &[Fault::Code(403); 100]);
    sleep(Duration::from_secs(70)).await;
    operator.stop().await;
    assert_eq!(cluster.pods_with_image("agent:bad"), bad);
    cluster.fail(&bad[0], &[]);

    let operator = cluster.start().await;

    assert_eq!(for_new_pods(&operator).0, "agent:1");
    assert_eq!(cluster.pods_with_image("agent:1"), ["a", "b", "c"]);
    assert_eq!(cluster.status_writes().iter().filter(|write| says_failure(&write.body)).count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_rollout_is_over_when_the_time_of_the_last_pod_is_though_nothing_happens_then() {
    let cluster = cluster("Rollback").quick_kubelet();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(50)).await;
    assert_eq!(condition(&cluster, "Progressing"), Some(json!(["False", "Complete"])));
    assert_eq!(cluster.counts()["completedRevision"], GOOD);

    sleep(Duration::from_secs(20)).await;

    assert_eq!(cluster.counts()["completedRevision"], cluster.counts()["latestRevision"]);
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_spec_ends_it() {
    for on_failure in ["Halt", "Rollback"] {
        let cluster = cluster(on_failure);
        let operator = cluster.start().await;
        release_a_bad_image(&cluster).await;
        sleep(Duration::from_secs(120)).await;

        cluster.change(|state| state.is_kubelet_quick = true);
        cluster.run_kubelet();
        cluster.set_image("agent:2");
        sleep(Duration::from_secs(20)).await;

        assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
        assert_eq!(condition(&cluster, "Degraded"), Some(json!(["False", "AsExpected"])));
        assert_eq!(condition(&cluster, "Progressing"), Some(json!(["False", "Complete"])));
        assert_eq!(cluster.counts().get("failure"), None);
        assert_eq!(for_new_pods(&operator).0, "agent:2");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failure_that_somebody_takes_out_of_the_status_is_forgotten() {
    let cluster = cluster("Rollback");
    let operator = cluster.start().await;
    release_a_bad_image(&cluster).await;
    sleep(Duration::from_secs(120)).await;
    assert_eq!(for_new_pods(&operator).0, "agent:1");

    cluster.change(|state| {
        let mut set = state.objects[Kind::Sets as usize]["log-sc"].clone();
        set["status"].as_object_mut().unwrap().remove("failure");
        state.put(Kind::Sets, set);
    });
    settle().await;

    assert_eq!(for_new_pods(&operator).0, "agent:bad");
}

#[tokio::test(start_paused = true)]
async fn the_revision_that_a_rollback_needs_is_kept() {
    let cluster = cluster("Rollback");
    cluster.edit_set(|spec| spec["revisionHistoryLimit"] = json!(1));
    cluster.change(|state| {
        for name in ["b", "c"] {
            state.remove(Kind::Pods, name);
        }
    });
    let _operator = cluster.start().await;
    release_a_bad_image(&cluster).await;
    sleep(Duration::from_secs(120)).await;

    assert_eq!(cluster.pods_with_image("agent:1"), ["a"]);
}
