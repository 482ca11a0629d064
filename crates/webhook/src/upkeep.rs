//! What has to stay true while we run: a certificate that is good, and a registration that says what we say.

mod changes;

use crate::certificate::{self, CertificateResolver, Keeper};
use crate::registration;
use crate::settings::Settings;
use futures::StreamExt;
use jiff::Timestamp;
use kube::Client;
use std::error::Error as StdError;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tracing::{info, warn};

/// A change of ours is a change too, and two versions of the operator may disagree: nobody writes more often.
const PAUSE: Duration = Duration::from_secs(10);
/// How often we look without having been told of a change: a certificate ages in silence.
const INTERVAL: Duration = Duration::from_secs(60 * 60);
/// The API server may accept a request and never answer.
const DEADLINE: Duration = Duration::from_secs(30);

/// Keeps the certificate and the registration good.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) settings: Settings,
    pub(crate) keeper: Keeper,
    pub(crate) certificates: Arc<CertificateResolver>,
    pub(crate) now: fn() -> Timestamp,
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
    /// We are not registered.
    #[error("failed to keep the registration of the webhook")]
    Registration(#[from] registration::Error),
    /// The API server did not answer.
    #[error("the API server did not answer within {} s", DEADLINE.as_secs())]
    Deadline(#[from] tokio::time::error::Elapsed),
}

impl Upkeep {
    /// Serves a good certificate.
    pub(crate) async fn load_certificate(&self) -> Result<(), Error> {
        let material = timeout(DEADLINE, self.keeper.ensure((self.now)())).await??;
        self.certificates.put(material.certified_key()?);
        Ok(())
    }

    /// Sees to both whenever something changes, for ever. Sets `is_ready` once both are as they should be.
    pub(crate) async fn run(self, client: Client, is_ready: Arc<AtomicBool>) {
        let changed = Notify::new();
        let mut changes = changes::of(&client, &self.settings.namespace);
        let watch = async {
            while changes.next().await.is_some() {
                changed.notify_one();
            }
        };
        let keep = async {
            loop {
                self.see_to_both(&client, &is_ready, &changed).await;
                sleep(PAUSE).await;
                tokio::select! {
                    () = changed.notified() => {}
                    () = sleep(INTERVAL) => {}
                }
            }
        };
        tokio::join!(watch, keep);
    }

    async fn see_to_both(&self, client: &Client, is_ready: &AtomicBool, changed: &Notify) {
        match timeout(DEADLINE, self.assert(client)).await.unwrap_or_else(|elapsed| Err(elapsed.into())) {
            Ok(()) => {
                if !is_ready.swap(true, Ordering::Relaxed) {
                    info!("registered the webhooks");
                }
            }
            Err(error) => {
                warn!(error = &error as &dyn StdError, "failed to keep the webhooks registered");
                changed.notify_one();
            }
        }
    }

    async fn assert(&self, client: &Client) -> Result<(), Error> {
        let material = self.keeper.ensure((self.now)()).await?;
        let certificate = material.certified_key()?;
        // The API server has to trust a new authority before we show its certificate.
        registration::apply(client, &registration::configurations(&self.settings, material.authorities())).await?;
        self.certificates.put(certificate);
        Ok(())
    }
}
