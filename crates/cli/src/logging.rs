//! Where log lines go, and in which form.

use clap::ValueEnum;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// The form of a log line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For a person.
    Text,
    /// For a machine: one JSON object a line.
    Json,
}

// kube's client writes whole responses into its warnings, which may hold what is not ours to tell; its runtime warns
// of interrupted watches, which we do ourselves.
const DEFAULT_FILTER: &str = "info,kube_client::client=error,kube_runtime=error";

/// Sends log lines to standard error. `RUST_LOG` chooses which.
pub fn install(format: LogFormat) -> anyhow::Result<()> {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    // Colours are for a terminal; elsewhere they would be letters.
    let is_terminal = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(is_terminal).with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("failed to install the log: {error}"))
}
