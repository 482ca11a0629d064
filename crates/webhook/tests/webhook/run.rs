//! The webhook from its start to its end.

use crate::exchange::{Lookup, POD, VALIDATE_SET, ask, context, create_pod, sidecar_set, write_set};
use crate::metrics::counted;
use crate::scenario::{accepting, registered_by_another};
use kube::Client;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, Entry};
use sidecarset_core::registration::{Coverage, RegisteredScopes, WebhookScope};
use sidecarset_webhook::certificate::Lifetimes;
use sidecarset_webhook::proof::Terms;
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::server::{Limits, router};
use sidecarset_webhook::settings::{Endpoint, Extra, FailurePolicy, Settings};
use sidecarset_webhook::{Context, Error, Lead, Signals, run};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::sync::watch;
use tokio::task::{JoinHandle, yield_now};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

const SECRET: &str = "/api/v1/namespaces/sidecarset/secrets/sidecarset-webhook-certificate";
const CONFIGURATIONS: &str = "PATCH /apis/admissionregistration.k8s.io/v1";

pub struct Running {
    leads: watch::Sender<bool>,
    written: UnboundedReceiver<String>,
    is_synced: watch::Sender<bool>,
    selection: watch::Sender<u64>,
    pub in_force: watch::Receiver<RegisteredScopes>,
    context: Context,
    is_ready: Arc<AtomicBool>,
    shutdown: CancellationToken,
    webhook: JoinHandle<Result<(), Error>>,
}

pub fn start() -> Running {
    start_with(|_| {})
}

/// Starts with settings that differ from the usual ones.
fn start_with(set: impl FnOnce(&mut Settings)) -> Running {
    let (client, written) = accepting();
    start_on(client, written, set, true)
}

/// Starts while another replica leads, which has registered the webhooks. Answers what is written since.
pub fn start_as_follower() -> (Running, UnboundedReceiver<(String, Value)>) {
    let (client, written) = registered_by_another();
    (start_on(client, unbounded_channel().1, |_| {}, false), written)
}

fn start_on(
    client: Client,
    written: UnboundedReceiver<String>,
    set: impl FnOnce(&mut Settings),
    is_leader: bool,
) -> Running {
    let (is_synced, synced) = watch::channel(false);
    let is_ready = Arc::new(AtomicBool::new(false));
    let shutdown = CancellationToken::new();
    let mut settings = Settings {
        bind: ([127, 0, 0, 1], 0).into(),
        namespace: "sidecarset".to_owned(),
        endpoint: Endpoint::Service { name: "webhook".to_owned() },
        certificate_secret: None,
        lifetimes: Lifetimes::A_YEAR,
        failure_policy: FailurePolicy::Fail,
        owner: None,
        replica: "one".to_owned(),
        proof_terms: Terms::A_DAY,
        clients: None,
        token_file: None,
        connections: Limits::REVIEWS.connections,
        extra: Extra::default(),
    };
    set(&mut settings);
    let (selection, selects) = watch::channel(0);
    let (tells, in_force) = watch::channel(RegisteredScopes::default());
    let mut context = context(Catalog::default(), Lookup::NotExpected);
    context.registrar = Arc::new(Registrar::new(selects.clone()));
    let leads = watch::Sender::new(is_leader);
    let signals = Signals {
        is_synced: synced,
        selection: selects,
        in_force: tells,
        is_ready: Arc::clone(&is_ready),
        lead: Lead { leads: leads.subscribe(), client: client.clone() },
        shutdown: shutdown.clone(),
    };
    let webhook = tokio::spawn(run(settings, client, context.clone(), signals));
    Running { leads, written, is_synced, selection, in_force, context, is_ready, shutdown, webhook }
}

impl Running {
    /// Waits until we are registered, and forgets what was written for that.
    pub async fn registered(&mut self) {
        self.is_synced.send(true).unwrap();
        while !self.is_ready.load(Ordering::Relaxed) {
            sleep(Duration::from_millis(1)).await;
        }
        self.writes();
    }

    /// What was written to the registration of Pods since the last time.
    pub fn writes(&mut self) -> Vec<String> {
        let all = std::iter::from_fn(|| self.written.try_recv().ok());
        all.filter(|what| what.starts_with(CONFIGURATIONS)).collect()
    }

    fn wrote_the_secret_alone(&mut self) {
        let written: Vec<_> = std::iter::from_fn(|| self.written.try_recv().ok()).collect();
        assert!(written.len() == 2 && written.iter().all(|what| what.ends_with(SECRET)), "{written:?}");
    }

    /// Lets the catalog know a set.
    pub fn put(&self, set: &Value) {
        let mut catalog = self.context.catalog.write();
        catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
        self.selection.send_replace(catalog.selection_version());
    }

    pub async fn review(&self, path: &str, request: Value) -> (Value, Duration) {
        let began = Instant::now();
        (ask(router(self.context.clone()), path, request).await, began.elapsed())
    }
}

pub fn scope(set: &Value) -> WebhookScope {
    Entry::new(&serde_json::from_value(set.clone()).unwrap()).scope().unwrap()
}

pub fn mutating() -> String {
    format!("{CONFIGURATIONS}/mutatingwebhookconfigurations/sidecarset")
}

#[tokio::test(start_paused = true)]
async fn a_set_is_registered_before_it_is_written() {
    let mut running = start();
    running.registered().await;

    let (answer, took) = running.review(VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;

    assert_eq!(answer["allowed"], true);
    assert_eq!(running.writes(), [mutating()]);
    // The API servers have to learn of it.
    assert!((200..250).contains(&took.as_millis()), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn what_selects_the_same_pods_is_not_waited_for() {
    let mut running = start();
    running.registered().await;
    running.put(&sidecar_set("logs"));
    sleep(Duration::from_secs(1)).await;
    assert_eq!(running.writes(), [mutating()]);
    let mut newer = sidecar_set("logs");
    newer["spec"]["containers"][0]["image"] = json!("agent:v2");

    let (_, change) = running.review(VALIDATE_SET, write_set(&newer, Some(&sidecar_set("logs")))).await;
    let (_, twin) = running.review(VALIDATE_SET, write_set(&sidecar_set("twin"), None)).await;

    assert_eq!((change, twin), (Duration::ZERO, Duration::ZERO));
    assert_eq!(running.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_is_only_tried_is_not_registered() {
    let mut running = start();
    running.registered().await;
    let mut request = write_set(&sidecar_set("logs"), None);
    request["dryRun"] = json!(true);

    let (_, took) = running.review(VALIDATE_SET, request).await;
    sleep(Duration::from_secs(1)).await;

    assert_eq!(took, Duration::ZERO);
    assert_eq!(running.writes(), [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_set_that_was_not_written_after_all_is_forgotten() {
    let mut running = start();
    running.registered().await;
    running.review(VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;
    running.writes();

    sleep(Duration::from_secs(58)).await;
    assert_eq!(running.writes(), [""; 0]);
    sleep(Duration::from_secs(4)).await;

    assert_eq!(running.writes(), [mutating()]);
}

#[tokio::test(start_paused = true)]
async fn many_changes_of_the_selection_are_written_together() {
    let mut running = start();
    running.registered().await;

    for number in 0..100 {
        let mut set = sidecar_set(&format!("set-{number}"));
        set["spec"]["selector"]["matchLabels"]["app"] = json!(format!("app-{number}"));
        running.put(&set);
        sleep(Duration::from_millis(10)).await;
    }
    sleep(Duration::from_secs(1)).await;

    let writes = running.writes().len();
    assert!((4..=6).contains(&writes), "{writes} writes");
}

#[tokio::test(start_paused = true)]
async fn what_is_in_force_is_told_once_the_api_servers_had_time_to_learn_of_it() {
    let mut running = start();
    running.registered().await;
    let logs = scope(&sidecar_set("logs"));
    running.put(&sidecar_set("logs"));

    sleep(Duration::from_millis(300)).await;
    assert_eq!(running.writes(), [mutating()]);
    let early = running.in_force.borrow().coverage(&logs).cloned();
    sleep(Duration::from_secs(1)).await;

    assert!(running.in_force.borrow().is_known());
    assert_eq!((early, running.in_force.borrow().coverage(&logs)), (None, Some(&Coverage::Exact)));
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_comes_before_the_news_of_its_set_waits_for_it() {
    let mut running = start();
    running.registered().await;
    running.review(VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a", "labels": {"app": "nginx"}},
        "spec": {"containers": [{"name": "app", "image": "app:v1"}]},
    });

    let arrival = async {
        sleep(Duration::from_millis(30)).await;
        running.put(&sidecar_set("logs"));
    };
    let ((answer, took), ()) = tokio::join!(running.review(POD, create_pod(&pod)), arrival);

    assert_eq!(answer["patchType"], "JSONPatch");
    assert_eq!(took.as_millis(), 30);
}

#[tokio::test(start_paused = true)]
async fn a_pod_does_not_wait_for_ever_for_a_set_that_does_not_come() {
    let mut running = start();
    running.registered().await;
    running.review(VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;
    let pod = json!({"metadata": {"name": "a", "labels": {"app": "nginx"}}, "spec": {"containers": []}});

    let (answer, first) = running.review(POD, create_pod(&pod)).await;
    let (_, second) = running.review(POD, create_pod(&pod)).await;

    assert_eq!(answer, json!({"uid": "11", "allowed": true}));
    assert_eq!((first.as_millis(), second.as_millis()), (1000, 0));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_registered_before_the_catalog_is_complete() {
    let mut running = start();

    sleep(Duration::from_secs(3600)).await;

    running.wrote_the_secret_alone();
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_registered_that_would_stay_behind() {
    // There is no such role.
    let mut running = start_with(|settings| settings.owner = Some("sidecarset-operator".to_owned()));

    running.is_synced.send(true).unwrap();
    sleep(Duration::from_secs(3600)).await;

    assert_eq!(running.writes(), [""; 0]);
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test]
async fn it_is_ready_once_it_is_registered_and_until_it_is_told_to_end() {
    let mut running = start();

    running.is_synced.send(true).unwrap();
    while !running.is_ready.load(Ordering::Relaxed) {
        yield_now().await;
    }
    running.shutdown.cancel();
    running.webhook.await.unwrap().unwrap();

    let mut written = Vec::new();
    running.written.recv_many(&mut written, 10).await;
    written.retain(|what| !what.ends_with(SECRET));
    assert_eq!(
        written,
        [
            format!("{CONFIGURATIONS}/validatingwebhookconfigurations/sidecarset"),
            format!("{CONFIGURATIONS}/mutatingwebhookconfigurations/sidecarset"),
        ]
    );
    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test]
async fn nobody_is_answered_before_all_is_known() {
    let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let mut running = start_with(|settings| settings.bind = address);
    let mut asker = loop {
        match TcpStream::connect(address).await {
            Ok(asker) => break asker,
            Err(_) => sleep(Duration::from_millis(1)).await,
        }
    };
    // Not what TLS begins with, and so answered at once where anybody listens.
    asker.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();

    let before = timeout(Duration::from_millis(200), asker.read_to_end(&mut answer)).await;
    running.registered().await;
    let after = timeout(Duration::from_secs(10), asker.read_to_end(&mut answer)).await;

    assert!(before.is_err(), "{before:?}");
    assert!(after.is_ok());
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_it_is_told_to_while_it_waits_for_a_certificate() {
    // There is no such Secret.
    let secret = "sidecarset-webhook-certificate".to_owned();
    let running = start_with(|settings| settings.certificate_secret = Some(secret));
    sleep(Duration::from_secs(3600)).await;
    assert!(!running.webhook.is_finished());

    running.shutdown.cancel();

    running.webhook.await.unwrap().unwrap();
}

#[tokio::test]
async fn it_ends_when_it_is_told_to_before_the_catalog_is_complete() {
    let running = start();

    running.shutdown.cancel();

    running.webhook.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_is_ready_once_another_one_has_registered() {
    let (mut running, mut written) = start_as_follower();

    running.registered().await;

    assert!(written.try_recv().is_err(), "it wrote");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_is_not_ready_before_anything_is_registered() {
    let running = start();
    running.leads.send_replace(false);

    running.is_synced.send(true).unwrap();
    sleep(Duration::from_secs(3600)).await;

    assert!(!running.is_ready.load(Ordering::Relaxed));
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_does_not_lead_registers_the_set_that_it_is_asked_about_beside_what_the_leader_has_written() {
    let (mut running, mut written) = start_as_follower();
    running.registered().await;

    let (answer, took) = running.review(VALIDATE_SET, write_set(&sidecar_set("logs"), None)).await;

    assert_eq!(answer["allowed"], true);
    assert!((200..250).contains(&took.as_millis()), "{took:?}");
    let (manager, added) = written.try_recv().unwrap();
    assert_eq!(manager, "sidecarset-operator-one");
    let webhooks = added["webhooks"].as_array().unwrap();
    let names: Vec<_> = webhooks.iter().map(|webhook| webhook["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["mpod-arriving-one.mpod.sidecarset.apps.kruise.io"]);
    let condition = webhooks[0]["matchConditions"][0]["expression"].as_str().unwrap();
    assert!(condition.contains("'nginx'"), "{condition}");
    // An object of that name that is another one is left alone.
    assert_eq!(added["metadata"]["uid"], "u7");
    let told = added["metadata"]["annotations"]["arriving.sidecarset.kruise.io/one"].as_str().unwrap();
    assert!(told.contains("\"logs\""), "{told}");
    assert!(written.try_recv().is_err(), "it wrote more");
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_begins_to_lead_tells_nothing_that_it_has_not_registered_itself() {
    let (mut running, mut written) = start_as_follower();
    running.registered().await;
    running.put(&sidecar_set("logs"));
    sleep(Duration::from_secs(1)).await;
    let logs = scope(&sidecar_set("logs"));
    let was_known = running.in_force.borrow().is_known();

    running.leads.send_replace(true);
    sleep(Duration::from_secs(1)).await;

    assert_eq!((was_known, running.in_force.borrow().coverage(&logs)), (false, Some(&Coverage::Exact)));
    let managers: Vec<_> = std::iter::from_fn(|| written.try_recv().ok()).map(|(manager, _)| manager).collect();
    assert_eq!(managers, ["sidecarset-operator"; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_leads_no_longer_counts_no_registered_sets() {
    let mut running = start();
    running.put(&sidecar_set("logs"));
    running.registered().await;
    let is_counted = || counted(&running.context.metrics).iter().any(|series| series.contains("registered_sets{"));
    let was_counted = is_counted();

    running.leads.send_replace(false);
    sleep(Duration::from_secs(1)).await;

    assert_eq!((was_counted, is_counted()), (true, false));
}
