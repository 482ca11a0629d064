//! Another webhook beside ours, in the process of the test: it is called for every Pod of a scene.

use crate::draft::AGENT_V1;
use crate::scene::Scene;
use crate::wait::{Look, eventually};
use anyhow::{Context, Result};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use k8s_openapi::api::core::v1::Namespace;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use kube::api::{Api, PostParams};
use serde_json::{Value, json};
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Names, issue};
use sidecarset_webhook::review::{self, Verdict};
use sidecarset_webhook::server;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

/// Another webhook. It answers while the test runs, and its configuration goes with the namespace of the scene.
#[derive(Debug)]
pub struct Neighbour {
    asked: Arc<Mutex<Vec<Vec<String>>>>,
}

/// What a webhook does to a Pod.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Habit {
    /// Puts one container in front of those of a Pod and one behind them; gives every container, ours too, a mount and a
    /// variable; gives the Pod a volume and this label. What is there already it leaves as it is.
    Inject { key: String, value: String },
    /// Drops what it does not know of init containers: `restartPolicy`.
    Strip,
}

/// Whether the API server calls a webhook again when another one has changed the Pod after it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reinvocation {
    /// It does.
    IfNeeded,
    /// It does not: the default of Kubernetes.
    Never,
}

impl Neighbour {
    /// Starts one that gives Pods the label `key: value`, and waits until the API server asks it. Its configuration
    /// has a name that begins with `prefix`: webhooks are called in the order of these names, and ours is `sidecarset`.
    ///
    /// # Errors
    ///
    /// When the API server cannot reach this process.
    pub async fn start(scene: &Scene, prefix: &str, (key, value): (&str, &str)) -> Result<Self> {
        let habit = Habit::Inject { key: key.to_owned(), value: value.to_owned() };
        Self::with(habit, scene, prefix, Reinvocation::IfNeeded).await
    }

    /// Starts one that is called after ours and built with an old library: it drops `restartPolicy` of init containers.
    ///
    /// # Errors
    ///
    /// When the API server cannot reach this process.
    pub async fn strip(scene: &Scene, reinvocation: Reinvocation) -> Result<Self> {
        Self::with(Habit::Strip, scene, "zzz", reinvocation).await
    }

    async fn with(habit: Habit, scene: &Scene, prefix: &str, reinvocation: Reinvocation) -> Result<Self> {
        let listener = server::listen(SocketAddr::new(own_address().await?.ip(), 0))?;
        let address = listener.local_addr()?;
        let material = issue(&Names::new([address.ip().to_string()]), None, Lifetimes::default(), Timestamp::now())?;
        let certificates = Arc::new(CertificateResolver::default());
        certificates.put(material.certified_key()?);
        let ends = server::Ends::open(certificates);
        let asked = Arc::default();
        let router = router(Arc::clone(&asked), habit);
        tokio::spawn(server::serve(listener, router, ends, CancellationToken::new()));
        let mut configuration = configuration(scene, prefix, &format!("https://{address}/"), reinvocation).await?;
        for webhook in configuration.webhooks.iter_mut().flatten() {
            webhook.client_config.ca_bundle = Some(k8s_openapi::ByteString(material.authorities().as_bytes().to_vec()));
        }
        Api::all(scene.client()).create(&PostParams::default(), &configuration).await?;
        let neighbour = Self { asked };
        neighbour.until_asked(scene).await?;
        drop(neighbour.asked());
        Ok(neighbour)
    }

    /// Returns the names of the containers of each Pod that it was asked about since the last time.
    #[must_use]
    pub fn asked(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut *self.asked.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The address from which this machine reaches the API server is one at which the API server reaches this machine.
async fn own_address() -> Result<SocketAddr> {
    let url = kube::Config::infer().await?.cluster_url;
    let host = url.host().context("the API server has a host")?.trim_start_matches('[').trim_end_matches(']');
    Ok(TcpStream::connect((host, url.port_u16().unwrap_or(443))).await?.local_addr()?)
}

fn router(asked: Arc<Mutex<Vec<Vec<String>>>>, habit: Habit) -> Router {
    Router::new().route("/", post(async move |body: Bytes| answer(&body, &asked, &habit)))
}

fn answer(body: &[u8], asked: &Mutex<Vec<Vec<String>>>, habit: &Habit) -> Response {
    match answered(body, asked, habit) {
        Ok(answer) => ([(header::CONTENT_TYPE, "application/json")], answer).into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}

fn answered(body: &[u8], asked: &Mutex<Vec<Vec<String>>>, habit: &Habit) -> Result<String> {
    let review = review::read(body)?;
    let request = review::request::<Value>(&review)?;
    asked.lock().unwrap_or_else(PoisonError::into_inner).push(names(&request.object["spec"]["containers"]));
    let operations: json_patch::Patch = serde_json::from_value(patch(&request.object, habit))?;
    Ok(review::answer(request.uid, Verdict::Allowed { patch: (&operations).into(), warnings: Vec::new() }))
}

/// Returns the operations that make of a Pod what the neighbour wants, none where it is that already.
fn patch(pod: &Value, habit: &Habit) -> Value {
    let wanted = match habit {
        Habit::Inject { key, value } => injected(pod, key, value),
        Habit::Strip => stripped(pod),
    };
    let members = ["/metadata/labels", "/spec/volumes", "/spec/initContainers", "/spec/containers"];
    let changed = members.into_iter().filter(|member| wanted.pointer(member) != pod.pointer(member));
    changed.map(|member| json!({"op": "add", "path": member, "value": wanted.pointer(member)})).collect()
}

fn stripped(pod: &Value) -> Value {
    let mut wanted = pod.clone();
    for container in wanted["spec"]["initContainers"].as_array_mut().into_iter().flatten() {
        container.as_object_mut().and_then(|members| members.remove("restartPolicy"));
    }
    wanted
}

fn injected(pod: &Value, key: &str, value: &str) -> Value {
    let mut wanted = pod.clone();
    wanted["metadata"]["labels"][key] = json!(value);
    let volume = json!({"name": "neighbour", "emptyDir": {}});
    add(&mut wanted["spec"]["volumes"], "name", volume, usize::MAX);
    let container = |name: &str| json!({"name": name, "image": AGENT_V1, "env": [{"name": "PORT", "value": "15001"}]});
    add(&mut wanted["spec"]["containers"], "name", container("neighbour-first"), 0);
    add(&mut wanted["spec"]["containers"], "name", container("neighbour-last"), usize::MAX);
    for list in ["initContainers", "containers"] {
        for container in wanted["spec"][list].as_array_mut().into_iter().flatten() {
            let mount = json!({"name": "neighbour", "mountPath": "/neighbour"});
            add(&mut container["volumeMounts"], "mountPath", mount, usize::MAX);
            add(&mut container["env"], "name", json!({"name": "NEIGHBOUR", "value": "here"}), usize::MAX);
        }
    }
    wanted
}

/// Adds an item to a list that has none with the same `key`.
fn add(list: &mut Value, key: &str, item: Value, at: usize) {
    if list.is_null() {
        *list = json!([]);
    }
    if let Some(items) = list.as_array_mut()
        && !items.iter().any(|known| known[key] == item[key])
    {
        items.insert(at.min(items.len()), item);
    }
}

fn names(containers: &Value) -> Vec<String> {
    let names = containers.as_array().into_iter().flatten().map(|container| container["name"].as_str());
    names.map(|name| name.unwrap_or_default().to_owned()).collect()
}

/// Returns its configuration for the scene's namespace. A test that goes away without a word must not hold up anybody: the
/// configuration belongs to the namespace, and a Pod is created without an answer too.
async fn configuration(
    scene: &Scene,
    prefix: &str,
    url: &str,
    reinvocation: Reinvocation,
) -> Result<MutatingWebhookConfiguration> {
    let namespaces: Api<Namespace> = Api::all(scene.client());
    let owner = namespaces.get(scene.namespace()).await?.uid().context("a namespace has a uid")?;
    Ok(serde_json::from_value(json!({
        "metadata": {
            "name": format!("{prefix}-{}", scene.namespace()),
            "ownerReferences": [
                {"apiVersion": "v1", "kind": "Namespace", "name": scene.namespace(), "uid": owner},
            ],
        },
        "webhooks": [{
            "name": "neighbour.e2e.sidecarset.dev",
            "clientConfig": {"url": url},
            "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": scene.namespace()}},
            "failurePolicy": "Ignore",
            "reinvocationPolicy": format!("{reinvocation:?}"),
            "sideEffects": "None",
            "timeoutSeconds": 30,
            "admissionReviewVersions": ["v1"],
        }],
    }))?)
}

impl Neighbour {
    /// API servers learn of a webhook by a watch.
    async fn until_asked(&self, scene: &Scene) -> Result<()> {
        let mut pod = scene.pod("probe");
        pod["metadata"]["labels"] = json!(null);
        let pod = serde_json::from_value(pod)?;
        let dry_run = PostParams { dry_run: true, ..PostParams::default() };
        eventually("the API server asks the neighbour", async || {
            scene.pod_api().create(&dry_run, &pod).await?;
            Ok(if self.asked().is_empty() { Look::NotYet("it does not".to_owned()) } else { Look::Found(()) })
        })
        .await
    }
}
