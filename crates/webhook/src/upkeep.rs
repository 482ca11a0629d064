//! What has to stay true while we run: a certificate that is good, and a registration that says what we say.

mod additions;
mod changes;
mod contention;
mod rejections;
mod seen;
mod standby;

use crate::Lead;
use crate::certificate::{self, CertificateResolver, Credentials, Source};
use crate::metrics::Metrics;
use crate::proof::{Accepted, Proof, Proofs};
use crate::registration::{self, Identity, Registered, Registrar, SETTLE, Written};
use crate::settings::Settings;
use contention::Contention;
use futures::{FutureExt, StreamExt};
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Client;
use parking_lot::RwLock;
pub(crate) use rejections::Rejections;
use seen::Seen;
use sidecarset_api::markers::FIELD_MANAGER;
use sidecarset_core::catalog::Catalog;
use sidecarset_core::registration::{Coverage, RegisteredScopes, WebhookScope, WebhookScopes, register};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tracing::{debug, info, warn};

/// A change of ours is a change too, and two versions of the operator may disagree: nobody writes more often.
const PAUSE: Duration = Duration::from_secs(10);
/// How often we look without having been told of a change: a certificate ages in silence.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The API server may accept a request and never answer.
const DEADLINE: Duration = Duration::from_secs(30);
/// How often we look for a certificate that somebody else is to make.
const WAIT: Duration = Duration::from_secs(2);
/// Sets and namespaces often change together.
const COALESCE: Duration = Duration::from_millis(50);
/// How much time is between two writes that nobody waits for.
const PACE: Duration = Duration::from_millis(250);
/// How long we wait to see what is registered, before we register another proof.
const LISTING: Duration = Duration::from_secs(2);

/// Keeps the certificate and the registration good.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) settings: Settings,
    pub(crate) source: Source,
    pub(crate) certificates: Arc<CertificateResolver>,
    pub(crate) accepted: Arc<Accepted>,
    pub(crate) now: fn() -> Timestamp,
    pub(crate) catalog: Arc<RwLock<Catalog>>,
    pub(crate) registrar: Arc<Registrar>,
    pub(crate) selection: watch::Receiver<u64>,
    pub(crate) in_force: watch::Sender<RegisteredScopes>,
    pub(crate) rejections: Rejections,
    pub(crate) metrics: Arc<Metrics>,
}

/// What is to be registered.
#[derive(Debug)]
struct Wanted {
    configurations: registration::Configurations,
    // What becomes of each scope, and of the namespaces that are about to come to it.
    coverage: BTreeMap<WebhookScope, Coverage>,
    relabeled: BTreeMap<WebhookScope, BTreeSet<Arc<str>>>,
}

/// Why something is not as it has to be.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no certificate.
    #[error("failed to keep the certificate of the webhook")]
    Certificate(#[from] certificate::Error),
    /// The certificate cannot be served.
    #[error("the certificate of the webhook cannot be served")]
    Unusable(#[from] rustls::Error),
    /// Nobody could show us that it is an API server.
    #[error("the secret holds no proof of API servers")]
    NoProof,
    /// We are not registered.
    #[error("failed to keep the registration of the webhook")]
    Registration(#[from] registration::Error),
    /// The API server did not answer.
    #[error("the API server did not answer within {} s", DEADLINE.as_secs())]
    Deadline(#[from] tokio::time::error::Elapsed),
}

/// What was made sure of last.
#[derive(Debug)]
struct Kept {
    identity: Identity,
    written: Written,
    at: Instant,
    // When the certificate or a proof is renewed.
    renewal: Option<Instant>,
    // Until when it is left as others wrote it.
    contested: Option<Instant>,
}

impl Kept {
    /// Returns when something has to be done that nobody tells of.
    fn due(&self) -> Option<Instant> {
        self.renewal.into_iter().chain(self.contested).min()
    }
}

impl Upkeep {
    /// Serves a good certificate. Where somebody else makes it, we wait for it.
    pub(crate) async fn load_certificate(&self) -> Result<Credentials, Error> {
        loop {
            match self.try_to_load_certificate().await {
                Err(error) if self.source.is_given() => {
                    warn!(error = &error as &dyn StdError, "waiting for a certificate that can be served");
                    sleep(WAIT).await;
                }
                loaded => return loaded,
            }
        }
    }

    async fn try_to_load_certificate(&self) -> Result<Credentials, Error> {
        let credentials = timeout(DEADLINE, self.source.ensure((self.now)())).await??;
        self.certificates.put(credentials.material.certified_key()?);
        self.accepted.keep(credentials.proofs.iter());
        Ok(credentials)
    }

    /// Sees to both whenever something changes, for ever. Sets `is_ready` once both are as they should be. Only the leader
    /// writes; every other replica follows what it has written.
    pub(crate) async fn run(self, client: Client, lead: Lead, loaded: Credentials, is_ready: Arc<AtomicBool>) {
        let seen = Seen::default();
        let mut changes = changes::of(&client, &self.settings.namespace, &self.source.secrets());
        let watch = async {
            while let Some(change) = changes.next().await {
                seen.note(change);
                self.accepted.register(seen.proofs());
                self.registrar.others_arrive(seen.arriving(&self.settings.replica));
            }
        };
        tokio::join!(watch, self.take_turns((client, lead), loaded, &seen, &is_ready));
    }

    async fn take_turns(&self, (own, lead): (Client, Lead), loaded: Credentials, seen: &Seen, is_ready: &AtomicBool) {
        let Lead { mut leads, client } = lead;
        let mut loaded = Some(loaded);
        loop {
            let is_leader = *leads.borrow_and_update();
            let loaded = loaded.take();
            let turn = async {
                if is_leader {
                    // What is known from before is what others have registered.
                    let told = self.registrar.in_force();
                    tokio::join!(self.keep(&client, is_ready, seen), self.publish(told), self.tidy(&client, seen));
                } else {
                    self.stand_by(&own, loaded, (seen, is_ready)).await;
                }
            };
            tokio::select! {
                () = turn => {}
                changed = leads.changed() => if changed.is_err() { return std::future::pending().await },
            }
        }
    }

    async fn keep(&self, client: &Client, is_ready: &AtomicBool, seen: &Seen) {
        let (mut kept, mut contention) = (None, Contention::default());
        let mut selection = self.selection.clone();
        let mut changes = seen.watch();
        loop {
            changes.mark_unchanged();
            self.see_to_both(client, is_ready, (&mut kept, &mut contention, seen)).await;
            let due = kept.as_ref().and_then(Kept::due);
            let somebody_else = async {
                sleep(PAUSE).await;
                tokio::select! {
                    _ = changes.changed() => {}
                    () = sleep(INTERVAL) => {}
                }
            };
            tokio::select! {
                () = somebody_else => {}
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
                () = self.follow(client, &mut kept, &mut selection) => {}
            }
        }
    }

    async fn see_to_both(
        &self,
        client: &Client,
        is_ready: &AtomicBool,
        (kept, contention, seen): (&mut Option<Kept>, &mut Contention, &Seen),
    ) {
        self.see_what_others_did(kept, contention, seen);
        match self.assert(client, kept, seen).await {
            Ok(()) => {
                if !is_ready.swap(true, Ordering::Relaxed) {
                    info!("registered the webhooks");
                }
            }
            Err(error) => {
                self.metrics.failed(&error);
                warn!(error = &error as &dyn StdError, "failed to keep the webhooks registered");
                // It is tried again after a pause, whatever is due.
                if let Some(kept) = kept {
                    kept.renewal = None;
                }
                seen.touch();
            }
        }
    }

    /// Has what others overwrote written again, whole, if it is time for that.
    fn see_what_others_did(&self, kept: &mut Option<Kept>, contention: &mut Contention, seen: &Seen) {
        let Some(present) = kept else { return };
        let drift = seen.drift(&present.written);
        let is_overwritten = !drift.lost.is_empty();
        contention.report(drift, &self.metrics);
        present.contested = is_overwritten.then(|| contention.due(Instant::now()));
        if present.contested.is_some_and(|due| due <= Instant::now()) {
            contention.rewrite(Instant::now());
            *kept = None;
        }
    }

    async fn assert(&self, client: &Client, kept: &mut Option<Kept>, seen: &Seen) -> Result<(), Error> {
        let Credentials { material, proofs, next } = timeout(DEADLINE, self.source.ensure((self.now)())).await??;
        let certificate = material.certified_key()?;
        self.accepted.keep(proofs.iter());
        let trusted_before = kept.as_ref().map(|kept| kept.identity.authorities.clone());
        let identity = Identity {
            authorities: material.authorities().to_owned(),
            proof: self.proof(&proofs, seen).await?,
            owner: timeout(DEADLINE, self.owner(client)).await??,
        };
        // The API server has to trust a new authority before we show its certificate.
        self.register(client, kept, identity).await?;
        let (names, now) = (self.settings.names(), (self.now)());
        let is_trusted = |authorities: &String| material.is_trusted_with(authorities, &names, now);
        if !seen.added().values().flatten().map(registration::authorities_of).all(|it| is_trusted(&it)) {
            // What another replica has added is about to follow, or to be removed.
            debug!("keep the certificate of the webhook until every registration trusts the new one");
            return Ok(());
        }
        if trusted_before.is_some_and(|before| is_trusted(&before)) {
            self.certificates.put(certificate);
        } else {
            self.certificates.put_later(certificate, now);
        }
        if let Some(kept) = kept {
            kept.renewal = next.map(|at| until(at, now));
        }
        Ok(())
    }

    /// Returns the proof by which we are to be registered.
    async fn proof(&self, proofs: &Proofs, seen: &Seen) -> Result<Proof, Error> {
        let (terms, now) = (self.source.terms(), (self.now)());
        if proofs.spreads(terms, now) {
            // Others may know what is registered, and not yet what the Secret holds. Where nobody can say what is, it is nothing.
            let _ = timeout(LISTING, seen.until_listed()).await;
        }
        let present = seen.registered().map(|(_, identity)| identity.proof);
        proofs.registered(present.as_ref(), terms, now).cloned().ok_or(Error::NoProof)
    }

    async fn owner(&self, client: &Client) -> Result<Option<OwnerReference>, Error> {
        match &self.settings.owner {
            Some(role) => Ok(Some(registration::owner(client, role).await?)),
            None => Ok(None),
        }
    }

    /// Keeps the registration in step with the sets that there are, for ever, or until that fails.
    async fn follow(&self, client: &Client, kept: &mut Option<Kept>, selection: &mut watch::Receiver<u64>) {
        loop {
            let last = kept.as_ref().map(|kept| kept.at);
            self.until_others_are_selected(last, selection).await;
            let Some(identity) = kept.as_ref().map(|kept| kept.identity.clone()) else {
                // We are not registered at all yet, and try again before long.
                return std::future::pending().await;
            };
            if let Err(error) = self.register(client, kept, identity).await {
                self.metrics.failed(&error);
                warn!(error = &error as &dyn StdError, "failed to tell the API server which pods are selected");
                return;
            }
        }
    }

    async fn until_others_are_selected(&self, last: Option<Instant>, selection: &mut watch::Receiver<u64>) {
        let catalog = async {
            if selection.changed().await.is_err() {
                return std::future::pending().await;
            }
            let paced = last.map_or_else(Instant::now, |last| last + PACE);
            sleep_until(paced.max(Instant::now() + COALESCE)).await;
        };
        tokio::select! {
            () = catalog => {}
            // Somebody waits for this.
            () = self.registrar.has_pending() => {}
            () = self.registrar.pending_expires() => {}
            () = self.rejections.expire() => {}
        }
    }

    /// Writes the registration where it differs from what was written. What the API server rejects is left out.
    async fn register(&self, client: &Client, kept: &mut Option<Kept>, identity: Identity) -> Result<(), Error> {
        match self.try_to_register(client, kept, &identity).await {
            Err(Error::Registration(error)) if error.is_rejection() => {
                self.find_rejected(client, &identity, error).await?;
                self.try_to_register(client, kept, &identity).await
            }
            registered => registered,
        }
    }

    async fn try_to_register(
        &self,
        client: &Client,
        kept: &mut Option<Kept>,
        identity: &Identity,
    ) -> Result<(), Error> {
        let Wanted { configurations, coverage, relabeled } = self.wanted(identity);
        let before = kept.as_ref().map(|kept| &kept.written);
        let mut at = kept.as_ref().map_or_else(Instant::now, |kept| kept.at);
        if before.is_none_or(|before| before.configurations != configurations) {
            self.metrics.registers();
            debug!(scopes = coverage.len(), "tell the API server which pods are selected");
            at = Instant::now();
        }
        let written = timeout(DEADLINE, registration::apply(client, configurations, before));
        let written = written.await.unwrap_or(Err(registration::Error::Deadline))?;
        let (renewal, contested) = kept.as_ref().map(|kept| (kept.renewal, kept.contested)).unwrap_or_default();
        self.metrics.registered(&self.catalog.read(), &coverage, written.is_narrow);
        *kept = Some(Kept { identity: identity.clone(), written, at, renewal, contested });
        self.registrar.told(coverage, &relabeled);
        Ok(())
    }

    /// Finds out which scopes the API server does not take.
    async fn find_rejected(
        &self,
        client: &Client,
        identity: &Identity,
        error: registration::Error,
    ) -> Result<(), Error> {
        warn!(error = &error as &dyn StdError, "look for the sets that the API server rejects");
        let scopes = self.rejections.exclude(self.registrar.wanted(&self.catalog.read()));
        let attempt = |part: WebhookScopes| {
            let configurations = {
                let catalog = self.catalog.read();
                let registration = register(&part, catalog.surroundings(self.settings.failure_policy));
                registration::configurations(&self.settings, identity, &registration)
            };
            async move { registration::attempt(client, &configurations.mutating, FIELD_MANAGER).await }.boxed()
        };
        let is_known = |scope: &_| self.registrar.is_registered(scope);
        self.rejections.find(&scopes, is_known, attempt).await.map_err(Error::from)
    }

    fn wanted(&self, identity: &Identity) -> Wanted {
        let catalog = self.catalog.read();
        let all = self.registrar.wanted(&catalog);
        let scopes = self.rejections.exclude(all.clone());
        let registration = register(&scopes, catalog.surroundings(self.settings.failure_policy));
        let configurations = registration::configurations(&self.settings, identity, &registration);
        let mut coverage = registration.coverage(&scopes);
        self.rejections.note(&all, &mut coverage);
        Wanted {
            configurations: configurations.announcing(&self.settings.replica, &self.registrar.arriving()),
            coverage,
            relabeled: scopes.relabeled,
        }
    }

    /// Tells others what is in force, once the API servers have had the time to learn of it.
    async fn publish(&self, mut told: watch::Receiver<Option<Registered>>) {
        while told.changed().await.is_ok() {
            let Some(coverage) = told.borrow_and_update().as_ref().map(Registered::coverage) else { continue };
            sleep(SETTLE).await;
            self.in_force.send_replace(RegisteredScopes::new(coverage));
        }
    }
}

/// Returns the moment at which the wall clock shows a time, as far as it is known now: in some moments, so that what is not done
/// then is not tried without end, and before long, because that clock may be set.
fn until(at: Timestamp, now: Timestamp) -> Instant {
    let left = Duration::try_from(at.duration_since(now)).unwrap_or_default();
    Instant::now() + left.clamp(Duration::from_millis(200), INTERVAL)
}
