//! The operator, stopped for a while or killed, and the control plane, killed or paused; and what its node is given to hold.

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

/// Kills the operator without a word, and returns once it works again. `$OPERATOR` takes `crash` for that.
///
/// # Errors
///
/// When there is no such program, or it fails.
pub async fn crash() -> Result<()> {
    tell("crash").await
}

/// Kills a component of the control plane, and returns once it serves again. `$DEVCLUSTER` is the program that runs the
/// cluster, and `$cluster` its name.
///
/// # Errors
///
/// When there is no such program or cluster, or it fails.
pub async fn restart(component: &str) -> Result<()> {
    devcluster("restart", component, &[]).await
}

/// Stops a component of the control plane for so many seconds, in which its connections are open and nobody answers, and
/// returns once the API server serves again.
///
/// # Errors
///
/// When there is no such program or cluster, or it fails.
pub async fn pause(component: &str, seconds: u32) -> Result<()> {
    devcluster("pause", component, &["--for".to_owned(), format!("{seconds}s")]).await
}

/// Makes an image of a file and puts it into the registry of the cluster and, where there is room for it, on its node.
///
/// # Errors
///
/// When there is no such program or cluster, or with what it complained of: also where the node has no room.
pub async fn load_image(tag: &str, file: &str) -> Result<()> {
    let program = std::env::var_os("DEVCLUSTER").context("$DEVCLUSTER does not say what runs the cluster")?;
    let cluster = std::env::var_os("cluster").context("$cluster does not say which cluster it is")?;
    let (archive, content) = (format!("{file}.tar"), format!("{file}:/file"));
    let (mut make, mut load) = (Command::new(&program), Command::new(program));
    make.args(["image", "--tag", tag, "--file", &content, "--output", &archive]);
    load.arg("load-image").arg("--name").arg(cluster).arg(&archive);
    complain(make).await?;
    let loaded = complain(load).await;
    std::fs::remove_file(archive)?;
    loaded
}

/// Runs a program, and fails with what it complained of.
async fn complain(mut command: Command) -> Result<()> {
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    if !output.status.success() {
        bail!("{}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

async fn devcluster(verb: &str, component: &str, more: &[String]) -> Result<()> {
    let program = std::env::var_os("DEVCLUSTER").context("$DEVCLUSTER does not say what runs the cluster")?;
    let cluster = std::env::var_os("cluster").context("$cluster does not say which cluster it is")?;
    let mut command = Command::new(program);
    command.arg(verb).arg("--name").arg(cluster).arg(component).args(more);
    run(command, component).await
}

async fn tell(what: &str) -> Result<()> {
    let program = std::env::var_os("OPERATOR").context("$OPERATOR does not say how the operator is stopped")?;
    let mut command = Command::new(program);
    command.arg(what);
    run(command, what).await
}

async fn run(mut command: Command, what: &str) -> Result<()> {
    let status = tokio::task::spawn_blocking(move || command.status()).await??;
    if !status.success() {
        bail!("{what} failed: {status}");
    }
    Ok(())
}
