//! `sidecarset operator`

mod arguments;
mod ending;
mod identity;

pub use arguments::Arguments;

use crate::health::{self, Readiness};
use crate::metrics;
#[cfg(feature = "otel")]
use crate::traces::around;
use anyhow::Context as _;
use ending::{Ending, Parts};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use parking_lot::RwLock;
use sidecarset_controller::Links;
use sidecarset_controller::leader::{self, Candidacy, Leadership};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::lease::Loss;
use sidecarset_core::registration::{InForce, SYSTEM_NAMESPACE};
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::{Context, Lead, LiveNamespaces, Permissions, Signals};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::watch;
use tracing::info;

/// How long an answer of the API server may take to begin. Watches are quiet for longer: the API server ends them
/// after 290 seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(330);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// What the parts of the operator share, and how they are linked.
struct Wiring {
    context: Context,
    signals: Signals,
    links: Links,
    is_synced: watch::Receiver<bool>,
    readiness: Readiness,
}

/// Runs until SIGTERM or SIGINT, or until a part of it ends, which then ends all: half an operator would look like a whole
/// one.
pub async fn run(arguments: Arguments) -> anyhow::Result<()> {
    let identity = identity::of_this_process();
    let (webhook, candidacy) = (arguments.webhook(&identity::short(&identity))?, arguments.candidacy(identity)?);
    let ending = Ending::on_signal()?;
    let client = connect(&arguments).await?;
    let leadership = if candidacy.is_some() { Leadership::none() } else { Leadership::sole() };
    let Wiring { context, signals, links, is_synced, readiness } = wire(&arguments, &client, &leadership, &ending);
    info!(version = env!("CARGO_PKG_VERSION"), namespace = arguments.namespace, "started the operator");
    let (catalog, is_over) = (Arc::clone(&context.catalog), ending.is_over.clone());
    let registry = metrics::registry(&context.metrics, &links.metrics, (readiness.clone(), leadership.clone()));
    let health = health::serve(arguments.health_bind, readiness.clone(), registry, is_over.clone());
    let webhook = sidecarset_webhook::run_within(webhook, client.clone(), context, signals, around);
    let controller = sidecarset_controller::run(client.clone(), catalog, arguments.controller(), links, is_over);
    let lead = lead(client, candidacy, leadership.clone(), is_synced);
    let parts = Parts {
        webhook: async { webhook.await.context("the webhook stopped") },
        lead: async { lead.await.context("this replica stopped leading") },
        controller: async { controller.await.context("the controller stopped") },
        health: async { health.await.context("the health server stopped") },
    };
    ending.run(parts, &leadership, (arguments.drain_delay, &readiness)).await?;
    info!("stopped the operator");
    Ok(())
}

fn wire(arguments: &Arguments, client: &Client, leadership: &Leadership, ending: &Ending) -> Wiring {
    let reserved = [SYSTEM_NAMESPACE, &arguments.namespace];
    let catalog = Arc::new(RwLock::new(Catalog::reserving(reserved)));
    let (synced, is_synced) = watch::channel(false);
    let (selects, selection) = watch::channel(0);
    let (tells, in_force) = watch::channel(InForce::default());
    let (tells_events, events) = sidecarset_controller::event_queue();
    let is_registered = Arc::new(AtomicBool::new(false));
    let metrics = Arc::<sidecarset_webhook::Metrics>::default();
    Wiring {
        readiness: Readiness {
            is_synced: is_synced.clone(),
            webhook: Arc::clone(&metrics),
            is_ready: Arc::clone(&is_registered),
            ends: ending.begins.clone(),
        },
        is_synced: is_synced.clone(),
        context: Context {
            catalog,
            namespaces: Arc::new(LiveNamespaces::new(client.clone())),
            permissions: Arc::new(Permissions::new(arguments.without_rule())),
            registrar: Arc::new(Registrar::new(selection.clone())),
            events: tells_events.clone(),
            metrics,
            now: jiff::Timestamp::now,
        },
        signals: Signals {
            is_synced,
            selection,
            in_force: tells,
            is_ready: is_registered,
            lead: Lead { leads: leadership.watch(), client: leadership.guard(client) },
            shutdown: ending.closes.clone(),
        },
        links: Links {
            synced,
            selection: selects,
            in_force,
            events: (tells_events, events),
            metrics: Arc::default(),
            leadership: leadership.clone(),
        },
    }
}

/// Where nothing is traced, nothing is around reviews.
#[cfg(not(feature = "otel"))]
fn around(reviews: axum::Router) -> axum::Router {
    reviews
}

/// Leads whenever it can, once everything is known that whoever leads has to know.
async fn lead(
    client: Client,
    candidacy: Option<Candidacy>,
    leadership: Leadership,
    mut is_synced: watch::Receiver<bool>,
) -> Result<(), Loss> {
    tokio::select! {
        () = leadership.until_retired() => return Ok(()),
        _ = is_synced.wait_for(|is_synced| *is_synced) => {}
    }
    match candidacy {
        Some(candidacy) => leader::campaign(client, candidacy, leadership).await,
        None => {
            leadership.until_retired().await;
            Ok(())
        }
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
