//! Operators that the tests start and kill themselves, beside a cluster of simulated nodes: `scripts/test-simulated.sh` makes
//! one for them.

mod burst;
mod storm;

use anyhow::{Context, Result};
use sidecarset_e2e::PodView;
use std::path::PathBuf;

/// Returns the kubeconfig of the cluster, for operators that reach it without a detour.
fn kubeconfig() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("KUBECONFIG").context("$KUBECONFIG does not say which cluster it is")?))
}

/// Returns the folder for what operators need and leave.
fn folder() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("BESIDE").context("$BESIDE does not say where operators write their logs")?))
}

/// Says whether all Pods serve with this image.
fn upgraded(pods: &[PodView], image: &str) -> bool {
    pods.iter().all(|pod| pod.is_undisturbed() && pod.runs("sidecar", image))
}
