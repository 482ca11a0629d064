//! What stands between an operator and the API server, and does to each request what the test says.

use anyhow::{Context, Result};
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, Method, Response, StatusCode, header};
use futures::future::ready;
use futures::{StreamExt, stream};
use kube::Client;
use serde_json::{Value, json};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// A request as the test judges it.
#[derive(Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub body: Bytes,
}

/// What becomes of a request.
#[derive(Debug)]
pub enum Fate {
    /// The API server answers.
    Pass,
    /// It is not asked: this is the answer.
    Refuse(StatusCode),
    /// It does what it is asked, and the answer is this one.
    Lose(StatusCode),
    /// A watch that ends after so many bytes, so within a line. That it has is counted here.
    Cut(usize, Arc<AtomicUsize>),
    /// A watch that tells that the version from which it is to go on is too old.
    Expire,
    /// Nobody answers. That it was asked is told here, and the API server is asked before or never.
    Hold(Moment, watch::Sender<bool>),
}

/// When a request is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// Before the API server has it.
    Before,
    /// When the API server has done it.
    After,
}

type Judge = dyn Fn(&Asked) -> Fate + Send + Sync;

/// Passes on what `judge` lets pass, while the test runs, as the user that the test is. Returns the kubeconfig of whoever
/// is to come this way, which is written into `folder`.
///
/// # Errors
///
/// When there is no port, or the file cannot be written.
pub async fn proxy(
    client: Client,
    folder: &Path,
    judge: impl Fn(&Asked) -> Fate + Send + Sync + 'static,
) -> Result<PathBuf> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let judge: Arc<Judge> = Arc::new(judge);
    let router = Router::new().fallback(move |request: Request| answer(client.clone(), Arc::clone(&judge), request));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let kubeconfig = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "nobody", "user": {}}],
        "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "nobody"}}],
        "current-context": "proxy",
    });
    let file = folder.join(format!("proxy-{}.kubeconfig", address.port()));
    std::fs::write(&file, kubeconfig.to_string()).context("failed to write a kubeconfig")?;
    Ok(file)
}

impl Asked {
    /// Says whether it is a watch.
    #[must_use]
    pub fn is_watch(&self) -> bool {
        self.query.split('&').any(|part| part == "watch=true" || part == "watch=1")
    }

    /// Says whether it is a watch that goes on from a version.
    #[must_use]
    pub fn is_resumed(&self) -> bool {
        let from = self.query.split('&').find_map(|part| part.strip_prefix("resourceVersion="));
        self.is_watch() && from.is_some_and(|from| !from.is_empty() && from != "0")
    }
}

async fn answer(client: Client, judge: Arc<Judge>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, usize::MAX).await else { return refusal(StatusCode::BAD_REQUEST) };
    let asked = Asked {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        body,
    };
    let ask = pass(client, &asked, parts.headers);
    match judge(&asked) {
        Fate::Pass => ask.await,
        Fate::Refuse(status) => refusal(status),
        Fate::Lose(status) => {
            ask.await;
            refusal(status)
        }
        Fate::Cut(bytes, count) => ask.await.map(|body| cut(body, bytes, count)),
        Fate::Expire => line(&json!({"type": "ERROR", "object": status_object(StatusCode::GONE)})),
        Fate::Hold(moment, told) => {
            if moment == Moment::After {
                ask.await;
            }
            told.send_replace(true);
            std::future::pending().await
        }
    }
}

async fn pass(client: Client, asked: &Asked, mut headers: HeaderMap) -> Response<Body> {
    headers.remove(header::HOST);
    // The length is that of the body, and the connection is another one.
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::CONNECTION);
    let mut request = axum::http::Request::new(kube::client::Body::from(asked.body.clone()));
    *request.method_mut() = asked.method.clone();
    *request.headers_mut() = headers;
    let separator = if asked.query.is_empty() { "" } else { "?" };
    let Ok(uri) = format!("{}{separator}{}", asked.path, asked.query).parse() else {
        return refusal(StatusCode::BAD_REQUEST);
    };
    *request.uri_mut() = uri;
    match client.send(request).await {
        Ok(response) => response.map(Body::new),
        Err(error) => {
            eprintln!("the API server did not answer {} {}: {error}", asked.method, asked.path);
            refusal(StatusCode::BAD_GATEWAY)
        }
    }
}

/// Ends an answer after so many bytes, as when a connection breaks. One that ends earlier is left as it is.
fn cut(body: Body, bytes: usize, count: Arc<AtomicUsize>) -> Body {
    let some = body.into_data_stream().scan(Some(bytes), move |left, piece| {
        let piece = piece.map_err(io::Error::other).map(|piece| match *left {
            Some(allowed) if allowed >= piece.len() => {
                *left = Some(allowed - piece.len());
                vec![Ok(piece)]
            }
            Some(allowed) => {
                *left = None;
                count.fetch_add(1, Ordering::Relaxed);
                vec![Ok(piece.slice(..allowed)), Err(io::Error::other("cut by the test"))]
            }
            None => Vec::new(),
        });
        ready(Some(stream::iter(piece.unwrap_or_else(|error| vec![Err(error)]))))
    });
    Body::from_stream(some.flatten())
}

fn status_object(status: StatusCode) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": status.as_u16(),
        "reason": match status {
            StatusCode::GONE => "Expired",
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            _ => "InternalError",
        },
        "message": "said by the test",
    })
}

fn line(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("{value}\n")));
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
    response
}

fn refusal(status: StatusCode) -> Response<Body> {
    let mut response = line(&status_object(status));
    *response.status_mut() = status;
    if status == StatusCode::TOO_MANY_REQUESTS {
        response.headers_mut().insert(header::RETRY_AFTER, header::HeaderValue::from_static("1"));
    }
    response
}
