use super::cluster::{Cluster, settle};
use super::objects::set;
use super::server::{Fault, Kind};
use std::time::Duration;
use tokio::time::{Instant, sleep};

async fn upgraded_beside(fault: Fault) -> Vec<String> {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[fault; 100]);
    cluster.set_image("agent:2");
    settle().await;
    cluster.pods_with_image("agent:2")
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_does_not_stop_the_others() {
    // An admission webhook that denies answers with the first, or with what it likes.
    for code in [403, 400, 422] {
        assert_eq!(upgraded_beside(Fault::Code(code)).await, ["b", "c"], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_always_changes_does_not_stop_the_others() {
    assert_eq!(upgraded_beside(Fault::Code(409)).await, ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_gone_does_not_stop_the_others() {
    assert_eq!(upgraded_beside(Fault::Code(404)).await, ["b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_of_the_api_server_for_one_pod_does_not_stop_the_others() {
    for fault in [Fault::Code(503), Fault::Code(429), Fault::Busy(60)] {
        assert_eq!(upgraded_beside(fault).await, ["b", "c"], "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_pod_whose_writes_are_never_answered_stops_the_others_for_half_a_minute_at_most() {
    // The first two are said of writes that were done, too.
    for code in [500, 502, 504] {
        let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).quick_kubelet();
        let _operator = cluster.start().await;
        cluster.fail("a", &[Fault::Code(code); 100]);

        cluster.set_image("agent:2");
        settle().await;
        let before = cluster.pods_with_image("agent:2");
        sleep(Duration::from_secs(30)).await;

        assert_eq!(before, [""; 0], "{code}");
        assert_eq!(cluster.pods_with_image("agent:2"), ["b", "c"], "{code}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_busy_api_server_is_left_in_peace_for_as_long_as_it_asks() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.fail("a", &[Fault::Busy(7)]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(20)).await;

    let times: Vec<_> = cluster.upgrades().iter().map(|write| write.at).collect();
    assert_eq!(times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect::<Vec<_>>(), [7]);
    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_is_not_answered_does_not_hold_up_the_next_round() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Silence]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(3)).await;

    cluster.set_image("agent:3");
    sleep(Duration::from_secs(2)).await;

    assert_eq!(cluster.pods_with_image("agent:3"), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn no_more_writes_are_under_way_than_may_be() {
    let pods: Vec<String> = (0..20).map(|at| format!("pod-{at:02}")).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let cluster = Cluster::new(&set("agent:1", "100%"), &pods);
    let _operator = cluster.start().await;
    for pod in &pods {
        cluster.fail(pod, &[Fault::Silence]);
    }

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(1)).await;

    assert_eq!(cluster.upgrades().len(), 16);
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_is_the_reason_that_the_status_gives() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.fail("a", &[Fault::Code(403); 1000]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(600)).await;

    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let progressing = status["conditions"].as_array().unwrap().iter().find(|it| it["type"] == "Progressing").unwrap();
    assert_eq!(progressing["reason"], "UpgradesNotTaken");
    assert_eq!(
        progressing["message"],
        "2 of 3 pods are updated; 1 waits for another attempt: the API server did not take its upgrade"
    );
}

#[tokio::test(start_paused = true)]
async fn the_status_stays_while_a_refused_pod_is_tried_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Code(403); 1000]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(60)).await;
    let (tries, writes) = (cluster.upgrades_of("a").len(), cluster.status_writes().len());

    sleep(Duration::from_secs(600)).await;

    assert!(cluster.upgrades_of("a").len() >= tries + 10);
    assert_eq!(cluster.status_writes().len(), writes);
    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let degraded = status["conditions"].as_array().unwrap().iter().find(|it| it["type"] == "Degraded").unwrap();
    assert_eq!((&degraded["status"], &degraded["reason"]), (&"True".into(), &"UpgradesNotTaken".into()));
    let message =
        "1 pod cannot be upgraded: the API server, or an admission webhook, did not take the upgrade (shop/a): says no";
    assert_eq!(degraded["message"], message);
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_always_changes_is_nobodys_trouble() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.fail("a", &[Fault::Code(409); 1000]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(60)).await;

    let status = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"].clone());
    let conditions = status["conditions"].as_array().unwrap();
    let reasons: Vec<_> = conditions.iter().map(|it| [&it["type"], &it["reason"]]).collect();
    assert!(reasons.contains(&[&"Progressing".into(), &"Upgrading".into()]), "{reasons:?}");
    assert!(reasons.contains(&[&"Degraded".into(), &"AsExpected".into()]), "{reasons:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_is_tried_again_less_and_less_often() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.fail("a", &[Fault::Code(403); 4]);
    cluster.set_image("agent:2");
    settle().await;

    let times: Vec<_> = cluster.upgrades().iter().map(|write| write.at).collect();
    let waits: Vec<_> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_millis() / 50 * 50).collect();
    assert_eq!(waits, [100, 200, 400, 800]);
    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_whose_time_comes_while_the_status_is_written_is_tried_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    sleep(Duration::from_secs(2)).await;

    // Tried at 0, 0.1, 0.3 and 0.7 s, and due at 1.5 s. At 1 s the status may be written again.
    cluster.fail("a", &[Fault::Code(403); 4]);
    cluster.set_image("agent:2");
    sleep(Duration::from_millis(900)).await;
    cluster.change(|state| {
        state.status_delay = Duration::from_secs(1);
        // Else it would show the status, and the set would be looked at for that.
        state.is_set_watch_cut = true;
    });
    sleep(Duration::from_secs(60)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_pod_is_tried_again_at_least_once_a_minute() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Code(403); 1000]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(3600)).await;

    cluster.fail("a", &[]);
    sleep(Duration::from_secs(61)).await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_definition_is_tried_at_once() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Code(422); 1000]);
    cluster.set_image("not an image");
    sleep(Duration::from_secs(600)).await;

    cluster.fail("a", &[]);
    cluster.set_image("agent:3");
    sleep(Duration::from_millis(100)).await;

    assert_eq!(cluster.pods_with_image("agent:3"), ["a"]);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_leaves_nothing_waiting() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Code(403); 1000]);
    cluster.set_image("agent:2");
    settle().await;

    cluster.change(|state| state.remove(Kind::Pods, "a"));
    settle().await;
    let before = cluster.change(|state| state.writes.len());
    sleep(Duration::from_secs(3600)).await;

    assert_eq!(cluster.change(|state| state.writes.len()), before);
}

#[tokio::test(start_paused = true)]
async fn an_upgraded_pod_that_never_becomes_ready_holds_the_budget_until_it_is_deleted() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(600)).await;
    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);

    cluster.change(|state| state.remove(Kind::Pods, "a"));
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn a_write_that_nobody_answered_spends_the_budget_until_the_watch_tells() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    cluster.fail("a", &[Fault::Silence]);
    cluster.change(|state| state.is_watch_held = true);

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(35)).await;
    cluster.change(super::server::State::release_watch);
    settle().await;
    let before_kubelet = cluster.upgrades().len();
    cluster.run_kubelet();
    settle().await;

    assert_eq!(before_kubelet, 1);
    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b"]);
    assert_eq!(cluster.upgrades_of("a").len(), 1);
    assert_eq!(cluster.change(|state| state.most_unavailable), 1);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_cannot_be_written_does_not_stop_the_rollout() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c"]).quick_kubelet();
    cluster.fail("log-sc", &[Fault::Code(403); 10]);
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
    sleep(Duration::from_secs(600)).await;
    assert_eq!(cluster.counts()["updatedReadyPods"], 3);
    assert_eq!(cluster.status_writes().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_cannot_be_acted_on_says_so() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.edit_set(|spec| spec["updateStrategy"]["maxUnavailable"] = "x".into());
    settle().await;

    let ready = cluster.change(|state| state.objects[Kind::Sets as usize]["log-sc"]["status"]["conditions"][0].clone());
    assert_eq!(ready["reason"], "InvalidSpec");
    assert_eq!(cluster.counts()["observedGeneration"], 2);
}

#[tokio::test(start_paused = true)]
async fn the_end_waits_for_a_write_under_way_but_not_for_ever() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let operator = cluster.start().await;
    cluster.fail("a", &[Fault::Silence]);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(3)).await;
    let before = Instant::now();

    operator.stop().await;

    assert_eq!(before.elapsed().as_secs(), 7);
}

#[tokio::test(start_paused = true)]
async fn the_end_comes_at_once_where_nothing_is_under_way() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let operator = cluster.start().await;
    let before = Instant::now();

    operator.stop().await;

    assert_eq!(before.elapsed(), Duration::ZERO);
}
