//! Waiting for what happens on a cluster, never for ever.

use anyhow::{Result, bail};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// How long something may take on a small and busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// How long nothing must happen before it counts as not happening.
pub const QUIET: Duration = Duration::from_secs(3);

const PAUSE: Duration = Duration::from_millis(150);

/// What a look at the cluster found.
#[derive(Debug)]
pub enum Look<T> {
    /// What was waited for.
    Found(T),
    /// Something else: this.
    NotYet(String),
}

/// Looks again and again until it finds what it looks for. A look that fails is one that found something else.
///
/// # Errors
///
/// After two minutes, with what was last seen.
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Result<Look<T>>) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let last = match look().await {
            Ok(Look::Found(found)) => return Ok(found),
            Ok(Look::NotYet(seen)) => seen,
            Err(error) => format!("{error:#}"),
        };
        if Instant::now() >= deadline {
            bail!("{what}: not within {} s; last seen: {last}", PATIENCE.as_secs());
        }
        sleep(PAUSE).await;
    }
}

/// Looks for [`QUIET`] and expects the same each time.
///
/// # Errors
///
/// As soon as a look differs from the first one, or fails.
pub async fn stays<T: PartialEq + std::fmt::Debug>(what: &str, mut look: impl AsyncFnMut() -> Result<T>) -> Result<T> {
    let first = look().await?;
    let end = Instant::now() + QUIET;
    while Instant::now() < end {
        sleep(PAUSE).await;
        let now = look().await?;
        if now != first {
            bail!("{what}: it changed from {first:?} to {now:?}");
        }
    }
    Ok(first)
}
