//! Answers the API server's admission reviews from memory: what a new Pod gets, what is filled in for a SidecarSet,
//! and which SidecarSet is refused. Makes its own certificate and registers itself.

pub mod certificate;
mod confirmation;
mod context;
mod freshness;
pub mod metrics;
mod namespace;
mod pod;
mod pods;
pub mod proof;
pub mod registration;
mod relabeling;
pub mod review;
pub mod server;
pub mod settings;
mod shared_read;
mod sidecarset;
mod upkeep;

pub use confirmation::{Confirmation, LiveSets, SetSource};
pub use context::Context;
pub use freshness::Freshness;
pub use metrics::Metrics;
pub use namespace::{Error as NamespaceError, LiveNamespaces, NamespaceSource};
pub use pods::PodSource;
pub use settings::Settings;
pub use upkeep::Error as UpkeepError;

use crate::certificate::{CertificateResolver, CertificateSecret, Reader, Source};
use crate::server::{Callers, Ends, Limits, ReadTokensError, Tokens};
use crate::upkeep::{Rejections, Upkeep};
use axum::Router;
use kube::Client;
use sidecarset_core::registration::RegisteredScopes;
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
    pub in_force: watch::Sender<RegisteredScopes>,
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
    /// There are no tokens by which API servers could be known.
    #[error(transparent)]
    Tokens(#[from] ReadTokensError),
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
    let callers = callers(&settings)?;
    let ends = ends(&settings, &callers, &context);
    let upkeep = Upkeep {
        source: source(&settings, &client),
        certificates: Arc::clone(&ends.certificates),
        accepted: Arc::clone(&callers.proofs),
        now: context.now,
        catalog: Arc::clone(&context.catalog),
        registrar: Arc::clone(&context.registrar),
        selection,
        in_force,
        rejections: Rejections::default(),
        metrics: Arc::clone(&context.metrics),
        settings,
    };
    let loaded = tokio::select! {
        () = shutdown.cancelled() => return Ok(()),
        loaded = upkeep.load_certificate() => loaded?,
    };
    let listener = server::listen(upkeep.settings.bind).map_err(server::Error::from)?;
    // The port is not the one that was asked for where that is 0.
    info!(address = %listener.local_addr().unwrap_or(upkeep.settings.bind), "answering reviews");
    let (known, is_known) = oneshot::channel();
    let serve = serve_when_known(
        is_known,
        server::serve(listener, around(server::router(context)), ends, shutdown.clone()),
        shutdown.clone(),
    );
    let keep = async move {
        tokio::select! {
            () = shutdown.cancelled() => {}
            () = async {
                until_all_is_known(is_synced).await;
                // Who serves has ended where nobody hears it.
                let _ = known.send(());
                upkeep.run(client, lead, loaded, Arc::clone(&is_ready)).await;
            } => {}
            () = follow(callers.tokens.as_deref()) => {}
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
        Some(secret) => {
            let reader = Reader::new(client.clone(), namespace, secret, settings.names());
            Source::given(reader, CertificateSecret::of_proofs(client, namespace, settings.proof_terms))
        }
        None => {
            let certificate = (settings.names(), settings.lifetimes);
            Source::own(CertificateSecret::new(client, namespace, certificate, settings.proof_terms))
        }
    }
}

/// Returns who may ask. Nobody knows the path yet.
fn callers(settings: &Settings) -> Result<Callers, ReadTokensError> {
    let tokens = settings.token_file.as_ref().map(Tokens::read).transpose()?.map(Arc::new);
    Ok(Callers { proofs: Arc::default(), certificates: settings.clients.clone(), tokens })
}

fn ends(settings: &Settings, callers: &Callers, context: &Context) -> Ends {
    Ends {
        certificates: Arc::new(CertificateResolver::telling(context.metrics.certificate_expiry())),
        callers: Some(callers.clone()),
        limits: Limits { connections: settings.connections, ..Limits::REVIEWS },
        metrics: Arc::clone(&context.metrics),
    }
}

async fn follow(tokens: Option<&Tokens>) {
    match tokens {
        Some(tokens) => tokens.watch().await,
        None => std::future::pending().await,
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

/// Waits until the catalog is complete: before that nobody must ask us.
async fn until_all_is_known(mut is_synced: watch::Receiver<bool>) {
    if is_synced.wait_for(|is_synced| *is_synced).await.is_err() {
        error!("left the webhooks unregistered: nobody fills the catalog any more");
        std::future::pending::<()>().await;
    }
}

impl fmt::Debug for Lead {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lead").field("leads", &*self.leads.borrow()).finish_non_exhaustive()
    }
}
