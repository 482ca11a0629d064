//! Where log lines go, and in which form.

mod json;

#[cfg(feature = "otel")]
use crate::traces::Traces;
#[cfg(feature = "otel")]
use anyhow::Context;
use clap::ValueEnum;
use json::JsonLines;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;
#[cfg(feature = "otel")]
use tracing_subscriber::{Layer, layer::SubscriberExt, util::SubscriberInitExt};

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

/// What is left to do for the log at the end.
#[derive(Debug)]
#[must_use = "what it still holds would be lost"]
pub struct Log {
    #[cfg(feature = "otel")]
    traces: Option<Traces>,
}

impl Log {
    /// Lets go of what it still holds.
    pub fn finish(self) {
        #[cfg(feature = "otel")]
        if let Some(traces) = self.traces {
            traces.finish();
        }
    }
}

/// Sends log lines to standard error. `RUST_LOG` chooses which.
#[cfg(not(feature = "otel"))]
pub fn install(format: LogFormat) -> anyhow::Result<Log> {
    let lines =
        tracing_subscriber::fmt().with_env_filter(filter()).with_ansi(is_terminal()).with_writer(std::io::stderr);
    let installed = match format {
        LogFormat::Text => lines.try_init(),
        LogFormat::Json => lines.json().event_format(JsonLines).try_init(),
    };
    installed.map_err(|error| anyhow::anyhow!("failed to install the log: {error}"))?;
    Ok(Log {})
}

/// Sends log lines to standard error, and traces where the environment says. `RUST_LOG` chooses which lines.
#[cfg(feature = "otel")]
pub fn install(format: LogFormat) -> anyhow::Result<Log> {
    let traces = Traces::from_environment()?;
    let lines = tracing_subscriber::fmt::layer().with_ansi(is_terminal()).with_writer(std::io::stderr);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().event_format(JsonLines).boxed(),
    };
    let all = tracing_subscriber::registry().with(lines.with_filter(filter())).with(traces.as_ref().map(Traces::layer));
    all.try_init().context("failed to install the log")?;
    Ok(Log { traces })
}

fn filter() -> EnvFilter {
    EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER))
}

/// Colours are for a terminal; elsewhere they would be letters.
fn is_terminal() -> bool {
    std::io::stderr().is_terminal()
}
