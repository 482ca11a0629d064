//! What a person types.

use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
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
    workspace().join("examples").join(path).display().to_string()
}

async fn run(arguments: &[&str], editor: Option<String>) -> Result<String> {
    let program = std::env::var_os("KUBECTL")
        .map_or_else(|| workspace().join("devcluster").join("bin").join("kubectl"), PathBuf::from);
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

fn workspace() -> &'static Path {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().nth(2).unwrap_or(here)
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
