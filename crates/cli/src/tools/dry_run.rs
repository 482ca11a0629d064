//! Whether something is done, or only tried.

use clap::{Args, ValueEnum};

/// Whether something is done, or only tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum DryRun {
    /// It is done
    #[default]
    None,
    /// Nothing is sent
    Client,
    /// The API server is asked, admission webhooks included, and keeps nothing of it
    Server,
}

/// Chooses whether something is done, or only tried.
#[derive(Debug, Clone, Copy, Args)]
pub struct DryRunArguments {
    /// Whether it is only tried: here, or by the API server with everything but the writing
    #[arg(long, value_enum, value_name = "WHERE", default_value_t)]
    pub dry_run: DryRun,
}

impl DryRun {
    /// Returns what is said after what was tried, as kubectl says it.
    pub fn suffix(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Client => " (dry run)",
            Self::Server => " (server dry run)",
        }
    }
}
