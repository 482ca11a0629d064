//! What replicas have added to the registration: the leader removes it again.

use super::{Error, PAUSE, Seen, Upkeep};
use crate::registration;
use k8s_openapi::api::admissionregistration::v1::MutatingWebhook;
use kube::Client;
use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tracing::warn;

/// How long it stays. By then the set is in the registration, or was not written.
const STAY: Duration = Duration::from_secs(60);

/// What each replica has added, and until when it stays.
#[derive(Debug, Default)]
pub(super) struct Additions {
    by_replica: BTreeMap<String, (Vec<MutatingWebhook>, Instant)>,
}

impl Additions {
    /// Takes in what is there. What has changed stays for longer.
    pub(super) fn see(&mut self, present: BTreeMap<String, Vec<MutatingWebhook>>, now: Instant) {
        let mut before = std::mem::take(&mut self.by_replica);
        for (replica, webhooks) in present {
            let until = match before.remove(&replica) {
                Some((known, until)) if known == webhooks => until,
                Some(_) | None => now + STAY,
            };
            self.by_replica.insert(replica, (webhooks, until));
        }
    }

    /// Lets one stay for a moment: it is being removed, or that has failed.
    fn put_off(&mut self, replica: &str, until: Instant) {
        if let Some((_, due)) = self.by_replica.get_mut(replica) {
            *due = until;
        }
    }

    /// Returns when the next one is to be removed.
    fn next(&self) -> Option<Instant> {
        self.by_replica.values().map(|(_, until)| *until).min()
    }

    fn due(&self, now: Instant) -> Vec<String> {
        self.by_replica.iter().filter(|(_, (_, until))| *until <= now).map(|(replica, _)| replica.clone()).collect()
    }
}

impl Upkeep {
    /// Removes what replicas have added once it has been there for a minute, for ever.
    pub(super) async fn tidy(&self, client: &Client, seen: &Seen) {
        let mut additions = Additions::default();
        let mut changes = seen.watch();
        loop {
            let now = Instant::now();
            additions.see(seen.added(), now);
            for replica in additions.due(now) {
                let version = seen.versions().mutating;
                if let Err(error) = registration::withdraw(client, &replica, version).await.map_err(Error::from) {
                    self.metrics.failed(&error);
                    warn!(replica, error = &error as &dyn StdError, "could not remove what a replica had registered");
                }
                additions.put_off(&replica, now + PAUSE);
            }
            let next = additions.next();
            tokio::select! {
                () = async { match next { Some(at) => sleep_until(at).await, None => std::future::pending().await } } => {}
                _ = changes.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn added(path: &str) -> BTreeMap<String, Vec<MutatingWebhook>> {
        let webhook = MutatingWebhook { name: path.to_owned(), ..MutatingWebhook::default() };
        BTreeMap::from([("one".to_owned(), vec![webhook])])
    }

    #[tokio::test(start_paused = true)]
    async fn what_was_added_is_removed_a_minute_after_its_last_change() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut additions = Additions::default();

        additions.see(added("a"), at(0));
        additions.see(added("a"), at(30));
        assert_eq!(additions.next(), Some(at(60)));
        additions.see(added("b"), at(40));

        assert_eq!((additions.due(at(99)), additions.due(at(100))), (vec![], vec!["one".to_owned()]));
        additions.see(BTreeMap::new(), at(101));
        assert_eq!(additions.next(), None);
    }
}
