//! What a replica does that does not lead: it serves what the leader has registered. Only the sets about which it is asked
//! itself it registers too, beside what the leader has written: nobody else could in time.

use super::{DEADLINE, Error, INTERVAL, PACE, PAUSE, Seen, Upkeep};
use crate::certificate::{Credentials, Material};
use crate::registration::{self, Arriving, Identity};
use futures::FutureExt;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhookConfiguration;
use kube::Client;
use sidecarset_core::registration::{Coverage, WebhookScope, WebhookScopes, register};
use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout};
use tracing::{debug, info, warn};

/// What is known while another replica leads.
#[derive(Debug)]
struct Followed {
    /// The newest certificate, once we have looked.
    newest: Option<Material>,
    next_look: Instant,
    added: Option<Added>,
}

/// What this replica has added to the registration.
#[derive(Debug, Clone, PartialEq)]
struct Added {
    sets: BTreeSet<Arriving>,
    relabeled: BTreeMap<WebhookScope, BTreeSet<Arc<str>>>,
    /// As whom we were registered then.
    identity: Identity,
}

impl Added {
    fn is_empty(&self) -> bool {
        self.sets.is_empty() && self.relabeled.is_empty()
    }

    /// Says whether nothing has to be added to it.
    fn covers(&self, other: &Self) -> bool {
        let has_namespaces = other.relabeled.iter().all(|(scope, namespaces)| {
            self.relabeled.get(scope).is_some_and(|present| present.is_superset(namespaces))
        });
        self.identity == other.identity && self.sets.is_superset(&other.sets) && has_namespaces
    }
}

impl Upkeep {
    /// Serves the newest certificate that the API server trusts, for ever. Sets `is_ready` once it is asked by that.
    pub(super) async fn stand_by(
        &self,
        client: &Client,
        newest: Option<Credentials>,
        (seen, is_ready): (&Seen, &AtomicBool),
    ) {
        self.metrics.stands_by();
        let pause = if newest.is_some() { INTERVAL } else { Duration::ZERO };
        let newest = newest.map(|credentials| credentials.material);
        let mut followed = Followed { newest, next_look: Instant::now() + pause, added: None };
        let (mut changes, mut selection) = (seen.watch(), self.selection.clone());
        loop {
            changes.mark_unchanged();
            selection.mark_unchanged();
            let mut again = followed.next_look;
            if let Err(error) = self.follow_leader(client, &mut followed, (seen, is_ready)).await {
                self.metrics.failed(&error);
                warn!(error = &error as &dyn StdError, "failed to follow the replica that leads");
                again = again.min(Instant::now() + PACE);
            }
            tokio::select! {
                _ = changes.changed() => {}
                _ = selection.changed() => {}
                () = self.registrar.has_pending() => {}
                () = sleep_until(again.min(followed.next_look)) => {}
            }
        }
    }

    async fn follow_leader(
        &self,
        client: &Client,
        followed: &mut Followed,
        (seen, is_ready): (&Seen, &AtomicBool),
    ) -> Result<(), Error> {
        self.see_to_additions(client, followed, seen).await?;
        if seen.take_new_secret() || Instant::now() >= followed.next_look {
            followed.next_look = Instant::now() + PAUSE;
            let Credentials { material, proofs, .. } = timeout(DEADLINE, self.source.follow((self.now)())).await??;
            self.accepted.keep(proofs.iter());
            followed.newest = Some(material);
            followed.next_look = Instant::now() + INTERVAL;
        }
        match &followed.newest {
            Some(newest) => self.serve_if_trusted(newest, seen, is_ready),
            None => Ok(()),
        }
    }

    /// The API server has to trust an authority before it is shown a certificate of it.
    fn serve_if_trusted(&self, newest: &Material, seen: &Seen, is_ready: &AtomicBool) -> Result<(), Error> {
        let registered = seen.authorities();
        let (names, now) = (self.settings.names(), (self.now)());
        let is_trusted = |authorities: &String| newest.is_trusted_with(authorities, &names, now);
        if registered.is_empty() || !registered.iter().all(is_trusted) {
            return Ok(());
        }
        // Other API servers may learn of it a little later.
        self.certificates.put_later(newest.certified_key()?, now);
        if !is_ready.swap(true, Ordering::Relaxed) {
            info!("another replica has registered the webhooks");
        }
        Ok(())
    }

    /// Adds the sets about which this replica is asked to the registration, and says so to whoever waits for that.
    async fn see_to_additions(&self, client: &Client, followed: &mut Followed, seen: &Seen) -> Result<(), Error> {
        let Some((uid, identity)) = seen.registered() else { return Ok(()) };
        let all = self.registrar.pending();
        let pending = self.rejections.exclude(all.clone());
        let wanted = Added { sets: self.registrar.arriving(), relabeled: pending.relabeled.clone(), identity };
        let mut coverage = BTreeMap::new();
        if !wanted.is_empty() {
            let (addition, pending_coverage) = self.addition((&uid, &wanted), &pending);
            coverage.extend(pending_coverage);
            if !followed.added.as_ref().is_some_and(|added| added.covers(&wanted)) {
                debug!(sets = wanted.sets.len(), "tell the API server which pods new sets select");
                self.metrics.registers();
                let written = timeout(DEADLINE, registration::add(client, &self.settings.replica, &addition));
                if let Err(error) = written.await.unwrap_or(Err(registration::Error::Deadline)) {
                    return self.find_rejected_addition(client, (&uid, &wanted), error).await;
                }
            }
        }
        let of_leader = self.catalog.read().scopes().map(|scope| (scope, Coverage::Exact)).collect::<Vec<_>>();
        coverage.extend(of_leader);
        self.rejections.note(&all, &mut coverage);
        self.registrar.told(coverage, &wanted.relabeled);
        followed.added = Some(wanted).filter(|added| !added.is_empty());
        Ok(())
    }

    /// Returns what is added for these sets, and what becomes of each scope.
    fn addition(
        &self,
        (uid, added): (&str, &Added),
        pending: &WebhookScopes,
    ) -> (MutatingWebhookConfiguration, BTreeMap<WebhookScope, Coverage>) {
        let catalog = self.catalog.read();
        let registration = register(pending, catalog.surroundings(self.settings.failure_policy));
        let addition = registration::addition(&self.settings, (uid, &added.identity), &registration, &added.sets);
        (addition, registration.coverage(pending))
    }

    /// Finds out which sets the API server does not take. Those that it takes are added with the next try, which is soon.
    async fn find_rejected_addition(
        &self,
        client: &Client,
        added: (&str, &Added),
        error: registration::Error,
    ) -> Result<(), Error> {
        if error.is_rejection() {
            let manager = registration::manager(&self.settings.replica);
            let attempt = |part: WebhookScopes| {
                let (addition, _) = self.addition(added, &part);
                let manager = &manager;
                async move { registration::attempt(client, &addition, manager).await }.boxed()
            };
            let pending = self.rejections.exclude(self.registrar.pending());
            self.rejections.find(&pending, |_| false, attempt).await?;
        }
        Err(error.into())
    }
}
