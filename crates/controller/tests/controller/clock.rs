//! A clock that is set to another time while Pods are upgraded.

use super::cluster::{Cluster, settle};
use super::objects::{fail_to_pull, image, set};
use super::server::Kind;
use jiff::SignedDuration;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{Instant, sleep};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// What is said of a rollout whose Pods have a minute each.
fn with_deadline() -> Value {
    let mut set = set("agent:1", 1);
    set["spec"]["updateStrategy"]["failureThreshold"] = json!(1);
    set["spec"]["updateStrategy"]["progressDeadlineSeconds"] = json!(60);
    set
}

/// Has the kubelet fail to pull the image of every Pod that was upgraded.
fn fail(cluster: &Cluster) {
    cluster.change(|state| {
        for mut pod in state.objects[Kind::Pods as usize].clone().into_values() {
            if image(&pod) == "agent:2" {
                fail_to_pull(&mut pod, &Cluster::now().to_string());
                state.put(Kind::Pods, pod);
            }
        }
    });
}

/// Returns how long it takes from the jump until the status says that the rollout has failed.
async fn fails_after(jump: SignedDuration) -> u64 {
    let cluster = Cluster::new(&with_deadline(), &["a", "b", "c"]).moving_clock();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    fail(&cluster);
    settle().await;
    assert_eq!(cluster.counts().get("failure"), None);

    Cluster::jump(jump);
    let jumped = Instant::now();
    sleep(Duration::from_hours(3)).await;

    assert_eq!(cluster.pods_with_image("agent:2").len(), 1);
    let told = cluster.status_writes().into_iter().find(|write| write.body["status"]["failure"].is_object());
    (told.unwrap().at - jumped).as_secs()
}

/// Has the sidecar of every Pod that was upgraded end soon after its start, and run again.
fn crash_once(cluster: &Cluster) {
    let now = Cluster::now();
    let [began, ended] = [3, 1].map(|ago| (now - SignedDuration::from_secs(ago)).to_string());
    cluster.run_kubelet();
    cluster.change(|state| {
        for mut pod in state.objects[Kind::Pods as usize].clone().into_values() {
            if image(&pod) == "agent:2" {
                let container = &mut pod["status"]["containerStatuses"][0];
                container["restartCount"] = json!(1);
                container["state"] = json!({"running": {"startedAt": now.to_string()}});
                container["lastState"] =
                    json!({"terminated": {"startedAt": began, "finishedAt": ended, "exitCode": 1, "reason": "Error"}});
                state.put(Kind::Pods, pod);
            }
        }
    });
}

/// Returns how long it takes from a crash, and a jump right after it, until the next Pod is upgraded.
async fn is_believed_after(jump: SignedDuration) -> u64 {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).moving_clock();
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    crash_once(&cluster);
    Cluster::jump(jump);
    let crashed = Instant::now();
    sleep(Duration::from_hours(3)).await;

    cluster.upgrades().get(1).map_or(u64::MAX, |write| (write.at - crashed).as_secs())
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_moves_the_time_after_which_a_sidecar_is_believed_to_run_by_five_minutes_at_most() {
    let still = is_believed_after(SignedDuration::ZERO).await;
    let back = is_believed_after(-SignedDuration::from_mins(4)).await;
    let far_back = is_believed_after(-SignedDuration::from_mins(10)).await;
    let ahead = is_believed_after(HOUR).await;

    assert!((29..=32).contains(&still), "{still} s");
    assert!((269..=302).contains(&back), "{back} s");
    assert!((0..=2).contains(&far_back), "{far_back} s");
    assert!((0..=2).contains(&ahead), "{ahead} s");
}

#[tokio::test(start_paused = true)]
async fn whenever_the_clock_jumps_each_pod_is_upgraded_once_and_the_next_when_it_is_ready() {
    for jump in [HOUR, -HOUR] {
        for set in [set("agent:1", 1), with_deadline()] {
            let cluster = Cluster::new(&set, &["a", "b", "c"]).moving_clock();
            let _operator = cluster.start().await;
            cluster.set_image("agent:2");
            for upgraded in 1..=3 {
                settle().await;
                Cluster::jump(jump);
                sleep(Duration::from_secs(30)).await;

                assert_eq!(cluster.upgrades().len(), upgraded, "{jump:#}: another one before it was ready");
                cluster.run_kubelet();
            }
            settle().await;

            assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"], "{jump:#}");
            assert_eq!(cluster.upgrades().len(), 3, "{jump:#}");
            assert_eq!(cluster.counts()["updatedReadyPods"], 3, "{jump:#}");
            assert_eq!(cluster.counts().get("failure"), None, "{jump:#}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_moves_the_deadline_of_a_pod_by_as_much() {
    // Ten seconds of its minute are over.
    let back = fails_after(-SignedDuration::from_mins(10)).await;
    let ahead = fails_after(SignedDuration::from_secs(30)).await;
    let beyond = fails_after(HOUR).await;

    assert!((649..=652).contains(&back), "{back} s");
    // It wakes up when the deadline was to be, whatever the clock says by then.
    assert!((19..=52).contains(&ahead), "{ahead} s");
    assert!((0..=52).contains(&beyond), "{beyond} s");
}
