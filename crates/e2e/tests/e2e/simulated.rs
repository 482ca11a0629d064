//! Operators that the tests start and kill themselves, beside a cluster of simulated nodes: `scripts/test-simulated.sh` makes
//! one for them.

mod burst;

use anyhow::{Context, Result};
use std::path::PathBuf;

/// Returns the kubeconfig of the cluster, for operators that reach it without a detour.
fn kubeconfig() -> Result<PathBuf> {
    Ok(PathBuf::from(std::env::var_os("KUBECONFIG").context("$KUBECONFIG does not say which cluster it is")?))
}
