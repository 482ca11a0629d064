//! What a replica does that does not lead: it serves what the leader has registered. Only the sets about which it is asked
//! itself it registers too, beside what the leader has written: nobody else could in time.

use super::{DEADLINE, Error, INTERVAL, PACE, PAUSE, Seen, Upkeep};
use crate::certificate::Material;
use crate::registration::{self, Arriving};
use kube::Client;
use sidecarset_core::registration::register;
use std::collections::BTreeSet;
use std::error::Error as StdError;
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
    /// The authorities that were registered then.
    authorities: String,
}

impl Upkeep {
    /// Serves the newest certificate that the API server trusts, for ever. Sets `is_ready` once it is asked by that.
    pub(super) async fn stand_by(
        &self,
        client: &Client,
        newest: Option<Material>,
        (seen, is_ready): (&Seen, &AtomicBool),
    ) {
        let pause = if newest.is_some() { INTERVAL } else { Duration::ZERO };
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
                () = self.registrar.has_candidate() => {}
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
            followed.newest = Some(timeout(DEADLINE, self.source.follow((self.now)())).await??);
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
        let Some((uid, authorities)) = seen.registered() else { return Ok(()) };
        let wanted = Added { sets: self.registrar.arriving(), authorities };
        let is_added = |added: &Added| added.authorities == wanted.authorities && added.sets.is_superset(&wanted.sets);
        if !wanted.sets.is_empty() && !followed.added.as_ref().is_some_and(is_added) {
            let addition = {
                let catalog = self.catalog.read();
                let interests = wanted.sets.iter().map(|arriving| &arriving.interest);
                let registration = register(interests, catalog.surroundings(self.settings.failure_policy));
                registration::addition(&self.settings, (&uid, &wanted.authorities), &registration, &wanted.sets)
            };
            debug!(sets = wanted.sets.len(), "tell the API server which pods new sets select");
            self.metrics.registers();
            timeout(DEADLINE, registration::add(client, &self.settings.replica, &addition)).await??;
        }
        let interests: BTreeSet<_> = self.catalog.read().interests().collect();
        self.registrar.told(interests.into_iter().chain(wanted.sets.iter().map(|it| it.interest.clone())).collect());
        followed.added = Some(wanted).filter(|added| !added.sets.is_empty());
        Ok(())
    }
}
