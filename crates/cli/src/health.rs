//! What a kubelet asks a container: is it alive, is it ready.

use anyhow::Context;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio_util::sync::CancellationToken;

/// Serves `/healthz`, `/readyz` and `/version` until the operator stops.
pub async fn serve(address: SocketAddr, is_ready: Arc<AtomicBool>, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = tokio::net::TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address} for health checks"))?;
    axum::serve(listener, router(is_ready))
        .with_graceful_shutdown(async move { shutdown.cancelled().await })
        .await
        .context("failed to serve health checks")
}

fn router(is_ready: Arc<AtomicBool>) -> Router {
    let readiness = move || async move {
        if is_ready.load(Ordering::Relaxed) {
            (StatusCode::OK, "ok")
        } else {
            (StatusCode::SERVICE_UNAVAILABLE, "not ready")
        }
    };
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(readiness))
        .route("/version", get(async || env!("CARGO_PKG_VERSION")))
}
