//! The operator, stopped for a while.

use anyhow::{Context, Result, bail};
use std::process::Command;

/// Stops the operator, does something, and starts it again whatever came of that. `$OPERATOR` is a program that takes
/// `stop` and `start`.
///
/// # Errors
///
/// When there is no such program, or it fails, or what is done meanwhile does.
pub async fn away<T>(meanwhile: impl AsyncFnOnce() -> Result<T>) -> Result<T> {
    tell("stop").await?;
    let result = meanwhile().await;
    tell("start").await?;
    result
}

async fn tell(what: &'static str) -> Result<()> {
    let program = std::env::var_os("OPERATOR").context("$OPERATOR does not say how the operator is stopped")?;
    let status = tokio::task::spawn_blocking(move || Command::new(program).arg(what).status()).await??;
    if !status.success() {
        bail!("the operator did not {what}: {status}");
    }
    Ok(())
}
