//! Answers the API server's admission reviews from memory: what a new Pod gets, what is filled in for a SidecarSet,
//! and which SidecarSet is refused. Makes its own certificate and registers itself.

pub mod certificate;
mod context;
pub mod metrics;
mod namespace;
mod permissions;
mod pod;
pub mod registration;
pub mod review;
pub mod server;
pub mod settings;
mod sidecarset;
mod upkeep;

pub use context::Context;
pub use metrics::Metrics;
pub use namespace::{Error as NamespaceError, LiveNamespaces, NamespaceSource};
pub use permissions::Permissions;
pub use settings::Settings;
pub use upkeep::Error as UpkeepError;

use crate::certificate::{CertificateResolver, Keeper, Reader, Source};
use crate::server::Ends;
use crate::upkeep::Upkeep;
use axum::Router;
use kube::Client;
use sidecarset_core::registration::InForce;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{oneshot, watch};
use tokio_util::sync::CancellationToken;
use tracing::{error, info};

/// What others tell us while we run, and what we tell them.
#[derive(Debug, Clone)]
pub struct Signals {
    /// True once the catalog knows every SidecarSet and namespace there is: we register only then.
    pub is_synced: watch::Receiver<bool>,
    /// Changes whenever the catalog may select other Pods than before.
    pub selection: watch::Receiver<u64>,
    /// Which sets the API server knows of: we tell.
    pub in_force: watch::Sender<InForce>,
    /// True once the API server can ask us: a certificate is served, and we are registered.
    pub is_ready: Arc<AtomicBool>,
    /// Whether we are the one of several replicas that writes.
    pub lead: Lead,
    /// We stop when it is cancelled.
    pub shutdown: CancellationToken,
}

/// What the one of several replicas has that writes for all of them.
#[derive(Clone)]
pub struct Lead {
    /// Whether we are that one.
    pub leads: watch::Receiver<bool>,
    /// Writes as long as we are.
    pub client: Client,
}

/// Why the webhook does not run.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is nothing to serve with.
    #[error(transparent)]
    Upkeep(#[from] UpkeepError),
    /// The server does not run.
    #[error(transparent)]
    Server(#[from] server::Error),
}

/// Loads the certificate, serves, and once the catalog is complete, registers and keeps all of it good until the
/// shutdown. Where another replica leads, that one does so, and we follow.
///
/// # Errors
/// There is no certificate at the start, or the server stops by itself. Whatever fails later is tried again.
pub async fn run(settings: Settings, client: Client, context: Context, signals: Signals) -> Result<(), Error> {
    run_within(settings, client, context, signals, |reviews| reviews).await
}

/// Like [`run`], with something around the answering of reviews, such as what traces it.
///
/// # Errors
/// As [`run`].
pub async fn run_within(
    settings: Settings,
    client: Client,
    context: Context,
    signals: Signals,
    around: impl FnOnce(Router) -> Router,
) -> Result<(), Error> {
    let Signals { is_synced, selection, in_force, is_ready, lead, shutdown } = signals;
    let certificates = Arc::new(CertificateResolver::telling(context.metrics.certificate_expiry()));
    let upkeep = Upkeep {
        source: source(&settings, &client),
        certificates: Arc::clone(&certificates),
        now: context.now,
        catalog: Arc::clone(&context.catalog),
        registrar: Arc::clone(&context.registrar),
        selection,
        in_force,
        metrics: Arc::clone(&context.metrics),
        settings,
    };
    let loaded = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        loaded = upkeep.load_certificate() => loaded?,
    };
    let listener = server::listen(upkeep.settings.bind)?;
    // The port is not the one that was asked for where that is 0.
    info!(address = %listener.local_addr().unwrap_or(upkeep.settings.bind), "answering reviews");
    let (permissions, namespace) = (Arc::clone(&context.permissions), upkeep.settings.namespace.clone());
    let (listed, is_listed) = oneshot::channel();
    let (known, is_known) = oneshot::channel();
    let watch = permissions.watch(client.clone(), &namespace, listed);
    let ends = Ends { certificates, clients: upkeep.settings.clients.clone() };
    let serve = serve_when_known(
        is_known,
        server::serve(listener, around(server::router(context)), ends, shutdown.clone()),
        shutdown.clone(),
    );
    let keep = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = async {
                until_all_is_known(is_synced, is_listed).await;
                // Who serves has ended where nobody hears it.
                let _ = known.send(());
                upkeep.run(client, lead, loaded, Arc::clone(&is_ready)).await;
            } => {}
            () = watch => {}
        }
        is_ready.store(false, Ordering::Relaxed);
        Ok(())
    };
    tokio::try_join!(serve, keep)?;
    Ok(())
}

fn source(settings: &Settings, client: &Client) -> Source {
    let (client, namespace) = (client.clone(), &settings.namespace);
    match &settings.certificate_secret {
        Some(secret) => Source::Given(Reader::new(client, namespace, secret, settings.names())),
        None => Source::Own(Keeper::new(client, namespace, settings.names(), settings.lifetimes)),
    }
}

/// Serves once all is known. Who restarts in the place of one that was ready may be asked before anybody knows that it is not:
/// those who ask then wait for a moment, because what nobody knows yet would leave their Pods without sidecars.
async fn serve_when_known(
    is_known: oneshot::Receiver<()>,
    serve: impl Future<Output = Result<(), server::Error>>,
    shutdown: CancellationToken,
) -> Result<(), server::Error> {
    tokio::select! {
        () = shutdown.cancelled() => Ok(()),
        Ok(()) = is_known => serve.await,
    }
}

/// Waits until the catalog is complete and the white list is known: before that nobody must ask us.
async fn until_all_is_known(mut is_synced: watch::Receiver<bool>, is_listed: oneshot::Receiver<()>) {
    if is_synced.wait_for(|is_synced| *is_synced).await.is_err() || is_listed.await.is_err() {
        error!("left the webhooks unregistered: nobody fills the catalog any more");
        std::future::pending::<()>().await;
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lead").field("leads", &*self.leads.borrow()).finish_non_exhaustive()
    }
}
