//! An API server that answers what it is told to, in order.

use crate::permission::assert_allowed;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
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

/// The value of a label that no API server here takes.
pub const REJECTED: &str = "rejected";

fn taken(body: &Value) -> (u16, Value) {
    if body.to_string().contains(&format!("'{REJECTED}'")) {
        failure(422, "there is no such app")
    } else {
        (200, json!({"metadata": {}}))
    }
}

/// Returns a client of an API server on which another replica has registered the webhooks, by the authority of the Secret that
/// is written to it first; and what else is written to it, as the name of the writer and the object.
pub fn registered_by_another() -> (Client, UnboundedReceiver<(String, Value)>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let (tell, written) = unbounded_channel();
    tokio::spawn(async move {
        let (mut watches, mut authorities, mut proofs) = (Vec::new(), Value::Null, Value::Null);
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
                    let items: Vec<Value> = configuration(&path, &authorities, &proofs).into_iter().collect();
                    (200, json!({"metadata": {"resourceVersion": "1"}, "items": items}))
                }
                Method::PATCH if path.ends_with("/secrets/sidecarset-webhook-certificate") => {
                    (201, json!({"metadata": {"resourceVersion": "1"}}))
                }
                Method::PUT => {
                    let (_, secret) = read(request).await;
                    (authorities, proofs) = (secret["data"]["ca.crt"].clone(), secret["data"]["proofs"].clone());
                    (200, secret)
                }
                _ => {
                    let manager = query.split('&').find_map(|pair| pair.strip_prefix("fieldManager="));
                    let manager = manager.unwrap_or_default().to_owned();
                    let body = read(request).await.1;
                    let answer = taken(&body);
                    if answer.0 == 200 && !query.contains("dryRun") {
                        let _ = tell.send((manager, body));
                    }
                    answer
                }
            };
            respond.send_response(response(answer.0, &answer.1));
        }
    });
    (Client::new(service, "default"), written)
}

fn configuration(path: &str, authorities: &Value, proofs: &Value) -> Option<Value> {
    let kind = path.rsplit('/').next()?;
    let proofs = BASE64_STANDARD.decode(proofs.as_str()?).ok()?;
    let proof = serde_json::from_slice::<Value>(&proofs).ok()?[0]["path"].as_str()?.to_owned();
    let webhook = |name: &str| {
        json!({
            "name": name, "sideEffects": "None", "admissionReviewVersions": ["v1"],
            "clientConfig": {"caBundle": authorities, "url": format!("https://webhook.sidecarset.svc/{proof}/")},
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

/// Returns a client of an API server that has nothing, takes everything, keeps the Secret alone, and tells of no change; and what
/// is written to it.
pub fn accepting() -> (Client, UnboundedReceiver<String>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let (tell, written) = unbounded_channel();
    tokio::spawn(async move {
        let (mut watches, mut secret) = (Vec::new(), None);
        while let Some((request, respond)) = requests.next_request().await {
            check(&request);
            let is_secret = request.uri().path().ends_with("/secrets/sidecarset-webhook-certificate");
            let (code, answer) = match (request.method(), request.uri().query()) {
                (&Method::GET, None) => {
                    let kept = secret.clone().filter(|_| is_secret);
                    kept.map_or_else(|| failure(404, "NotFound"), |secret| (200, secret))
                }
                (&Method::GET, Some(_)) => {
                    watches.push(respond);
                    continue;
                }
                (_, query) => {
                    let is_dry_run = query.is_some_and(|query| query.contains("dryRun"));
                    let what = format!("{} {}", request.method(), request.uri().path());
                    let body = read(request).await.1;
                    let answer = taken(&body);
                    if answer.0 == 200 && !is_dry_run {
                        let _ = tell.send(what);
                    }
                    secret = if is_secret { Some(body) } else { secret };
                    answer
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
