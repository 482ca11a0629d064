//! `sidecarset operator`

mod arguments;
mod ending;
mod identity;
mod pods;

pub use arguments::Arguments;

use crate::health::{self, Readiness};
use crate::metrics;
#[cfg(feature = "otel")]
use crate::traces::around;
use anyhow::Context as _;
use ending::{Ending, Parts};
use kube::Client;
use kube::config::{KubeConfigOptions, Kubeconfig};
use leader_lease::{Election, Leadership, Loss};
use parking_lot::RwLock;
use pods::Pods;
use sidecarset_controller::{Contact, KnownPods, Links};
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::{RegisteredScopes, SYSTEM_NAMESPACE};
use sidecarset_core::validation::{Permissions, Whitelist};
use sidecarset_webhook::registration::Registrar;
use sidecarset_webhook::{Confirmation, Context, Freshness, Lead, LiveNamespaces, LiveSets, Signals};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;
use tokio::sync::watch;
use tracing::{info, warn};

/// How long an answer of the API server may take to begin. Watches are quiet for longer: the API server ends them
/// after 290 seconds.
const READ_TIMEOUT: Duration = Duration::from_secs(330);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Where applications are of whoever names no namespace, and where nobody wants an operator.
const NAMESPACE_OF_APPLICATIONS: &str = "default";

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
    let (webhook, election) = (arguments.webhook(&identity::short(&identity))?, arguments.election(identity)?);
    let ending = Ending::on_signal()?;
    let contact = Contact::default();
    let client = contact.listen(&connect(&arguments).await?);
    let leadership = if election.is_some() { Leadership::none() } else { Leadership::sole() };
    let Wiring { context, signals, links, is_synced, readiness } =
        wire(&arguments, &client, (&leadership, &contact), &ending)?;
    info!(version = env!("CARGO_PKG_VERSION"), namespace = arguments.namespace, "started the operator");
    if arguments.namespace == NAMESPACE_OF_APPLICATIONS {
        warn!(namespace = arguments.namespace, "pods of the operator's own namespace never get sidecars");
    }
    let (catalog, is_over) = (Arc::clone(&context.catalog), ending.is_over.clone());
    let registry = metrics::registry(&context.metrics, &links.metrics, (readiness.clone(), leadership.clone()));
    let health = health::serve(arguments.health_bind, readiness.clone(), registry, is_over.clone());
    let webhook = sidecarset_webhook::run_within(webhook, client.clone(), context, signals, around);
    let controller = sidecarset_controller::run(client.clone(), catalog, arguments.controller(), links, is_over);
    let lead = {
        let (client, namespace) = (client.clone(), arguments.namespace.clone());
        let lead = lead(client.clone(), election, leadership.clone(), is_synced);
        async move {
            tokio::select! {
                lead = lead => lead,
                () = contact.keep(&client, &namespace) => Ok(()),
            }
        }
    };
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

fn wire(
    arguments: &Arguments,
    client: &Client,
    (leadership, contact): (&Leadership, &Contact),
    ending: &Ending,
) -> anyhow::Result<Wiring> {
    let catalog = Arc::new(RwLock::new(catalog(arguments)));
    let (synced, is_synced) = watch::channel(false);
    let (selects, selection) = watch::channel(0);
    let (tells, in_force) = watch::channel(RegisteredScopes::default());
    let (tells_events, events) = sidecarset_controller::event_queue();
    let pods = KnownPods::default();
    let is_registered = Arc::new(AtomicBool::new(false));
    let metrics = Arc::<sidecarset_webhook::Metrics>::default();
    let budget = Arc::new(arguments.budget(metrics.review_bytes())?);
    Ok(Wiring {
        readiness: Readiness {
            is_synced: is_synced.clone(),
            webhook: Arc::clone(&metrics),
            contact: contact.clone(),
            is_ready: Arc::clone(&is_registered),
            ends: ending.begins.clone(),
        },
        is_synced: is_synced.clone(),
        context: Context {
            catalog: Arc::clone(&catalog),
            namespaces: Arc::new(LiveNamespaces::new(client.clone())),
            confirmation: Arc::new(Confirmation::new(Arc::new(LiveSets::new(client.clone())))),
            pods: Arc::new(Pods { known: pods.clone(), catalog }),
            registrar: Arc::new(Registrar::new(selection.clone())),
            failure_policy: arguments.failure_policy,
            events: tells_events.clone(),
            freshness: freshness(contact),
            budget,
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
            pods,
            in_force,
            events: (tells_events, events),
            metrics: Arc::default(),
            contact: contact.clone(),
            leadership: leadership.clone(),
        },
    })
}

/// Returns what is known before anything was read.
fn catalog(arguments: &Arguments) -> Catalog {
    let mut catalog = Catalog::reserving([SYSTEM_NAMESPACE]).without_operator(&arguments.namespace);
    // Before the white list is known, nothing is said of any set.
    catalog.permit(Permissions::new(Whitelist::default(), arguments.without_rule()));
    catalog
}

fn freshness(contact: &Contact) -> Freshness {
    let contact = contact.clone();
    Freshness::new(move || contact.is_current())
}

/// Where nothing is traced, nothing is around reviews.
#[cfg(not(feature = "otel"))]
fn around(reviews: axum::Router) -> axum::Router {
    reviews
}

/// Leads whenever it can, once everything is known that whoever leads has to know.
async fn lead(
    client: Client,
    election: Option<Election>,
    leadership: Leadership,
    mut is_synced: watch::Receiver<bool>,
) -> Result<(), Loss> {
    tokio::select! {
        () = leadership.until_retired() => return Ok(()),
        _ = is_synced.wait_for(|is_synced| *is_synced) => {}
    }
    match election {
        Some(election) => leader_lease::campaign(client, election, leadership).await,
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
