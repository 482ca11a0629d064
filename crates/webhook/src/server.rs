//! The HTTPS server that the API server asks.

mod body;
mod budget;
mod callers;
mod clients;
mod connection;
mod gate;
mod greeting;
mod listener;
pub mod path;
mod port;
mod router;
mod standing;
mod strangers;
mod tokens;

pub use budget::{Budget, BudgetError};
pub use callers::Callers;
pub use clients::{Clients, ParseClientsError};
pub use listener::{ListenError, listen, listen_address};
pub use port::Limits;
pub use router::router;
pub use standing::Patience;
pub use tokens::{ReadTokensError, Tokens};

use crate::certificate::CertificateResolver;
use crate::metrics::Metrics;
use axum::Router;
use gate::{Gate, Open};
use greeting::Plain;
use port::Port;
use rustls::ServerConfig;
use rustls::crypto::ring;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error(transparent)]
    Listen(#[from] ListenError),
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] rustls::Error),
    /// The listener cannot be used.
    #[error("failed to serve the webhook")]
    Serve(#[source] io::Error),
}

/// Who is on both ends of a connection, and for how long.
#[derive(Debug, Clone)]
pub struct Ends {
    /// What we show.
    pub certificates: Arc<CertificateResolver>,
    /// Who may ask; everybody, if nobody is named.
    pub callers: Option<Callers>,
    /// How many connections there are, and for how long.
    pub limits: Limits,
    /// Where connections are counted.
    pub metrics: Arc<Metrics>,
}

impl Ends {
    /// Returns those where everybody may ask.
    #[must_use]
    pub fn open(certificates: Arc<CertificateResolver>) -> Self {
        Self { certificates, callers: None, limits: Limits::REVIEWS, metrics: Arc::default() }
    }
}

/// Answers reviews until `shutdown`, then finishes what is under way within a bounded time.
///
/// # Errors
/// The server cannot be started.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    ends: Ends,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let tls = tls(&ends).map_err(Error::Tls)?;
    let port = Port {
        listener: tokio::net::TcpListener::from_std(listener).map_err(Error::Serve)?,
        greeting: TlsAcceptor::from(Arc::new(tls)),
        limits: ends.limits,
        metrics: Some(Arc::clone(&ends.metrics)),
    };
    let Ends { callers, metrics, .. } = ends;
    let gate = move |standing, certificate| {
        let (router, callers, metrics) = (router.clone(), callers.clone(), Arc::clone(&metrics));
        Gate { router, callers, certificate, standing, metrics }
    };
    port.serve(gate, shutdown).await;
    Ok(())
}

/// Answers health checks and scrapes, without TLS and to everybody, until `shutdown`.
///
/// # Errors
/// The listener cannot be used.
pub async fn serve_health(
    listener: TcpListener,
    router: Router,
    limits: Limits,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let port = Port { listener: tokio::net::TcpListener::from_std(listener)?, greeting: Plain, limits, metrics: None };
    port.serve(move |standing, _| Open { router: router.clone(), standing }, shutdown).await;
    Ok(())
}

fn tls(ends: &Ends) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let callers = ends.callers.as_ref();
    let config = match callers.and_then(|callers| Some((callers.certificates.clone()?, callers))) {
        Some((clients, callers)) => config.with_client_cert_verifier(clients.verifier(callers.without_certificate())?),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(Arc::clone(&ends.certificates) as Arc<_>);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
