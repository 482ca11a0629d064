//! A client that asks as the API server does.

use anyhow::{Context, ensure};
use axum::body::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long one answer may take: as long as the API server waits by default.
const LIMIT: Duration = Duration::from_secs(10);

/// Knows where a webhook is, and whom to trust there.
pub(crate) struct Asker {
    address: SocketAddr,
    path: String,
    tls: TlsConnector,
}

/// A connection to a webhook.
pub(crate) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    uri: String,
}

impl Asker {
    pub(crate) fn new(address: SocketAddr, path: &str, authorities: &str) -> anyhow::Result<Self> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
            roots.add(authority.context("failed to read the authorities")?)?;
        }
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec()];
        Ok(Self { address, path: path.to_owned(), tls: TlsConnector::from(Arc::new(config)) })
    }

    pub(crate) async fn connect(&self) -> anyhow::Result<Connection> {
        let socket = TcpStream::connect(self.address).await.context("failed to connect")?;
        socket.set_nodelay(true)?;
        let stream =
            self.tls.connect(ServerName::from(self.address.ip()), socket).await.context("failed to set up TLS")?;
        let (requests, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await?;
        // It ends when the last request has been sent and the connection is dropped.
        tokio::spawn(connection);
        Ok(Connection { requests, uri: format!("https://{}{}?timeout=10s", self.address, self.path) })
    }

    /// Asks once and looks at the answer: a webhook that refuses everything is fast too.
    pub(crate) async fn expect(&self, body: &[u8], is_patched: bool) -> anyhow::Result<()> {
        let answer = self.connect().await?.ask(Bytes::copy_from_slice(body)).await?;
        let answer: Value = serde_json::from_slice(&answer).context("failed to read the answer")?;
        let response = &answer["response"];
        ensure!(response["allowed"] == true, "the review was not allowed: {response}");
        ensure!(response["patch"].is_string() == is_patched, "expected a patch: {is_patched}, found {response}");
        Ok(())
    }
}

impl Connection {
    pub(crate) async fn ask(&mut self, body: Bytes) -> anyhow::Result<Bytes> {
        let request = Request::builder()
            .method(Method::POST)
            .uri(&self.uri)
            .header("content-type", "application/json")
            .header("accept", "application/json, */*")
            .body(Full::new(body))?;
        let answer = async {
            let response = self.requests.send_request(request).await?;
            ensure!(response.status() == StatusCode::OK, "the answer is {}", response.status());
            Ok(response.into_body().collect().await?.to_bytes())
        };
        timeout(LIMIT, answer).await.context("there was no answer in time")?
    }
}
