//! The few endpoints of an API server that the controller speaks to.

use super::cluster::{Cluster, Kind, patch_pod, patch_status};
use super::objects;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;

/// How long the kubelet takes for an upgrade.
const KUBELET: Duration = Duration::from_millis(100);

const LARGEST_BODY: usize = 4 << 20;

/// A cluster that several parts share.
pub(super) type Shared = Arc<Mutex<Cluster>>;

/// Serves a cluster for ever, and answers where.
pub(super) async fn serve(cluster: Shared) -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let address = listener.local_addr()?;
    let router = Router::new().fallback(answer).with_state(cluster);
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(address)
}

async fn answer(State(cluster): State<Shared>, request: Request) -> Response {
    cluster.lock().requests.all += 1;
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().trim_matches('/').to_owned();
    let segments: Vec<&str> = path.split('/').collect();
    let query = parts.uri.query().unwrap_or_default();
    if parts.method == Method::GET {
        return match kind(&segments) {
            Some(kind) => read(kind, query, &cluster),
            None => StatusCode::NOT_FOUND.into_response(),
        };
    }
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.unwrap_or_default();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    match write(&segments, body, &cluster) {
        Some(object) => json_text(&object),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

fn kind(segments: &[&str]) -> Option<Kind> {
    match segments {
        ["api", "v1", "pods"] => Some(Kind::Pods),
        ["api", "v1", "namespaces"] => Some(Kind::Namespaces),
        ["apis", "apps.kruise.io", "v1beta1", "sidecarsets"] => Some(Kind::Sets),
        ["apis", "apps", "v1", "namespaces", _, "controllerrevisions"] => Some(Kind::Revisions),
        ["api", "v1", "namespaces", _, "configmaps"] => Some(Kind::Configurations),
        _ => None,
    }
}

fn read(kind: Kind, query: &str, cluster: &Shared) -> Response {
    let number = |name: &str| {
        let of = |pair: &str| pair.strip_prefix(name)?.strip_prefix('=')?.parse::<usize>().ok();
        query.split('&').find_map(of)
    };
    let is = |wanted: &str| query.split('&').any(|pair| pair == wanted);
    if is("sendInitialEvents=true") {
        return lines(cluster.lock().stream(kind));
    }
    if is("watch=true") {
        return lines(cluster.lock().watch(kind));
    }
    json_text(&cluster.lock().list(kind, number("limit").unwrap_or(usize::MAX), number("continue").unwrap_or_default()))
}

fn write(segments: &[&str], mut body: Value, cluster: &Shared) -> Option<Arc<str>> {
    let mut state = cluster.lock();
    match *segments {
        ["api", "v1", "namespaces", namespace, "pods", name] => {
            state.requests.upgrades += 1;
            let key = format!("{namespace}/{name}");
            let upgraded = state.change(Kind::Pods, &key, |pod| patch_pod(pod, &body));
            tokio::spawn(follow(key, Arc::clone(cluster)));
            upgraded
        }
        ["api", "v1", "namespaces", namespace, "pods", name, "status"] => {
            state.requests.conditions += 1;
            state.change(Kind::Pods, &format!("{namespace}/{name}"), |pod| patch_pod(pod, &body))
        }
        ["apis", "apps.kruise.io", "v1beta1", "sidecarsets", name, "status"] => {
            state.requests.statuses += 1;
            state.change(Kind::Sets, name, |set| patch_status(set, &body))
        }
        ["apis", "apps", "v1", "namespaces", _, "controllerrevisions", ..] => {
            if body["metadata"]["uid"].is_null() {
                body["metadata"]["uid"] = json!("revision");
            }
            Some(state.put(Kind::Revisions, body))
        }
        ["apis", "events.k8s.io", "v1", "namespaces", _, "events", ..] => Some(body.to_string().into()),
        _ => None,
    }
}

/// Does in a while what the kubelet does with another image.
async fn follow(pod: String, cluster: Shared) {
    tokio::time::sleep(KUBELET).await;
    cluster.lock().change(Kind::Pods, &pod, |pod| {
        // The conditions of others stay.
        let told = pod["status"]["conditions"].as_array().cloned().unwrap_or_default();
        objects::run(pod);
        let own = pod["status"]["conditions"].as_array_mut();
        own.into_iter().for_each(|own| own.extend(told.iter().skip(own.len()).cloned()));
    });
}

fn json_text(text: &str) -> Response {
    ([(header::CONTENT_TYPE, "application/json")], text.to_owned()).into_response()
}

fn lines(lines: impl Stream<Item = Bytes> + Send + 'static) -> Response {
    let lines = Body::from_stream(lines.map(Ok::<Bytes, Infallible>));
    ([(header::CONTENT_TYPE, "application/json")], lines).into_response()
}
