//! The side that is measured: a process that serves reviews.

use super::Webhook;
use crate::world::{catalog, webhook};
use anyhow::{Context, anyhow};
use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::json;
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Names, issue};
use sidecarset_webhook::proof::Proof;
use sidecarset_webhook::review::{Verdict, answer};
use sidecarset_webhook::server;
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio_util::sync::CancellationToken;
use tracing_subscriber::EnvFilter;

/// Serves until standard input ends, so that it never outlives who started it. Standard output gets one line of JSON with the
/// address, the authorities to trust, and the path to ask under.
///
/// # Errors
/// It cannot listen, or the server stops by itself.
pub async fn serve(kind: Webhook, address: SocketAddr) -> anyhow::Result<()> {
    // The operator writes a line for each Pod: that is part of what a review costs. $RUST_LOG says otherwise, as there.
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter);
    let installed = lines.with_ansi(false).with_writer(std::io::stderr).try_init();
    installed.map_err(|error| anyhow::anyhow!("failed to install the log: {error}"))?;
    let names = Names::new([Ipv4Addr::LOCALHOST.to_string(), address.ip().to_string()]);
    let material = issue(&names, None, Lifetimes::A_YEAR, Timestamp::now()).context("failed to make a certificate")?;
    let certificates = Arc::new(CertificateResolver::default());
    certificates.put(material.certified_key()?);
    let proof = Proof::random().map_err(|_| anyhow!("the system has no randomness"))?;
    let callers = server::Callers { proofs: Arc::default(), certificates: None, tokens: None };
    callers.proofs.keep([&proof]);
    let ends = server::Ends { callers: Some(callers), ..server::Ends::open(certificates) };
    let listener = server::listen(address)?;
    let ready = json!({
        "address": listener.local_addr()?.to_string(), "authorities": material.authorities(),
        "path": proof.before("/mutate-pod/fail/named"),
    });
    writeln!(std::io::stdout(), "{ready}")?;
    let router = match kind {
        Webhook::Null => null(),
        Webhook::Ours { sets } => webhook(catalog(sets)),
    };
    let shutdown = CancellationToken::new();
    let stop = shutdown.clone();
    let until_closed = async move {
        let mut rest = Vec::new();
        let read = tokio::io::stdin().read_to_end(&mut rest).await;
        stop.cancel();
        read.context("failed to wait for the end of standard input")
    };
    let serve = async { server::serve(listener, router, ends, shutdown).await.context("the server stopped") };
    tokio::try_join!(serve, until_closed)?;
    Ok(())
}

/// Returns the least that a webhook can be: it reads the request and allows it.
fn null() -> Router {
    Router::new().fallback(post(allow))
}

#[derive(Deserialize)]
struct Review {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    uid: String,
}

async fn allow(body: Bytes) -> Response {
    match serde_json::from_slice::<Review>(&body) {
        Ok(review) => ([(header::CONTENT_TYPE, "application/json")], answer(&review.request.uid, Verdict::untouched()))
            .into_response(),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    }
}
