//! What a person types.

use crate::document::repository;
use anyhow::{Context, Result, bail};
use std::path::PathBuf;
use std::process::Command;

/// Runs kubectl and returns what it prints. The program is `$KUBECTL`, or the one that devcluster built.
///
/// # Errors
///
/// With what kubectl complained of.
pub async fn kubectl(arguments: &[&str]) -> Result<String> {
    run(arguments, None).await
}

/// Runs `kubectl edit` with an editor that replaces `from` with `to` everywhere.
///
/// # Errors
///
/// With what kubectl complained of.
pub async fn kubectl_edit(object: &[&str], from: &str, to: &str) -> Result<String> {
    run(&[&["edit"], object].concat(), Some(format!("sed -i s|{from}|{to}|"))).await
}

/// Returns the path of a file of `examples/`.
#[must_use]
pub fn example(path: &str) -> String {
    repository().join("examples").join(path).display().to_string()
}

/// Returns where kubectl is: `$KUBECTL`, or what devcluster built.
#[must_use]
pub fn kubectl_program() -> PathBuf {
    std::env::var_os("KUBECTL").map_or_else(|| repository().join("devcluster/bin/kubectl"), PathBuf::from)
}

/// Returns where the command line of this project is: `$SIDECARSET`, or the newest one that was built.
///
/// # Errors
///
/// None was built.
pub fn sidecarset_program() -> Result<PathBuf> {
    if let Some(program) = std::env::var_os("SIDECARSET") {
        return Ok(PathBuf::from(program));
    }
    let target = repository().join("target");
    let triples = target.read_dir().into_iter().flatten().flatten().map(|entry| entry.path().join("release"));
    let folders = triples.chain([target.join("release"), target.join("debug")]);
    let built = folders.map(|folder| folder.join("sidecarset")).filter_map(|path| {
        let written = path.metadata().and_then(|metadata| metadata.modified()).ok()?;
        Some((written, path))
    });
    Ok(built.max().context("no sidecarset was built, and $SIDECARSET names none")?.1)
}

async fn run(arguments: &[&str], editor: Option<String>) -> Result<String> {
    let program = kubectl_program();
    let line = format!("kubectl {}", arguments.join(" "));
    let mut command = Command::new(program);
    command.args(arguments).envs(editor.map(|editor| ("KUBE_EDITOR", editor)));
    let output = tokio::task::spawn_blocking(move || command.output())
        .await?
        .with_context(|| format!("failed to start `{line}`"))?;
    if !output.status.success() {
        bail!("`{line}` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// Says whether containers run on the nodes of the cluster, and not only in a simulation.
///
/// # Errors
///
/// When kubectl fails.
pub async fn has_real_nodes() -> Result<bool> {
    let runtimes = "jsonpath={.items[*].status.nodeInfo.containerRuntimeVersion}";
    Ok(kubectl(&["get", "nodes", "-o", runtimes]).await?.contains("containerd"))
}
