//! Which replica writes: the one that holds a Lease of the operator's namespace. What that takes is decided in
//! `sidecarset_core::lease`; here it is asked for, and written.

mod leadership;
mod leases;

pub use leadership::{Leadership, NotLeading};
pub use leases::NAME;

use jiff::Timestamp;
use kube::Client;
use leases::{Leases, Replaced};
use sidecarset_core::lease::{Candidate, Decision, Loss, Moment, Now, Term};
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{error, info, warn};

/// How often the Lease is given back, where others write to it meanwhile.
const RELEASES: usize = 3;

/// How one comes to lead.
#[derive(Debug, Clone)]
pub struct Candidacy {
    /// The namespace of the Lease.
    pub namespace: String,
    /// The name of this replica. No two that run at the same time may have the same.
    pub identity: String,
    /// How long a lease lasts.
    pub term: Term,
    /// Tells the time that is written into the Lease, for people.
    pub clock: fn() -> Timestamp,
}

/// Leads whenever it can, and tells `leadership`. Once that has retired it lets no write begin any more, waits for those that
/// are under way, and gives the Lease back, so that others need not wait for its end.
///
/// # Errors
/// It has led, and does not any more. From then on nothing is written.
pub async fn campaign(client: Client, candidacy: Candidacy, leadership: Leadership) -> Result<(), Loss> {
    let mut campaign = Campaign::new(client, candidacy, leadership.clone());
    let lost = tokio::select! {
        () = leadership.until_retired() => None,
        lost = campaign.lead() => Some(lost),
    };
    match lost {
        Some(loss) => {
            campaign.leadership.lose();
            error!(identity = campaign.candidacy.identity, reason = %loss, "stopped writing: another replica may lead");
            Err(loss)
        }
        None => {
            campaign.resign().await;
            Ok(())
        }
    }
}

struct Campaign {
    leases: Leases,
    candidacy: Candidacy,
    leadership: Leadership,
    candidate: Candidate,
    // What moments are counted from.
    began: Instant,
    // Who was last said to lead.
    told: Option<String>,
}

impl Campaign {
    fn new(client: Client, candidacy: Candidacy, leadership: Leadership) -> Self {
        Self {
            leases: Leases::new(client, &candidacy.namespace),
            candidate: Candidate::new(candidacy.identity.clone(), candidacy.term),
            candidacy,
            leadership,
            began: Instant::now(),
            told: None,
        }
    }

    fn moment(&self) -> Moment {
        self.began.elapsed()
    }

    /// Leads whenever it can, until it no longer may.
    async fn lead(&mut self) -> Loss {
        loop {
            let now = Now { monotonic: self.moment(), wall: (self.candidacy.clock)() };
            match self.candidate.decide(now) {
                Decision::Wait { until } => sleep_until(self.began + until).await,
                Decision::Look => self.look().await,
                Decision::Create(lease) => {
                    let written = self.within(self.leases.create(*lease)).await;
                    self.note(now.monotonic, written);
                }
                Decision::Replace(lease) => {
                    let written = self.within(self.leases.replace(*lease)).await;
                    self.note(now.monotonic, written);
                }
                Decision::Stop(loss) => return loss,
            }
            self.tell();
        }
    }

    async fn look(&mut self) {
        let answer = self.within(self.leases.read()).await;
        let now = self.moment();
        match answer {
            Ok(lease) => self.candidate.saw(lease, now),
            Err(error) => self.failed(&error, now),
        }
    }

    fn note(&mut self, asked: Moment, answer: Result<Replaced, leases::Error>) {
        let now = self.moment();
        match answer {
            Ok(Replaced::By(lease)) => self.candidate.wrote(*lease, asked),
            Ok(Replaced::NotAsItWas) => self.candidate.missed(now),
            Err(error) => self.failed(&error, now),
        }
    }

    fn failed(&mut self, error: &leases::Error, now: Moment) {
        warn!(
            error = error as &dyn Error,
            leads = self.leadership.leads(),
            "failed to ask for the lease of the leader"
        );
        self.candidate.failed(now);
    }

    /// Waits for an answer, but not longer than there is time for: one that leads has to stop in time.
    async fn within<T>(&self, answer: impl Future<Output = Result<T, leases::Error>>) -> Result<T, leases::Error> {
        let patience = Instant::now() + self.candidacy.term.patience();
        let end = self.candidate.leads_until().map_or(patience, |until| patience.min(self.began + until));
        timeout_at(end, answer).await?
    }

    /// Tells others, and people, what is new.
    fn tell(&mut self) {
        if let Some(until) = self.candidate.leads_until() {
            self.leadership.hold_until(self.began + until);
        }
        let holder = self.candidate.holder().map(str::to_owned);
        if holder == self.told {
            return;
        }
        let identity = &self.candidacy.identity;
        match &holder {
            Some(holder) if holder == identity && !self.leadership.leads() => return,
            Some(holder) if holder == identity => info!(identity, "this replica leads"),
            Some(holder) => info!(identity, holder, "another replica leads"),
            None => info!(identity, "no replica leads"),
        }
        self.told = holder;
    }

    async fn resign(&mut self) {
        let patience = self.candidacy.term.patience();
        if timeout(self.remaining().max(patience), self.leadership.end()).await.is_err() {
            // Whoever leads next has to wait until the lease ends, and may not begin before these are over.
            warn!("kept the lease of the leader: writes are still under way");
            return;
        }
        for _ in 0..RELEASES {
            match timeout(patience, self.release()).await.unwrap_or_else(|elapsed| Err(elapsed.into())) {
                Ok(Replaced::By(_)) => return,
                Ok(Replaced::NotAsItWas) => {}
                Err(error) => warn!(error = &error as &dyn Error, "failed to give back the lease of the leader"),
            }
        }
    }

    fn remaining(&self) -> Duration {
        self.candidate.leads_until().map_or(Duration::ZERO, |until| until.saturating_sub(self.moment()))
    }

    async fn release(&self) -> Result<Replaced, leases::Error> {
        let found = self.leases.read().await?;
        let given_back = found.and_then(|lease| self.candidate.release(&lease, (self.candidacy.clock)()));
        let Some(lease) = given_back else {
            // It is somebody else's.
            return Ok(Replaced::By(Box::default()));
        };
        let written = self.leases.replace(lease).await?;
        if matches!(written, Replaced::By(_)) {
            info!(identity = self.candidacy.identity, "gave back the lease of the leader");
        }
        Ok(written)
    }
}
