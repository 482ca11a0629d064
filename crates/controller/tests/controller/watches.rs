use super::cluster::{Cluster, settle};
use super::objects::{pod, revision, set};
use super::server::{Kind, State, Streaming, Write};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::sleep;

#[tokio::test(start_paused = true)]
async fn what_happened_while_a_watch_was_lost_is_found_in_the_next_list() {
    let definition = set("agent:1", "100%");
    let cluster = Cluster::new(&definition, &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.change(|state| {
        state.objects[Kind::Pods as usize].remove("a");
        state.put(Kind::Pods, pod("c", &definition));
        state.lose_watches();
        state.version += 1;
    });
    cluster.set_image("agent:2");
    cluster.change(State::lose_watches);
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["b", "c"]);
    assert_eq!(cluster.counts()["matchedPods"], 2);
}

#[tokio::test(start_paused = true)]
async fn events_that_come_twice_change_nothing() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    let before = cluster.change(|state| state.objects[Kind::Pods as usize]["a"].clone());
    cluster.set_image("agent:2");
    settle().await;

    let after = cluster.change(|state| state.objects[Kind::Pods as usize]["a"].clone());
    cluster.change(|state| {
        state.tell(Kind::Pods, "MODIFIED", &before);
        state.tell(Kind::Pods, "MODIFIED", &after);
        state.tell(Kind::Pods, "MODIFIED", &after);
    });
    settle().await;

    assert_eq!(cluster.upgrades().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_restart_in_the_middle_goes_on_where_it_was() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b", "c", "d"]);
    let operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;
    cluster.run_kubelet();
    settle().await;
    operator.stop().await;
    assert_eq!(cluster.upgrades().len(), 2);

    let _operator = cluster.start().await;
    assert_eq!(cluster.upgrades().len(), 2);
    for _ in 0..2 {
        cluster.run_kubelet();
        settle().await;
    }

    assert_eq!(cluster.pods_with_image("agent:2").len(), 4);
    assert_eq!(cluster.upgrades().len(), 4);
    assert_eq!(cluster.change(|state| state.most_unavailable), 1);
}

#[tokio::test(start_paused = true)]
async fn the_definition_of_the_kind_is_waited_for() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    cluster.change(|state| state.is_kind_missing = true);
    let operator = cluster.begin();
    sleep(Duration::from_secs(600)).await;
    assert!(!operator.is_synced());
    assert_eq!(cluster.change(|state| state.writes.len()), 0);

    cluster.change(|state| state.is_kind_missing = false);
    sleep(Duration::from_secs(15)).await;

    assert!(operator.is_synced());
    assert_eq!(cluster.counts()["matchedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn one_set_that_cannot_be_read_does_not_stop_the_others() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    cluster.change(|state| {
        state.put(Kind::Sets, json!({"metadata": {"name": "broken", "uid": "u"}, "spec": {"containers": "none"}}));
    });

    let _operator = cluster.start().await;

    assert_eq!(cluster.counts()["matchedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn the_labels_of_a_namespace_decide_which_pods_count() {
    let mut definition = set("agent:1", 1);
    definition["spec"]["namespaceSelector"] = json!({"matchLabels": {"team": "red"}});
    let cluster = Cluster::new(&definition, &["a"]);
    let _operator = cluster.start().await;
    assert_eq!(cluster.counts()["matchedPods"], 0);

    let shop = json!({"metadata": {"name": "shop", "labels": {"team": "red"}}});
    cluster.change(|state| state.put(Kind::Namespaces, shop));
    settle().await;

    assert_eq!(cluster.counts()["matchedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_deleted_set_is_left_alone() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    let _operator = cluster.start().await;
    cluster.set_image("agent:2");
    settle().await;

    cluster.change(|state| state.remove(Kind::Sets, "log-sc"));
    settle().await;
    let before = cluster.change(|state| state.writes.len());
    cluster.run_kubelet();
    settle().await;

    assert_eq!(cluster.change(|state| state.writes.len()), before);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_asked_of_the_api_server_but_one_list_of_each_kind() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a", "b"]).quick_kubelet();
    let _operator = cluster.start().await;

    cluster.set_image("agent:2");
    sleep(Duration::from_secs(3600)).await;

    assert_eq!(cluster.change(|state| (state.lists, state.streamed_lists)), (0, 5));
}

/// Starts the operator where lists are streamed like this, and answers whether it knows all objects after a while, how many
/// lists were to be streamed, and how many lists were not.
async fn start_where(streaming: Streaming, wait: Duration) -> (bool, usize, usize) {
    let cluster = Cluster::new(&set("agent:1", 1), &["a", "b"]);
    cluster.change(|state| state.streaming = streaming);
    let operator = cluster.begin();
    sleep(wait).await;
    let is_synced = operator.is_synced() && cluster.counts()["matchedPods"] == 2;
    cluster.change(|state| (is_synced, state.streamed_lists, state.lists))
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_in_pages_where_the_api_server_refuses_to_stream_them() {
    assert_eq!(start_where(Streaming::Refused, Duration::from_secs(2)).await, (true, 5, 5));
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_in_pages_where_the_end_of_the_stream_never_comes() {
    assert_eq!(start_where(Streaming::Overlooked, Duration::from_secs(59)).await, (false, 4, 0));
    // The Pods are listed after the sets.
    let (is_synced, streamed, _) = start_where(Streaming::Overlooked, Duration::from_secs(119)).await;
    assert_eq!((is_synced, streamed), (false, 5));
    assert!(start_where(Streaming::Overlooked, Duration::from_secs(123)).await.0);
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_in_pages_where_the_stream_breaks_off_again_and_again() {
    let (is_synced, streamed, paged) = start_where(Streaming::BrokenOff, Duration::from_secs(60)).await;

    assert!(is_synced);
    assert_eq!((streamed, paged), (30, 5));
}

#[tokio::test(start_paused = true)]
async fn objects_are_listed_in_pages_again_where_they_were_before() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    cluster.change(|state| state.streaming = Streaming::Refused);
    let _operator = cluster.start().await;

    cluster.change(|state| {
        state.lose_watches();
        state.version += 1;
    });
    settle().await;

    assert_eq!(cluster.change(|state| state.streamed_lists), 5);
    assert_eq!(cluster.counts()["matchedPods"], 1);
}

#[tokio::test(start_paused = true)]
async fn what_happened_while_the_api_server_was_silent_is_found_when_it_is_heard_again() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]).quick_kubelet();
    let operator = cluster.start().await;
    assert!(cluster.contact.is_current());

    // The connection of the watch is gone without a word.
    cluster.change(|state| state.is_set_watch_cut = true);
    cluster.set_image("agent:2");
    sleep(Duration::from_secs(30)).await;
    assert!(!cluster.contact.is_current());
    assert_eq!(cluster.pods_with_image("agent:2"), [""; 0]);
    cluster.change(|state| state.is_set_watch_cut = false);
    let request = http::Request::get("/apis/apps.kruise.io/v1beta1/sidecarsets?").body(kube::client::Body::empty());
    cluster.contact.listen(&cluster.client()).send(request.unwrap()).await.unwrap();
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a"]);
    assert!(operator.is_synced());
}

fn recorded_revision(upgrade: &Write) -> Value {
    let annotation = upgrade.body["metadata"]["annotations"]["kruise.io/sidecarset-hash"].as_str().unwrap();
    serde_json::from_str::<Value>(annotation).unwrap()["log-sc"]["controllerRevision"].take()
}

#[tokio::test(start_paused = true)]
async fn an_upgrade_names_the_revision_that_it_brings() {
    let cluster = Cluster::new(&set("agent:1", 1), &["a"]);
    let _operator = cluster.start().await;

    cluster.change(|state| state.put(Kind::Revisions, revision("log-sc-2", "agent:2")));
    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(recorded_revision(&cluster.upgrades()[0]), "log-sc-2");
}

#[tokio::test(start_paused = true)]
async fn revisions_that_went_while_a_watch_was_lost_are_named_no_more() {
    let cluster = Cluster::new(&set("agent:1", "100%"), &["a", "b"]);
    cluster.change(|state| state.put(Kind::Revisions, revision("log-sc-1", "agent:1")));
    cluster.change(|state| state.put(Kind::Revisions, revision("log-sc-2", "agent:2")));
    let _operator = cluster.start().await;

    cluster.change(|state| {
        state.objects[Kind::Revisions as usize].remove("log-sc-2");
        state.lose_watches();
        state.version += 1;
    });
    settle().await;
    cluster.set_image("agent:2");
    settle().await;
    cluster.run_kubelet();
    cluster.set_image("agent:1");
    settle().await;

    let recorded: Vec<Value> = cluster.upgrades_of("a").iter().map(recorded_revision).collect();
    assert_eq!(recorded, ["log-sc-659cdf7f46", "log-sc-1"]);
}

#[tokio::test(start_paused = true)]
async fn a_set_whose_pinned_revision_goes_says_so() {
    let mut definition = set("agent:2", 1);
    definition["spec"]["injectionStrategy"] = json!({"revision": {"revisionName": "log-sc-1"}});
    let cluster = Cluster::new(&definition, &["a"]);
    cluster.change(|state| state.put(Kind::Revisions, revision("log-sc-1", "agent:1")));
    let _operator = cluster.start().await;
    let ready = || {
        cluster.change(|state| {
            let conditions = &state.objects[Kind::Sets as usize]["log-sc"]["status"]["conditions"];
            conditions[0]["reason"].as_str().map(str::to_owned)
        })
    };
    assert_eq!(ready().as_deref(), Some("AllPodsReady"));

    cluster.change(|state| state.remove(Kind::Revisions, "log-sc-1"));
    settle().await;

    assert_eq!(ready().as_deref(), Some("RevisionUnusable"));
}
