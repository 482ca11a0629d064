//! What the operator stands of strangers who reach its ports, and of somebody who knows the path of its webhooks.

use super::bench::{Bench, say};
use super::operator::{HEALTH, Operator, WEBHOOK};
use super::pods;
use crate::injection::Asker;
use crate::report::Table;
use crate::world;
use anyhow::{Context, ensure};
use axum::body::Bytes;
use futures::future;
use k8s_openapi::api::admissionregistration::v1::{MutatingWebhookConfiguration, WebhookClientConfig};
use kube::{Api, Client};
use serde_json::{Value, json};
use sidecarset_webhook::registration::NAME;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

/// How many Pods are created meanwhile, one after the other.
const PODS: u32 = 500;
/// What the operator may hold in memory at most.
const MOST_MEMORY: u64 = 128 * MIB;
/// How long it has to come to rest.
const REST: Duration = Duration::from_secs(20);

const MIB: u64 = 1024 * 1024;
/// How long a large body is.
const LARGE: usize = 7 * 1024 * 1024;
/// How many connections each of those keeps who only keep them.
const KEPT: usize = 400;
/// The webhooks, as their paths end.
const PATHS: [&str; 3] = ["/mutate-pod", "/mutate-apps-kruise-io-sidecarset", "/validate-apps-kruise-io-sidecarset"];

/// What came of it.
#[derive(Debug, Clone, Copy, Default)]
pub struct Attack {
    seconds: u64,
    counts: Counts,
    without_sidecar: u64,
    refused: u64,
    created: u64,
    before: u64,
    peak: u64,
    after: u64,
}

/// How often something was done.
#[derive(Debug, Clone, Copy, Default)]
struct Counts {
    requests: u64,
    answered: u64,
    connections: u64,
    large: u64,
}

/// The same, while it is done.
#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    answered: AtomicU64,
    connections: AtomicU64,
    large: AtomicU64,
}

/// Whoever attacks.
#[derive(Clone)]
struct Attacker {
    address: SocketAddr,
    authorities: Arc<str>,
    counters: Arc<Counters>,
    until: Instant,
}

impl Attack {
    /// Attacks the operator for so long, while Pods are created.
    pub(crate) async fn measure(bench: &Bench, length: Duration) -> anyhow::Result<Self> {
        let operator = bench.start_operator().await?;
        bench.fleet.create_world(1).await?;
        let before = operator.memory()?.resident;
        say(&format!("attacking the operator for {} s, while {PODS} pods are created", length.as_secs()));
        let (proof, attacker) = attacker(&bench.admin, Instant::now() + length).await?;
        let attacks = attacker.begin(&proof);
        let mut attack = create(&bench.admin, length).await?;
        future::join_all(attacks).await;
        attack.peak = operator.memory()?.peak;
        sleep(REST).await;
        let rest = Self {
            seconds: length.as_secs(),
            before,
            after: operator.memory()?.resident,
            counts: attacker.counters.counts(),
            ..attack
        };
        stop(bench, operator).await?;
        Ok(rest)
    }

    /// Says whether the operator has stood it.
    ///
    /// # Errors
    /// A Pod was refused, or came without its sidecar; or the operator took too much memory.
    pub fn check(&self) -> anyhow::Result<()> {
        ensure!(self.refused == 0, "{} pods were refused", self.refused);
        ensure!(self.without_sidecar == 0, "{} pods were created without their sidecar", self.without_sidecar);
        ensure!(self.counts.answered == 0, "{} requests of strangers were answered", self.counts.answered);
        ensure!(self.peak < MOST_MEMORY, "the operator held {} of memory", mebibytes(self.peak));
        Ok(())
    }

    /// Returns what came of it.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new("Under attack", ["what", "how much"]);
        let mut row = |what: &str, much: String| table.row(vec![what.to_owned(), much]);
        row("seconds", self.seconds.to_string());
        row("requests of strangers", self.counts.requests.to_string());
        row("of these answered as a review", self.counts.answered.to_string());
        row("connections that were kept as long as possible", self.counts.connections.to_string());
        row("bodies of 7 MiB by somebody who knows the path", self.counts.large.to_string());
        row("pods created", self.created.to_string());
        row("pods refused", self.refused.to_string());
        row("pods without their sidecar", self.without_sidecar.to_string());
        row("resident memory of the operator, before", mebibytes(self.before));
        row("at its peak", mebibytes(self.peak));
        row("20 s after", mebibytes(self.after));
        table
    }
}

async fn stop(bench: &Bench, operator: Operator) -> anyhow::Result<()> {
    bench.fleet.clear().await?;
    operator.stop().await
}

/// Returns the segment of the path that the webhooks are known by, and somebody who does not know it.
async fn attacker(admin: &Client, until: Instant) -> anyhow::Result<(String, Attacker)> {
    let configurations = Api::<MutatingWebhookConfiguration>::all(admin.clone());
    let configuration = configurations.get(NAME).await?;
    let webhook = configuration.webhooks.into_iter().flatten().next().context("there is no webhook")?;
    let WebhookClientConfig { ca_bundle, url, .. } = webhook.client_config;
    let url = url.context("the webhook has no URL")?;
    let proof =
        url.split('/').find(|segment| segment.len() == 64).context("the URL of the webhook has no secret path")?;
    let authorities = String::from_utf8(ca_bundle.context("the webhook has no authority")?.0)?;
    let attacker =
        Attacker { address: WEBHOOK.parse()?, authorities: authorities.into(), counters: Arc::default(), until };
    Ok((proof.to_owned(), attacker))
}

/// Creates Pods over so long, and counts what becomes of them.
async fn create(client: &Client, length: Duration) -> anyhow::Result<Attack> {
    let mut pod = world::pod(3_000);
    pod["spec"]["schedulerName"] = "nobody".into();
    let (body, began, mut attack) = (pod.to_string().into_bytes(), Instant::now(), Attack::default());
    for at in 0..PODS {
        sleep((began + length * at / PODS).saturating_duration_since(Instant::now())).await;
        let request = http::Request::post(pods::path("")).header("Content-Type", "application/json");
        match client.request::<Value>(request.body(body.clone())?).await {
            Ok(pod) => {
                let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
                attack.created += 1;
                attack.without_sidecar += u64::from(!containers.into_iter().any(|it| it["name"] == "agent-0"));
            }
            Err(error) => {
                say(&format!("a pod was refused: {error}"));
                attack.refused += 1;
            }
        }
    }
    Ok(attack)
}

impl Attacker {
    fn begin(&self, proof: &str) -> Vec<JoinHandle<()>> {
        let strangers = PATHS.into_iter().flat_map(|path| {
            let bodies = [large(path), candidate(), world::review(&world::pod(3_000)).into()];
            bodies.map(|body| tokio::spawn(self.clone().ask_in_vain(path.to_owned(), body)))
        });
        let known = PATHS.map(|path| tokio::spawn(self.clone().ask_at_length(format!("/{proof}{path}"), large(path))));
        let kept = [
            tokio::spawn(self.clone().keep(self.address, b"")),
            tokio::spawn(self.clone().keep(HEALTH, b"GET /healthz HTTP/1.1\r\nX: ")),
            tokio::spawn(self.clone().keep_open()),
            tokio::spawn(self.clone().reset()),
        ];
        strangers.chain(known).chain(kept).collect()
    }

    fn is_over(&self) -> bool {
        Instant::now() >= self.until
    }

    fn asker(&self, path: &str) -> anyhow::Result<Asker> {
        Asker::new(self.address, path, &self.authorities)
    }

    /// Asks again and again under a path that everybody knows.
    async fn ask_in_vain(self, path: String, body: Bytes) {
        let Ok(asker) = self.asker(&path) else { return };
        while !self.is_over() {
            let answer = async { asker.connect().await?.ask(body.clone()).await };
            self.counters.requests.fetch_add(1, Ordering::Relaxed);
            if answer.await.is_ok() {
                self.counters.answered.fetch_add(1, Ordering::Relaxed);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Asks under the path of API servers: of these, too, not every number is affordable.
    async fn ask_at_length(self, path: String, body: Bytes) {
        let Ok(asker) = self.asker(&path) else { return };
        while !self.is_over() {
            let answer = async { asker.connect().await?.ask(body.clone()).await };
            if answer.await.is_ok() {
                self.counters.large.fetch_add(1, Ordering::Relaxed);
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Opens connections on which this is all that ever comes, and keeps as many as it can.
    async fn keep(self, address: SocketAddr, text: &[u8]) {
        let mut kept = VecDeque::new();
        while !self.is_over() {
            if let Ok(Ok(mut stream)) = timeout(Duration::from_secs(1), TcpStream::connect(address)).await {
                let _ = stream.write_all(text).await;
                self.hold(stream, &mut kept);
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Keeps connections with TLS and HTTP/2 on which nothing is asked.
    async fn keep_open(self) {
        let Ok(asker) = self.asker("/") else { return };
        let mut kept = VecDeque::new();
        while !self.is_over() {
            if let Ok(connection) = asker.connect().await {
                self.hold(connection, &mut kept);
            }
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Keeps one more connection, in place of the oldest where there are as many as can be kept.
    fn hold<T>(&self, connection: T, kept: &mut VecDeque<T>) {
        self.counters.connections.fetch_add(1, Ordering::Relaxed);
        kept.push_back(connection);
        if kept.len() > KEPT {
            kept.pop_front();
        }
    }

    /// Asks, and takes it back at once.
    async fn reset(self) {
        let Ok(asker) = self.asker("/mutate-pod") else { return };
        while !self.is_over() {
            let Ok(mut connection) = asker.connect().await else { continue };
            for _ in 0..200 {
                self.counters.requests.fetch_add(1, Ordering::Relaxed);
                let _ = timeout(Duration::from_micros(200), connection.ask(Bytes::from_static(b"{}"))).await;
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Counters {
    fn counts(&self) -> Counts {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            requests: count(&self.requests),
            answered: count(&self.answered),
            connections: count(&self.connections),
            large: count(&self.large),
        }
    }
}

/// Returns a review of 7 MiB: of what takes the most memory for its length, if everything is made a value of its own.
fn large(path: &str) -> Bytes {
    let numbers = format!("[{}0]", "0,".repeat(LARGE / 2 - 2_000));
    let review = if path == "/mutate-pod" {
        String::from_utf8_lossy(&world::review(&json!({"metadata": {}, "spec": {"x": "@"}}))).into_owned()
    } else {
        set_review(
            json!({"selector": {"matchLabels": {"a": "b"}}, "containers": [{"name": "a", "image": "a:1", "x": "@"}]}),
        )
    };
    review.replacen("\"@\"", &numbers, 1).into()
}

/// Returns the review of a set that would select every Pod.
fn candidate() -> Bytes {
    let everything = json!({"matchExpressions": [{"key": "no-such-label", "operator": "DoesNotExist"}]});
    set_review(json!({"selector": everything, "containers": [{"name": "a", "image": "a:1"}]})).into()
}

#[expect(clippy::needless_pass_by_value, reason = "it is written where it is passed")]
fn set_review(spec: Value) -> String {
    let set = json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": "ghost"}, "spec": spec,
    });
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800003", "operation": "CREATE",
            "kind": {"group": "apps.kruise.io", "version": "v1beta1", "kind": "SidecarSet"},
            "resource": {"group": "apps.kruise.io", "version": "v1beta1", "resource": "sidecarsets"},
            "object": set, "oldObject": null, "dryRun": false,
        },
    })
    .to_string()
}

#[expect(clippy::cast_precision_loss, reason = "memory is less than 2^52 bytes")]
fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / MIB as f64)
}
