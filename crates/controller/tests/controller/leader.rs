//! Two replicas, of which one writes.

use super::cluster::{Cluster, Operator, settle};
use super::objects::set;
use http::Method;
use kube::Client;
use leader_lease::{Election, Leadership, Loss, Term, campaign};
use serde_json::{Value, json};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};
use tower::service_fn;

struct Replica {
    operator: Operator,
    leadership: Leadership,
    campaign: JoinHandle<Result<(), Loss>>,
    writes: Arc<AtomicUsize>,
    // No answer to a question about the Lease reaches it.
    is_cut_off: Arc<AtomicBool>,
}

impl Replica {
    fn start(cluster: &Cluster, identity: &str) -> Self {
        let (writes, is_cut_off) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let client = observed(&cluster.client(), &writes, &is_cut_off);
        let leadership = Leadership::none();
        let election = Election {
            name: sidecarset_controller::LEASE.to_owned(),
            namespace: "sidecarset-system".to_owned(),
            identity: identity.to_owned(),
            term: Term::default(),
            clock: Cluster::now,
        };
        let campaign = tokio::spawn(campaign(client.clone(), election, leadership.clone()));
        Self { operator: cluster.begin_as(client, leadership.clone()), leadership, campaign, writes, is_cut_off }
    }

    /// How much it has written since the last time.
    fn writes(&self) -> usize {
        self.writes.swap(0, Ordering::Relaxed)
    }

    fn kill(&self) {
        self.operator.kill();
        self.campaign.abort();
    }
}

/// Returns a client that counts writes, but for those of the Lease.
fn observed(client: &Client, writes: &Arc<AtomicUsize>, is_cut_off: &Arc<AtomicBool>) -> Client {
    let (through, writes, is_cut_off) = (client.clone(), Arc::clone(writes), Arc::clone(is_cut_off));
    let service = service_fn(move |request: http::Request<kube::client::Body>| {
        let is_of_lease = request.uri().path().contains("/leases");
        let is_lost = is_of_lease && is_cut_off.load(Ordering::Relaxed);
        if !is_of_lease && request.method() != Method::GET {
            writes.fetch_add(1, Ordering::Relaxed);
        }
        let client = through.clone();
        async move { if is_lost { pending().await } else { client.send(request).await } }
    });
    Client::new(service, "default")
}

fn cluster() -> Cluster {
    Cluster::new(&set("agent:1", 3), &["a", "b", "c"]).quick_kubelet()
}

/// Two replicas, of which the first one leads.
async fn two(cluster: &Cluster) -> [Replica; 2] {
    let first = Replica::start(cluster, "first");
    settle().await;
    let second = Replica::start(cluster, "second");
    settle().await;
    assert!(first.leadership.leads() && first.writes() > 0);
    [first, second]
}

fn holder(cluster: &Cluster) -> String {
    let lease = cluster.change(|state| state.lease.clone()).unwrap();
    lease["spec"]["holderIdentity"].as_str().unwrap().to_owned()
}

async fn seconds(seconds: u64) {
    sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn of_two_replicas_one_writes_and_the_other_one_knows_as_much() {
    let cluster = cluster();
    let [first, second] = two(&cluster).await;

    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
    assert_eq!(cluster.upgrades().len(), 3);
    assert!(first.writes() > 3);
    assert_eq!(second.writes(), 0);
    assert!(second.operator.is_synced() && second.operator.catalog.read().set("log-sc").is_some());
}

#[tokio::test(start_paused = true)]
async fn the_other_one_goes_on_when_the_leader_is_gone_without_a_word() {
    let cluster = cluster();
    let [first, second] = two(&cluster).await;

    first.kill();
    cluster.set_image("agent:2");
    seconds(12).await;
    let early = second.writes();
    seconds(8).await;

    assert_eq!(early, 0);
    assert_eq!(holder(&cluster), "second");
    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_cannot_renew_its_lease_stops_before_another_one_begins() {
    let cluster = cluster();
    let [first, second] = two(&cluster).await;

    first.is_cut_off.store(true, Ordering::Relaxed);
    seconds(10).await;
    first.writes();
    cluster.set_image("agent:2");
    seconds(1).await;
    let between = (first.writes(), second.writes());
    seconds(9).await;

    assert_eq!(between, (0, 0));
    assert_eq!(first.campaign.await.unwrap(), Err(Loss::NotRenewed));
    assert!(!first.leadership.leads() && second.leadership.leads());
    assert_eq!(first.writes.load(Ordering::Relaxed), 0);
    assert_eq!(cluster.pods_with_image("agent:2"), ["a", "b", "c"]);
    assert_eq!(cluster.upgrades().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_leader_whose_lease_somebody_else_takes_stops_at_the_next_renewal() {
    let cluster = cluster();
    let [first, _second] = two(&cluster).await;

    cluster.change(|state| {
        let mut lease = state.lease.clone().unwrap();
        lease["spec"]["holderIdentity"] = "third".into();
        state.put_lease(lease);
    });
    seconds(3).await;
    first.writes();
    cluster.set_image("agent:2");
    settle().await;

    assert_eq!(first.writes(), 0);
    assert_eq!(first.campaign.await.unwrap(), Err(Loss::Taken { by: "third".to_owned() }));
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_ends_gives_its_lease_back_after_its_last_write_and_the_other_one_goes_on_at_once() {
    let cluster = cluster();
    let [first, second] = two(&cluster).await;
    cluster.change(|state| state.status_delay = Duration::from_secs(4));
    cluster.set_image("agent:2");
    seconds(1).await;

    first.leadership.retire();
    seconds(1).await;
    let early = holder(&cluster);
    seconds(7).await;

    assert_eq!(early, "first");
    assert_eq!(first.campaign.await.unwrap(), Ok(()));
    assert_eq!(holder(&cluster), "second");
    assert!(second.leadership.leads());
    first.operator.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_ends_goes_on_following_what_happens() {
    let cluster = cluster();
    let [first, _second] = two(&cluster).await;

    first.leadership.retire();
    first.leadership.until_retired().await;
    cluster.edit_set(|spec| spec["selector"]["matchLabels"] = json!({"app": "other"}));
    settle().await;

    let set = first.operator.catalog.read().set("log-sc").unwrap().scope();
    assert!(set.is_some_and(|scope| scope.selector.matches(&labels("other"))));
}

fn labels(app: &str) -> std::collections::BTreeMap<String, String> {
    [("app".to_owned(), app.to_owned())].into()
}

#[tokio::test(start_paused = true)]
async fn whatever_the_lease_says_somebody_leads_before_long() {
    let specs = [
        json!(null),
        json!({}),
        json!({"holderIdentity": ""}),
        json!({"holderIdentity": "gone", "leaseDurationSeconds": -5, "renewTime": "9999-12-31T23:59:59.000000Z"}),
        json!({"holderIdentity": "gone", "leaseDurationSeconds": 2_000_000_000}),
        json!({"holderIdentity": "gone", "leaseTransitions": i32::MAX}),
    ];
    for spec in specs {
        let cluster = cluster();
        cluster.change(|state| {
            let mut lease = json!({"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"});
            lease["metadata"] = json!({"name": "sidecarset-operator", "namespace": "sidecarset-system"});
            lease["spec"] = spec.clone();
            state.put_lease(lease);
        });

        let replica = Replica::start(&cluster, "first");
        seconds(18).await;

        assert!(replica.leadership.leads(), "{spec}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_deleted_or_cannot_be_read_for_a_while_is_no_loss() {
    let cluster = cluster();
    let [first, _second] = two(&cluster).await;

    cluster.change(|state| state.lease = None);
    seconds(4).await;
    let unreadable = json!({"metadata": {"name": "sidecarset-operator"}, "spec": "junk"});
    let whole = cluster.change(|state| state.lease.replace(unreadable)).unwrap();
    seconds(4).await;
    cluster.change(|state| state.lease = Some(whole));
    seconds(20).await;

    assert!(first.leadership.leads());
    assert_eq!(holder(&cluster), "first");
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_read_the_lease_asks_less_and_less_often_and_leads_once_it_may() {
    let cluster = cluster();
    let refused = [super::server::Fault::Code(403); 5];
    cluster.fail("lease", &refused);

    let replica = Replica::start(&cluster, "first");
    seconds(60).await;

    let times: Vec<Instant> = cluster.change(|state| state.lease_requests.iter().take(6).map(|(_, at)| *at).collect());
    let waits: Vec<u64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs()).collect();
    assert_eq!(waits, [2, 4, 8, 15, 15]);
    assert!(replica.leadership.leads());
}

#[tokio::test(start_paused = true)]
async fn at_rest_each_replica_asks_for_the_lease_every_two_seconds_and_for_nothing_else() {
    let cluster = cluster();
    let [first, second] = two(&cluster).await;
    cluster.change(|state| state.lease_requests.clear());

    seconds(60).await;

    let requests = cluster.change(|state| std::mem::take(&mut state.lease_requests));
    let of = |method| requests.iter().filter(|(it, _)| *it == method).count();
    for count in [of(Method::PUT), of(Method::GET)] {
        assert!((29..=31).contains(&count), "{count} in a minute");
    }
    assert_eq!([first.writes(), second.writes()], [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn two_that_start_together_do_not_lead_together() {
    let cluster = cluster();
    let replicas = ["first", "second"].map(|identity| Replica::start(&cluster, identity));

    settle().await;

    let leading = replicas.iter().filter(|replica| replica.leadership.leads()).count();
    let lease: Value = cluster.change(|state| state.lease.clone()).unwrap();
    assert_eq!((leading, &lease["spec"]["leaseTransitions"]), (1, &json!(0)));
}
