//! One review, asked of the router and answered.

use axum::Router;
use axum::body::Body;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::{self, BoxFuture};
use http::{Method, Request, StatusCode};
use jiff::Timestamp;
use parking_lot::RwLock;
use serde_json::{Value, json};
use sidecarset_core::catalog::{Catalog, NamespaceLabels, SetIdentity};
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::registration::FailurePolicy;
use sidecarset_core::validation::{Permissions, Whitelist, WithoutRule};
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::server::router;
use sidecarset_webhook::{
    Confirmation, Context, Freshness, Metrics, NamespaceError, NamespaceSource, PodSource, SetSource,
};
use std::sync::Arc;
use tokio::sync::{Notify, mpsc, watch};
use tower::ServiceExt;

pub const POD: &str = "/mutate-pod";
pub const MUTATE_SET: &str = "/mutate-apps-kruise-io-sidecarset";
pub const VALIDATE_SET: &str = "/validate-apps-kruise-io-sidecarset";

/// What happens when a namespace is looked up at the API server.
#[derive(Debug, Clone, Copy)]
pub enum Lookup {
    NotExpected,
    Finds(&'static str, &'static str),
    FindsNothing,
    NeverEnds,
    Waits { asked: &'static Notify, go: &'static Notify },
}

impl NamespaceSource for Lookup {
    fn labels<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<NamespaceLabels, NamespaceError>> {
        match *self {
            Self::NotExpected => panic!("namespace {name} was looked up"),
            Self::Finds(key, value) => {
                Box::pin(future::ready(Ok([(key.to_owned(), value.to_owned())].into_iter().collect())))
            }
            Self::FindsNothing => Box::pin(future::ready(Err(NamespaceError::Missing))),
            Self::NeverEnds => Box::pin(future::pending()),
            Self::Waits { asked, go } => Box::pin(async {
                asked.notify_one();
                go.notified().await;
                Ok(NamespaceLabels::new())
            }),
        }
    }
}

/// The sets that the API server lists.
#[derive(Debug, Clone, Default)]
pub struct Stored(pub Vec<SetIdentity>);

impl SetSource for Stored {
    fn sets(&self) -> BoxFuture<'_, Result<Vec<SetIdentity>, kube::Error>> {
        Box::pin(future::ready(Ok(self.0.clone())))
    }
}

/// A router that knows these sets, and no namespace.
pub fn knowing(sets: &[Value], lookup: Lookup) -> Router {
    let mut catalog = Catalog::default();
    for set in sets {
        catalog.put_set(&serde_json::from_value(set.clone()).unwrap());
    }
    router(context(catalog, lookup))
}

pub fn context(catalog: Catalog, lookup: Lookup) -> Context {
    Context {
        catalog: Arc::new(RwLock::new(catalog)),
        namespaces: Arc::new(lookup),
        confirmation: Arc::new(Confirmation::new(Arc::new(Stored::default()))),
        freshness: Freshness::default(),
        pods: Arc::new(Surveyed::default()),
        registrar: Arc::new(Registrar::new(watch::channel(0).1)),
        failure_policy: FailurePolicy::Fail,
        events: mpsc::channel(8).0,
        budget: Arc::default(),
        metrics: Arc::new(Metrics::default()),
        now: || Timestamp::constant(1_767_323_045, 0),
    }
}

/// What is said of every set that is written, by whoever knows the Pods.
#[derive(Debug, Default)]
pub struct Surveyed(pub Vec<String>);

impl PodSource for Surveyed {
    fn survey(&self, _: &Arc<CanonicalSet>) -> Vec<String> {
        self.0.clone()
    }
}

/// A router that knows nothing.
pub fn blank() -> Router {
    knowing(&[], Lookup::NotExpected)
}

/// A router with a white list of annotations, and what becomes of those that it has no rule for.
pub fn permitting(whitelist: Option<&str>, without_rule: WithoutRule) -> Router {
    let mut catalog = Catalog::default();
    catalog.permit(Permissions::new(Whitelist::read(whitelist), without_rule));
    router(context(catalog, Lookup::NotExpected))
}

pub async fn send(router: Router, request: Request<Body>) -> (StatusCode, Value) {
    let response = router.oneshot(request).await.unwrap();
    let code = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (code, serde_json::from_slice(&body).unwrap())
}

pub fn post(path: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::builder().method(Method::POST).uri(path).header("content-type", "application/json");
    request.body(body.into()).unwrap()
}

/// Asks for a review, and returns the answer of which the API server learns nothing but that there is none.
pub async fn ask_in_vain(router: Router, path: &str, request: Value) -> Value {
    let (code, answer) = send(router, review(path, &request)).await;
    assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
    answer
}

fn review(path: &str, request: &Value) -> Request<Body> {
    let review = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "request": request});
    post(path, review.to_string())
}

/// Asks for a review, and returns what is answered.
pub async fn ask(router: Router, path: &str, request: Value) -> Value {
    let (code, mut answer) = send(router, review(path, &request)).await;
    assert_eq!(code, StatusCode::OK);
    assert_eq!(answer["response"]["uid"], request["uid"]);
    answer["response"].take()
}

/// Returns the operations of an answer.
pub fn patch(response: &Value) -> json_patch::Patch {
    assert_eq!(response["patchType"], "JSONPatch");
    let text = BASE64_STANDARD.decode(response["patch"].as_str().unwrap()).unwrap();
    serde_json::from_slice(&text).unwrap()
}

/// Returns the object as it is after the answer.
pub fn patched(object: &Value, response: &Value) -> Value {
    let mut object = object.clone();
    json_patch::patch(&mut object, &patch(response)).unwrap();
    object
}

pub fn create_pod(pod: &Value) -> Value {
    json!({
        "uid": "11", "operation": "CREATE", "namespace": "shop", "object": pod, "oldObject": null,
        "kind": {"group": "", "version": "v1", "kind": "Pod"},
        "resource": {"group": "", "version": "v1", "resource": "pods"},
    })
}

pub fn write_set(set: &Value, old: Option<&Value>) -> Value {
    json!({
        "uid": "12", "operation": if old.is_some() { "UPDATE" } else { "CREATE" }, "object": set, "oldObject": old,
        "name": set["metadata"]["name"],
        "kind": {"group": "apps.kruise.io", "version": "v1beta1", "kind": "SidecarSet"},
        "resource": {"group": "apps.kruise.io", "version": "v1beta1", "resource": "sidecarsets"},
    })
}

/// A set of this name for Pods of the app `nginx`, with one container named `agent`.
pub fn sidecar_set(name: &str) -> Value {
    json!({
        "apiVersion": "apps.kruise.io/v1beta1", "kind": "SidecarSet", "metadata": {"name": name},
        "spec": {
            "selector": {"matchLabels": {"app": "nginx"}},
            "containers": [{"name": "agent", "image": "agent:v1"}],
        },
    })
}

/// A set about which there is nothing to say.
pub fn quiet(mut set: Value) -> Value {
    set["spec"]["containers"][0]["resources"] = json!({"requests": {"cpu": "10m"}});
    set
}
