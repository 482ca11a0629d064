//! How the operator ends: first it is no longer ready, then it answers what still comes, and then it stops.

use crate::health::Readiness;
use anyhow::Context as _;
use leader_lease::Leadership;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

/// How far the operator is with its end.
#[derive(Debug, Clone, Default)]
pub struct Ending {
    /// It is to stop: nothing new begins, and it is no longer ready. Reviews are answered.
    pub begins: CancellationToken,
    /// Nobody should ask for reviews any more: the webhook finishes those that are under way.
    pub closes: CancellationToken,
    /// Everything else has ended.
    pub is_over: CancellationToken,
}

/// The parts of the operator.
pub struct Parts<W, L, C, H> {
    pub webhook: W,
    pub lead: L,
    pub controller: C,
    pub health: H,
}

impl Ending {
    /// Begins with SIGTERM or SIGINT; a second one ends the process at once.
    pub fn on_signal() -> anyhow::Result<Self> {
        let ending = Self::default();
        let mut terminate = signal(SignalKind::terminate()).context("failed to listen for SIGTERM")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("failed to listen for SIGINT")?;
        let begins = ending.begins.clone();
        tokio::spawn(async move {
            for is_first in [true, false] {
                tokio::select! {
                    _ = terminate.recv() => {}
                    _ = interrupt.recv() => {}
                }
                if is_first {
                    info!("stopping");
                    begins.cancel();
                }
            }
            warn!("stopped at once, as asked");
            std::process::exit(1);
        });
        Ok(ending)
    }

    /// Runs all parts until SIGTERM, or until one of them ends; then they end in good order.
    pub async fn run<W, L, C, H>(
        &self,
        parts: Parts<W, L, C, H>,
        leadership: &Leadership,
        (delay, readiness): (Duration, &Readiness),
    ) -> anyhow::Result<()>
    where
        W: Future<Output = anyhow::Result<()>>,
        L: Future<Output = anyhow::Result<()>>,
        C: Future<Output = anyhow::Result<()>>,
        H: Future<Output = anyhow::Result<()>>,
    {
        // Reviews are answered from what the controller watches, so that goes on until the last one is answered.
        let answering = async {
            let ended = tokio::join!(self.part(parts.webhook), self.part(parts.lead));
            self.is_over.cancel();
            ended
        };
        let controller = async {
            let ended = self.part(parts.controller).await;
            leadership.has_retired();
            ended
        };
        let begin = async {
            self.begins.cancelled().await;
            leadership.retire();
            // Nobody asks one that was never ready.
            if readiness.was_reached() {
                sleep(delay).await;
            }
            self.closes.cancel();
        };
        let ((webhook, lead), controller, health, ()) =
            tokio::join!(answering, controller, self.part(parts.health), begin);
        lead.and(controller).and(webhook).and(health)
    }

    /// Runs a part. Whatever ends it, the others end too.
    async fn part(&self, part: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<()> {
        let ended = part.await;
        if let Err(error) = &ended {
            error!(error = format!("{error:#}"), "a part of the operator failed");
        }
        self.begins.cancel();
        ended
    }
}
