//! The HTTPS server that the API server asks.

mod clients;
pub mod path;
mod router;

pub use clients::{Clients, ParseClientsError};
pub use router::router;

use crate::certificate::CertificateResolver;
use axum::Router;
use axum_server::Handle;
use axum_server::accept::NoDelayAcceptor;
use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use rustls::ServerConfig;
use rustls::crypto::ring;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How long reviews that are under way may take once we are to stop: longer than the API server waits for them.
const DRAIN: Duration = Duration::from_secs(10);
/// How long a connection may last that asks nothing.
const FIRST_REQUEST: Duration = Duration::from_secs(10);

/// Why the server does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The address is taken, or not ours.
    #[error("failed to listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// TLS cannot be set up.
    #[error("failed to set up TLS")]
    Tls(#[source] rustls::Error),
    /// It ran, and stopped by itself.
    #[error("the server of the webhook stopped")]
    Serve(#[source] io::Error),
}

/// Listens; connections wait until [`serve`] takes them.
///
/// # Errors
/// The address is taken, or not ours.
pub fn listen(address: SocketAddr) -> Result<TcpListener, Error> {
    let listen = || {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        Ok(listener)
    };
    listen().map_err(|source| Error::Listen { address, source })
}

/// Who is on both ends of a connection.
#[derive(Debug, Clone, Default)]
pub struct Ends {
    /// What we show.
    pub certificates: Arc<CertificateResolver>,
    /// Who may ask; everybody, if nobody is named.
    pub clients: Option<Clients>,
}

/// Answers until `shutdown`, then finishes what is under way within a bounded time.
///
/// # Errors
/// The server cannot be started.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    ends: Ends,
    shutdown: CancellationToken,
) -> Result<(), Error> {
    let tls = RustlsConfig::from_config(Arc::new(tls(ends).map_err(Error::Tls)?));
    let handle = Handle::new();
    // An answer leaves in several pieces: a kernel that saves packets would keep the last one for 40 ms.
    let acceptor = RustlsAcceptor::new(tls).acceptor(NoDelayAcceptor::new());
    let server = axum_server::from_tcp(listener)
        .map_err(Error::Serve)?
        .acceptor(acceptor)
        .handle(handle.clone())
        .first_request_timeout(FIRST_REQUEST)
        .accept_error_handler(|peer, error| debug!(?peer, %error, "failed to accept a connection"));
    let stop = async {
        shutdown.cancelled().await;
        handle.graceful_shutdown(Some(DRAIN));
        pending::<Infallible>().await
    };
    tokio::select! {
        served = server.serve(router.into_make_service()) => served.map_err(Error::Serve),
        never = stop => match never {},
    }
}

fn tls(ends: Ends) -> Result<ServerConfig, rustls::Error> {
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?;
    let config = match ends.clients {
        Some(clients) => config.with_client_cert_verifier(clients.verifier()?),
        None => config.with_no_client_auth(),
    };
    let mut config = config.with_cert_resolver(ends.certificates);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
