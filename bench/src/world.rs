//! Worlds to measure in: Pods of a given size, and catalogs of a given number of SidecarSets.

use axum::Router;
use futures::future::{self, BoxFuture};
use jiff::Timestamp;
use parking_lot::RwLock;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, NamespaceLabels, SetIdentity};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::registration::FailurePolicy;
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::{
    Confirmation, Context, Freshness, Metrics, NamespaceError, NamespaceSource, PodSource, SetSource,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::{mpsc, watch};

/// The namespace of every Pod here.
pub const NAMESPACE: &str = "shop";

/// Returns a Pod whose JSON text has about this many bytes, as a large application's has: containers with variables,
/// mounts and probes. One set of each catalog selects it.
#[must_use]
pub fn pod(bytes: usize) -> Value {
    let mut pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"generateName": "web-5d5f8b6c4d-", "labels": {"app": "app-0", "pod-template-hash": "5d5f8b6c4d"}},
        "spec": {"containers": [], "volumes": [{"name": "data", "emptyDir": {}}], "serviceAccountName": "default"},
    });
    let variables = bytes.div_ceil(16_000).clamp(4, 40) * 4;
    let mut at = 0;
    while pod.to_string().len() < bytes {
        let container = container(at, variables);
        pod["spec"]["containers"].as_array_mut().expect("the list is written above").push(container);
        at += 1;
    }
    pod
}

/// Returns a container of an application, with so many variables.
pub(crate) fn container(at: usize, variables: usize) -> Value {
    let env: Vec<Value> = (0..variables)
        .map(|at| json!({"name": format!("SETTING_{at}"), "value": format!("https://service-{at}.shop.svc:8443/path")}))
        .collect();
    json!({
        "name": format!("app-{at}"), "image": format!("registry.example.com/shop/app-{at}:v1.2.3"), "env": env,
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"cpu": "1", "memory": "512Mi"}},
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
        "livenessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10},
    })
}

/// Returns a catalog of this many sets, of which one selects the Pods here.
#[must_use]
pub fn catalog(sets: usize) -> Catalog {
    let mut catalog = Catalog::default();
    for at in 0..sets {
        let set = serde_json::from_value(set(at)).expect("the set is written below");
        catalog.put_set(&set);
    }
    for name in (0..50).map(|at| format!("namespace-{at}")).chain([NAMESPACE.to_owned()]) {
        catalog.put_namespace(&name, namespace(&name));
    }
    catalog
}

/// Returns the labels of a namespace.
#[must_use]
pub fn namespace(name: &str) -> NamespaceLabels {
    BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), name.to_owned())])
}

/// Returns a set. That of number 0 selects the Pods here.
#[must_use]
pub fn set(at: usize) -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": format!("set-{at}")},
        "spec": {
            "selector": {"matchLabels": {"app": format!("app-{at}")}},
            "initContainers": [{"name": format!("prepare-{at}"), "image": "prepare:v1"}],
            "containers": [{
                "name": format!("agent-{at}"), "image": "agent:v1",
                "env": [{"name": "LEVEL", "value": "info"}],
                "shareVolumePolicy": {"type": "enabled"},
                "transferEnv": [{"sourceContainerName": "app-0", "envName": "SETTING_1"}],
                "volumeMounts": [{"name": "logs", "mountPath": "/logs"}],
            }],
            "volumes": [{"name": "logs", "emptyDir": {}}],
        },
    })
}

/// Returns the body of the review that the API server asks for a new Pod.
#[must_use]
pub fn review(pod: &Value) -> Vec<u8> {
    json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview",
        "request": {
            "uid": "705ab4f5-6393-11e8-b7cc-42010a800002", "operation": "CREATE", "namespace": NAMESPACE,
            "kind": {"group": "", "version": "v1", "kind": "Pod"},
            "resource": {"group": "", "version": "v1", "resource": "pods"},
            "userInfo": {"username": "system:serviceaccount:kube-system:replicaset-controller", "groups": ["system:authenticated"]},
            "object": pod, "oldObject": null, "dryRun": false,
            "options": {"kind": "CreateOptions", "apiVersion": "meta.k8s.io/v1"},
        },
    })
    .to_string()
    .into_bytes()
}

/// Returns the webhook as it is served, without its TLS.
pub fn webhook(catalog: Catalog) -> Router {
    sidecarset_webhook::server::router(Context {
        catalog: Arc::new(RwLock::new(catalog)),
        namespaces: Arc::new(Nobody),
        confirmation: Arc::new(Confirmation::new(Arc::new(Nobody))),
        freshness: Freshness::default(),
        pods: Arc::new(Nobody),
        registrar: Arc::new(Registrar::new(watch::channel(0).1)),
        failure_policy: FailurePolicy::Fail,
        events: mpsc::channel(1).0,
        budget: Arc::default(),
        metrics: Arc::new(Metrics::default()),
        now: || Timestamp::constant(1_767_323_045, 0),
    })
}

/// There are no Pods.
impl PodSource for Nobody {
    fn survey(&self, _: &Arc<CanonicalSet>) -> Vec<String> {
        Vec::new()
    }
}

/// No namespace is ever looked up: all are in memory.
#[derive(Debug)]
struct Nobody;

impl SetSource for Nobody {
    fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>> {
        Box::pin(future::ready(Ok(Vec::new())))
    }
}

impl NamespaceSource for Nobody {
    fn labels<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, NamespaceError>> {
        Box::pin(future::ready(Err(NamespaceError::Missing)))
    }
}
