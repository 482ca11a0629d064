//! A webhook that answers "allowed" and nothing else, over the same TLS and HTTP stack as the operator's.

use super::pods::NAMESPACE;
use anyhow::Context;
use axum::Router;
use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use jiff::Timestamp;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::api::{DeleteParams, PostParams};
use kube::{Api, Client};
use serde::Deserialize;
use serde_json::json;
use sidecarset_webhook::certificate::{CertificateResolver, Lifetimes, Names, issue};
use sidecarset_webhook::server;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};

const NAME: &str = "bench-null";
const ADDRESS: &str = "127.0.0.1:19545";

/// A webhook that ends with this value.
#[derive(Debug)]
pub(crate) struct Null {
    _stop: DropGuard,
}

#[derive(Deserialize)]
struct Review {
    request: Request,
}

#[derive(Deserialize)]
struct Request {
    uid: String,
}

impl Null {
    /// Serves, and has the API server ask about every new Pod.
    pub(crate) async fn start(admin: &Client) -> anyhow::Result<Self> {
        let address: SocketAddr = ADDRESS.parse().expect("the address is written above");
        let material = issue(&Names::new([address.ip().to_string()]), None, Lifetimes::A_YEAR, Timestamp::now())?;
        let certificates = Arc::new(CertificateResolver::default());
        certificates.put(material.certified_key()?);
        let ends = server::Ends::open(certificates);
        let stop = CancellationToken::new();
        let listener = server::listen(address)?;
        let router = Router::new().route("/", post(answer));
        tokio::spawn(server::serve(listener, router, ends, stop.clone()));
        let authorities = k8s_openapi::ByteString(material.authorities().as_bytes().to_vec());
        let configuration = serde_json::from_value(json!({
            "metadata": {"name": NAME},
            "webhooks": [{
                "name": "null.bench.sidecarset.dev", "admissionReviewVersions": ["v1"], "sideEffects": "None",
                "clientConfig": {"url": format!("https://{ADDRESS}/"), "caBundle": authorities},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
                "rules": [{"apiGroups": [""], "apiVersions": ["v1"], "resources": ["pods"], "operations": ["CREATE"]}],
            }],
        }))?;
        configurations(admin).create(&PostParams::default(), &configuration).await?;
        Ok(Self { _stop: stop.drop_guard() })
    }

    /// Has the API server ask no more.
    pub(crate) async fn stop(self, admin: &Client) -> anyhow::Result<()> {
        configurations(admin).delete(NAME, &DeleteParams::default()).await.context("failed to unregister")?;
        Ok(())
    }
}

fn configurations(admin: &Client) -> Api<MutatingWebhookConfiguration> {
    Api::all(admin.clone())
}

async fn answer(body: Bytes) -> Response {
    let uid = serde_json::from_slice::<Review>(&body).map(|review| review.request.uid).unwrap_or_default();
    let review = json!({
        "apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": {"uid": uid, "allowed": true},
    });
    ([(CONTENT_TYPE, "application/json")], review.to_string()).into_response()
}
