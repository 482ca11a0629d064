//! An API server that answers what it is told to, in order.

use crate::permission::assert_allowed;
use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinHandle;
use tower_test::mock;

/// What was asked: method and path, with the body.
pub type Asked = (String, Value);

/// Returns a client whose requests are answered one after the other, and what it asked. The client fails once there
/// is no answer left.
pub fn answering(answers: Vec<(u16, Value)>) -> (Client, JoinHandle<Vec<Asked>>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let asked = tokio::spawn(async move {
        let mut asked = Vec::new();
        for (code, answer) in answers {
            let (request, respond) = requests.next_request().await.expect("there is one request for each answer");
            check(&request);
            asked.push(read(request).await);
            respond.send_response(response(code, &answer));
        }
        asked
    });
    (Client::new(service, "default"), asked)
}

/// Whether an API server lists its ConfigMaps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Configuration {
    Listed,
    Withheld,
}

/// Returns a client of an API server on which another replica has registered the webhooks, by the authority of the Secret that
/// is written to it first; and what else is written to it, as the name of the writer and the object.
pub fn registered_by_another() -> (Client, UnboundedReceiver<(String, Value)>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let (tell, written) = unbounded_channel();
    tokio::spawn(async move {
        let (mut watches, mut authorities) = (Vec::new(), Value::Null);
        while let Some((request, respond)) = requests.next_request().await {
            check(&request);
            let (path, query) = (request.uri().path().to_owned(), request.uri().query().unwrap_or_default().to_owned());
            let answer = match *request.method() {
                Method::GET if query.is_empty() => failure(404, "NotFound"),
                Method::GET if query.contains("watch=true") => {
                    watches.push(respond);
                    continue;
                }
                Method::GET => {
                    let items: Vec<Value> = configuration(&path, &authorities).into_iter().collect();
                    (200, json!({"metadata": {"resourceVersion": "1"}, "items": items}))
                }
                Method::POST => {
                    let (_, secret) = read(request).await;
                    authorities = secret["data"]["ca.crt"].clone();
                    (201, secret)
                }
                _ => {
                    let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager="));
                    let manager = manager.unwrap_or_default().to_owned();
                    let _ = tell.send((manager, read(request).await.1));
                    (200, json!({"metadata": {}}))
                }
            };
            respond.send_response(response(answer.0, &answer.1));
        }
    });
    (Client::new(service, "default"), written)
}

fn configuration(path: &str, authorities: &Value) -> Option<Value> {
    let kind = path.rsplit('/').next()?;
    let webhook = |name: &str| {
        json!({
            "name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"caBundle": authorities, "url": "https://webhook.sidecarset.svc/"},
        })
    };
    let name = match kind {
        "mutatingwebhookconfigurations" => "msidecarset.apps.kruise.io",
        "validatingwebhookconfigurations" => "vsidecarset.apps.kruise.io",
        _ => return None,
    };
    Some(json!({
        "metadata": {"name": "sidecarset", "uid": "u7", "resourceVersion": "1"}, "webhooks": [webhook(name)],
    }))
}

/// Returns a client of an API server that has nothing, takes everything, and tells of no change; and what is written
/// to it.
pub fn accepting(configuration: Configuration) -> (Client, UnboundedReceiver<String>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let (tell, written) = unbounded_channel();
    tokio::spawn(async move {
        let mut watches = Vec::new();
        while let Some((request, respond)) = requests.next_request().await {
            check(&request);
            let (code, answer) = match (request.method(), request.uri().query()) {
                (&Method::GET, None) => failure(404, "NotFound"),
                (&Method::GET, Some(query)) if lists_configuration(request.uri().path(), query) => {
                    match configuration {
                        Configuration::Listed => (200, json!({"metadata": {"resourceVersion": "1"}, "items": []})),
                        Configuration::Withheld => {
                            watches.push(respond);
                            continue;
                        }
                    }
                }
                (&Method::GET, Some(_)) => {
                    watches.push(respond);
                    continue;
                }
                _ => {
                    let _ = tell.send(format!("{} {}", request.method(), request.uri().path()));
                    (200, json!({"metadata": {}}))
                }
            };
            respond.send_response(response(code, &answer));
        }
    });
    (Client::new(service, "default"), written)
}

/// Ends the test where the operator may not ask this. It runs in the namespace `sidecarset` here.
fn check(request: &Request<Body>) {
    let content_type = request.headers().get("content-type").map_or("", |value| value.to_str().unwrap());
    assert_allowed(request.method(), request.uri(), content_type, "sidecarset");
}

fn lists_configuration(path: &str, query: &str) -> bool {
    let is_the_one = query.contains("fieldSelector=metadata.name%3Dkruise-configuration");
    path == "/api/v1/namespaces/sidecarset/configmaps" && is_the_one && !query.contains("watch=true")
}

fn response(code: u16, answer: &Value) -> Response<Body> {
    Response::builder().status(code).body(Body::from(answer.to_string().into_bytes())).unwrap()
}

async fn read(request: Request<Body>) -> Asked {
    let what = format!("{} {}", request.method(), request.uri());
    let body = request.into_body().collect_bytes().await.unwrap();
    (what, serde_json::from_slice(&body).unwrap_or_default())
}

/// What the API server answers when it refuses.
pub fn failure(code: u16, reason: &str) -> (u16, Value) {
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "message": reason, "reason": reason, "code": code,
    });
    (code, status)
}
