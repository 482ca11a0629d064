//! Drives a candidate against an API server.

use crate::candidate::{Candidate, Decision, Loss, Moment, Now};
use crate::leadership::Leadership;
use crate::lease_api::{self, LeaseApi, Replaced};
use crate::term::Term;
use jiff::Timestamp;
use kube::Client;
use std::error::Error;
use std::time::Duration;
use tokio::time::{Instant, sleep_until, timeout, timeout_at};
use tracing::{error, info, warn};

/// How often the Lease is given back, where others write to it meanwhile.
const RELEASES: usize = 3;

/// How one comes to lead.
#[derive(Debug, Clone)]
pub struct Election {
    /// The name of the Lease.
    pub name: String,
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
pub async fn campaign(client: Client, election: Election, leadership: Leadership) -> Result<(), Loss> {
    let mut campaign = Campaign::new(client, election, leadership.clone());
    let lost = tokio::select! {
        () = leadership.until_retired() => None,
        lost = campaign.lead() => Some(lost),
    };
    match lost {
        Some(loss) => {
            campaign.leadership.lose();
            error!(identity = campaign.election.identity, reason = %loss, "stopped writing: another replica may lead");
            Err(loss)
        }
        None => {
            campaign.resign().await;
            Ok(())
        }
    }
}

struct Campaign {
    leases: LeaseApi,
    election: Election,
    leadership: Leadership,
    candidate: Candidate,
    // What moments are counted from.
    began: Instant,
    // Who was last said to lead.
    told: Option<String>,
}

impl Campaign {
    fn new(client: Client, election: Election, leadership: Leadership) -> Self {
        Self {
            leases: LeaseApi::new(client, &election.namespace, &election.name),
            candidate: Candidate::new(election.identity.clone(), election.term),
            election,
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
            let now = Now { monotonic: self.moment(), wall: (self.election.clock)() };
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

    fn note(&mut self, asked: Moment, answer: Result<Replaced, lease_api::Error>) {
        let now = self.moment();
        match answer {
            Ok(Replaced::By(lease)) => self.candidate.wrote(*lease, asked),
            Ok(Replaced::NotAsItWas) => self.candidate.missed(now),
            Err(error) => self.failed(&error, now),
        }
    }

    fn failed(&mut self, error: &lease_api::Error, now: Moment) {
        warn!(
            error = error as &dyn Error,
            leads = self.leadership.leads(),
            "failed to ask for the lease of the leader"
        );
        self.candidate.failed(now);
    }

    /// Waits for an answer, but not longer than there is time for: one that leads has to stop in time.
    async fn within<T>(
        &self,
        answer: impl Future<Output = Result<T, lease_api::Error>>,
    ) -> Result<T, lease_api::Error> {
        let patience = Instant::now() + self.election.term.patience();
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
        let identity = &self.election.identity;
        match &holder {
            Some(holder) if holder == identity && !self.leadership.leads() => return,
            Some(holder) if holder == identity => info!(identity, "this replica leads"),
            Some(holder) => info!(identity, holder, "another replica leads"),
            None => info!(identity, "no replica leads"),
        }
        self.told = holder;
    }

    async fn resign(&mut self) {
        let patience = self.election.term.patience();
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

    async fn release(&self) -> Result<Replaced, lease_api::Error> {
        let found = self.leases.read().await?;
        let given_back = found.and_then(|lease| self.candidate.release(&lease, (self.election.clock)()));
        let Some(lease) = given_back else {
            // It is somebody else's.
            return Ok(Replaced::By(Box::default()));
        };
        let written = self.leases.replace(lease).await?;
        if matches!(written, Replaced::By(_)) {
            info!(identity = self.election.identity, "gave back the lease of the leader");
        }
        Ok(written)
    }
}
