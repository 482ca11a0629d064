//! `sidecarset operator`

use crate::health::{self, Readiness};
use crate::logging::LogFormat;
use crate::metrics;
#[cfg(feature = "otel")]
use crate::traces::around;
use anyhow::Context as _;
use clap::Args;
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use parking_lot::RwLock;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::{InForce, SYSTEM_NAMESPACE};
use sidecarset_core::validation::WithoutRule;
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::server::Clients;
use sidecarset_webhook::settings::{BaseUrl, Endpoint, FailurePolicy};
use sidecarset_webhook::{Context, LiveNamespaces, Permissions, Signals};
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How the operator runs.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The kubeconfig of the cluster; without it, the ServiceAccount of the Pod it runs in, or $KUBECONFIG
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,

    /// The context of the kubeconfig
    #[arg(long, value_name = "NAME", requires = "kubeconfig")]
    context: Option<String>,

    /// The operator's own namespace: it holds the certificate and the revisions, and its Pods are never injected
    #[arg(long, env = "POD_NAMESPACE", default_value = "sidecarset-system", value_name = "NAME")]
    namespace: String,

    /// The Service through which the API server reaches the webhook
    #[arg(long, default_value = "sidecarset-webhook", value_name = "NAME", conflicts_with = "webhook_url")]
    webhook_service: String,

    /// The URL at which the API server reaches the webhook when it runs outside of the cluster
    #[arg(long, value_name = "https://HOST[:PORT]")]
    webhook_url: Option<BaseUrl>,

    /// Where the webhook listens
    #[arg(long, default_value = "0.0.0.0:9443", value_name = "ADDRESS:PORT")]
    webhook_bind: SocketAddr,

    /// The Secret of the operator's namespace in which somebody else, such as cert-manager, keeps the certificate of the
    /// webhook as ca.crt, tls.crt and tls.key; without it, the operator makes one itself
    #[arg(long, value_name = "NAME")]
    certificate_secret: Option<String>,

    /// The authorities of client certificates, as a PEM file that is read once: nobody is answered who does not show a
    /// certificate of one of them. Without it, everybody is
    #[arg(long, value_name = "FILE")]
    client_ca_file: Option<PathBuf>,

    /// A common name that a client's certificate may have; may be given several times. Without it, every one may
    #[arg(long = "client-name", value_name = "NAME", requires = "client_ca_file")]
    client_names: Vec<String>,

    /// Where /healthz, /readyz, /version and /metrics are answered
    #[arg(long, default_value = "0.0.0.0:8081", value_name = "ADDRESS:PORT")]
    health_bind: SocketAddr,

    /// What the API server does with a Pod about which it cannot ask, where no SidecarSet says otherwise: Fail or
    /// Ignore
    #[arg(long, default_value_t = FailurePolicy::Fail, value_name = "POLICY")]
    failure_policy: FailurePolicy,

    /// The ClusterRole that the webhook configurations belong to: they are deleted when it is. Without it, they stay
    /// until somebody deletes them
    #[arg(long, value_name = "NAME")]
    owner_cluster_role: Option<String>,

    /// Allow spec.patchPodMetadata where the white list has no rule for a SidecarSet; without this, it is refused
    #[arg(long)]
    allow_pod_metadata_patches: bool,

    /// How many writes to the cluster may be under way at once
    #[arg(long, default_value = "16", value_name = "WRITES")]
    concurrency: NonZeroUsize,

    /// How many SidecarSets are looked at at once
    #[arg(long, default_value = "4", value_name = "SETS")]
    workers: NonZeroUsize,

    /// The form of log lines; $RUST_LOG chooses which
    #[arg(long, value_enum, default_value = "text", value_name = "FORM")]
    pub log_format: LogFormat,
}

/// How long an answer of the API server may take to begin. Watches are quiet for longer: the API server ends them
/// after 290 seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(330);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Runs until SIGTERM or SIGINT.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let webhook = arguments.webhook()?;
    let shutdown = shutdown_on_signal()?;
    let client = connect(&arguments).await?;
    let reserved = [SYSTEM_NAMESPACE, &arguments.namespace];
    let catalog = Arc::new(RwLock::new(Catalog::reserving(reserved)));
    let (synced, is_synced) = watch::channel(false);
    let (selects, selection) = watch::channel(0);
    let (tells, in_force) = watch::channel(InForce::default());
    let (tells_events, events) = sidecarset_controller::event_queue();
    let is_ready = Arc::new(AtomicBool::new(false));
    let context = Context {
        catalog: Arc::clone(&catalog),
        namespaces: Arc::new(LiveNamespaces::new(client.clone())),
        permissions: Arc::new(Permissions::new(arguments.without_rule())),
        registrar: Arc::new(Registrar::new(selection.clone())),
        events: tells_events.clone(),
        metrics: Arc::default(),
        now: jiff::Timestamp::now,
    };
    let readiness = Readiness {
        is_synced: is_synced.clone(),
        webhook: Arc::clone(&context.metrics),
        is_ready: Arc::clone(&is_ready),
    };
    let signals =
        Signals { is_synced, selection, in_force: tells, is_ready: Arc::clone(&is_ready), shutdown: shutdown.clone() };
    let counted = Arc::new(sidecarset_controller::Metrics::default());
    let registry = metrics::registry(&context.metrics, &counted, is_ready);
    let links = sidecarset_controller::Links {
        synced,
        selection: selects,
        in_force,
        events: (tells_events, events),
        metrics: counted,
    };
    info!(version = env!("CARGO_PKG_VERSION"), namespace = arguments.namespace, "started the operator");
    let health = health::serve(arguments.health_bind, readiness, registry, shutdown.clone());
    let webhook = sidecarset_webhook::run_within(webhook, client.clone(), context, signals, around);
    let controller = sidecarset_controller::run(client, catalog, arguments.controller(), links, shutdown.clone());
    // Whatever ends first ends all: half an operator would look like a whole one.
    let stop = shutdown.drop_guard();
    tokio::try_join!(
        async { health.await.context("the health server stopped") },
        async { webhook.await.context("the webhook stopped") },
        async { controller.await.context("the controller stopped") },
    )?;
    drop(stop);
    info!("stopped the operator");
    Ok(())
}

/// Where nothing is traced, nothing is around reviews.
#[cfg(not(feature = "otel"))]
fn around(reviews: axum::Router) -> axum::Router {
    reviews
}

impl Arguments {
    fn without_rule(&self) -> WithoutRule {
        if self.allow_pod_metadata_patches { WithoutRule::Allow } else { WithoutRule::Refuse }
    }

    fn controller(&self) -> sidecarset_controller::Settings {
        sidecarset_controller::Settings {
            namespace: self.namespace.clone(),
            workers: self.workers,
            concurrency: self.concurrency,
            clock: jiff::Timestamp::now,
        }
    }

    fn webhook(&self) -> anyhow::Result<sidecarset_webhook::Settings> {
        let endpoint = match &self.webhook_url {
            Some(url) => Endpoint::Url(url.clone()),
            None => Endpoint::Service { name: self.webhook_service.clone() },
        };
        Ok(sidecarset_webhook::Settings {
            bind: self.webhook_bind,
            namespace: self.namespace.clone(),
            endpoint,
            certificate_secret: self.certificate_secret.clone(),
            failure_policy: self.failure_policy,
            owner: self.owner_cluster_role.clone(),
            clients: self.clients()?,
        })
    }

    fn clients(&self) -> anyhow::Result<Option<Clients>> {
        let Some(path) = &self.client_ca_file else { return Ok(None) };
        let text = std::fs::read(path).with_context(|| format!("failed to read {}", path.display()))?;
        let clients = Clients::parse(&text, self.client_names.iter().cloned());
        Ok(Some(clients.with_context(|| format!("failed to use {}", path.display()))?))
    }
}

async fn connect(arguments: &Arguments) -> anyhow::Result<Client> {
    let mut config = match &arguments.kubeconfig {
        None => kube::Config::infer().await.context("found neither a kubeconfig nor a ServiceAccount")?,
        Some(path) => {
            let options = KubeConfigOptions { context: arguments.context.clone(), ..KubeConfigOptions::default() };
            let file = Kubeconfig::read_from(path).with_context(|| format!("failed to read {}", path.display()))?;
            kube::Config::from_custom_kubeconfig(file, &options)
                .await
                .with_context(|| format!("failed to use {}", path.display()))?
        }
    };
    config.connect_timeout = Some(CONNECT_TIMEOUT);
    config.read_timeout = Some(READ_TIMEOUT);
    Client::try_from(config).context("failed to set up the client")
}

fn shutdown_on_signal() -> anyhow::Result<CancellationToken> {
    let shutdown = CancellationToken::new();
    let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
    let token = shutdown.clone();
    tokio::spawn(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        info!("stopping");
        token.cancel();
    });
    Ok(shutdown)
}
