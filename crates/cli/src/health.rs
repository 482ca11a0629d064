//! What a kubelet and a monitoring system ask: is it alive, is it ready, which version is it, how does it fare.

use anyhow::Context;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use sidecarset_metrics::{CONTENT_TYPE, Registry, scrape};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// Serves `/healthz`, `/readyz`, `/version` and `/metrics` until the operator stops.
pub async fn serve(
    address: SocketAddr,
    is_ready: Arc<AtomicBool>,
    registry: Registry,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address} for health checks"))?;
    // The port is not the one that was asked for where that is 0.
    info!(address = %listener.local_addr().unwrap_or(address), "answering health checks and scrapes");
    axum::serve(listener, router(is_ready, registry))
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
        .context("failed to serve health checks")
}

fn router(is_ready: Arc<AtomicBool>, registry: Registry) -> Router {
    let readiness = move || async move {
        if is_ready.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    };
    let registry = Arc::new(registry);
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readiness))
        .route("/version", get(async || ([(header::CONTENT_TYPE, "application/json")], version())))
        .route("/metrics", get(async move || metrics(&registry)))
}

/// Returns the version, as the components of Kubernetes tell theirs.
fn version() -> String {
    json!({
        "major": env!("CARGO_PKG_VERSION_MAJOR"),
        "minor": env!("CARGO_PKG_VERSION_MINOR"),
        "gitVersion": concat!("v", env!("CARGO_PKG_VERSION")),
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
    .to_string()
}

fn metrics(registry: &Registry) -> Response {
    match scrape(registry) {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => {
            error!(error = &error as &dyn std::error::Error, "could not write the metrics");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
