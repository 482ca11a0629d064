//! What a kubelet and a monitoring system ask: is it alive, is it ready, which version is it, how does it fare.

use anyhow::Context;
use axum::Router;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;
use sidecarset_controller::Contact;
use sidecarset_metrics::{CONTENT_TYPE, Registry, scrape};
use sidecarset_webhook::server::{self, Limits};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// What has to be before the API server can ask.
#[derive(Debug, Clone)]
pub struct Readiness {
    /// Whether all objects of the cluster are known.
    pub is_synced: watch::Receiver<bool>,
    /// Counts reviews, and knows whether there is a certificate to answer them with.
    pub webhook: Arc<sidecarset_webhook::Metrics>,
    /// Whether the API server is heard from.
    pub contact: Contact,
    /// Whether all is well: the webhooks are registered too.
    pub is_ready: Arc<AtomicBool>,
    /// Cancelled once the operator is to stop.
    pub ends: CancellationToken,
}

/// One thing that has to be.
#[derive(Debug, Clone, Copy)]
struct Check {
    name: &'static str,
    is_passed: bool,
    // What is said of it otherwise.
    missing: &'static str,
}

/// Serves `/healthz`, `/readyz`, `/version` and `/metrics` until the operator stops.
pub async fn serve(
    address: SocketAddr,
    readiness: Readiness,
    registry: Registry,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    let listener = server::listen(address).context("failed to serve health checks")?;
    // The port is not the one that was asked for where that is 0.
    info!(address = %listener.local_addr().unwrap_or(address), "answering health checks and scrapes");
    let served = server::serve_health(listener, router(readiness, registry), Limits::HEALTH, shutdown).await;
    served.context("failed to serve health checks")
}

fn router(readiness: Readiness, registry: Registry) -> Router {
    let registry = Arc::new(registry);
    Router::new()
        .route("/healthz", get(async || "ok"))
        .route("/readyz", get(async move |uri: Uri| report(&readiness.checks(), uri.query() == Some("verbose"))))
        .route("/version", get(async || ([(header::CONTENT_TYPE, "application/json")], version())))
        .route("/metrics", get(async move || metrics(&registry)))
}

impl Readiness {
    /// Says whether the API server can ask.
    pub fn is_ready(&self) -> bool {
        self.checks().iter().all(|check| check.is_passed)
    }

    /// Says whether it ever could.
    pub fn was_reached(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    fn checks(&self) -> [Check; 5] {
        [
            Check {
                name: "objects",
                is_passed: *self.is_synced.borrow(),
                missing: "not all objects of the cluster are listed",
            },
            Check {
                name: "contact",
                is_passed: self.contact.is_current(),
                missing: "the API server was not heard from for 10 seconds, or what has changed since is not listed",
            },
            Check {
                name: "certificate",
                is_passed: self.webhook.has_certificate(),
                missing: "there is no certificate to answer reviews with",
            },
            Check {
                name: "registration",
                is_passed: self.is_ready.load(Ordering::Relaxed),
                missing: "the webhooks are not registered",
            },
            Check { name: "shutdown", is_passed: !self.ends.is_cancelled(), missing: "the operator is to stop" },
        ]
    }
}

/// Tells whether all is well, as the components of Kubernetes do: what is missing is always named, the rest on demand.
fn report(checks: &[Check], is_verbose: bool) -> (StatusCode, String) {
    let is_passed = checks.iter().all(|check| check.is_passed);
    if is_passed && !is_verbose {
        return (StatusCode::OK, "ok".to_owned());
    }
    let lines = checks.iter().map(|check| match check.is_passed {
        true => format!("[+]{} ok\n", check.name),
        false => format!("[-]{} failed: {}\n", check.name, check.missing),
    });
    let lines: String = lines.collect();
    match is_passed {
        true => (StatusCode::OK, format!("{lines}readyz check passed\n")),
        false => (StatusCode::SERVICE_UNAVAILABLE, format!("{lines}readyz check failed\n")),
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: Check = Check { name: "objects", is_passed: true, missing: "not all objects are listed" };
    const UNSERVED: Check = Check { name: "certificate", is_passed: false, missing: "there is none" };

    #[test]
    fn what_is_missing_is_named_with_what_is_not() {
        let (code, text) = report(&[LISTED, UNSERVED], false);

        assert_eq!(code, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(text, "[+]objects ok\n[-]certificate failed: there is none\nreadyz check failed\n");
    }

    #[test]
    fn if_nothing_is_missing_one_word_is_enough() {
        assert_eq!(report(&[LISTED], false), (StatusCode::OK, "ok".to_owned()));
    }

    #[test]
    fn who_wants_to_know_is_told_of_each_check() {
        assert_eq!(report(&[LISTED], true), (StatusCode::OK, "[+]objects ok\nreadyz check passed\n".to_owned()));
    }
}
