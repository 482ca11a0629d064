//! Why something could not be done, in a sentence, and what to do about it.

use anstream::eprintln;
use anstyle::{AnsiColor, Style};
use kube::core::Status;
use std::io;
use std::process::ExitCode;

const RED: Style = AnsiColor::Red.on_default().bold();
const CYAN: Style = AnsiColor::Cyan.on_default();

/// Why something could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Something that this program found out.
    #[error("{sentence}")]
    Own {
        /// What is wrong, without a full stop.
        sentence: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
    /// Something that the API server answered.
    #[error("{message}")]
    Server {
        /// The API server's word for it, such as `Forbidden`.
        reason: String,
        /// What the API server said.
        message: String,
        /// What a person can do about it.
        hint: Option<String>,
    },
}

impl Failure {
    /// A sentence without a hint.
    pub fn new(sentence: impl Into<String>) -> Self {
        Self::Own { sentence: sentence.into(), hint: None }
    }

    /// There is no SidecarSet of this name, as the API server would say it.
    pub fn not_found(set: &str) -> Self {
        let message = format!("sidecarsets.apps.kruise.io {set:?} not found");
        Self::Server { reason: "NotFound".to_owned(), message, hint: None }
    }

    /// What the API server answered.
    pub fn answered(status: &Status) -> Self {
        let reason = Some(status.reason.clone()).filter(|reason| !reason.is_empty());
        let reason = reason.unwrap_or_else(|| status.code.to_string());
        Self::Server { reason, message: status.message.clone(), hint: None }
    }

    /// Adds what a person can do about it.
    #[must_use]
    pub fn hinting(self, text: impl Into<String>) -> Self {
        let hint = Some(text.into());
        match self {
            Self::Own { sentence, .. } => Self::Own { sentence, hint },
            Self::Server { reason, message, .. } => Self::Server { reason, message, hint },
        }
    }

    /// Returns what a person can do about it.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Own { hint, .. } | Self::Server { hint, .. } => hint.as_deref(),
        }
    }
}

/// Tells why the program failed, in the manner of kubectl, and answers with what it ends with.
pub fn report(error: &anyhow::Error) -> ExitCode {
    if is_unheard(error) {
        return ExitCode::SUCCESS;
    }
    let failure = error.chain().find_map(|cause| cause.downcast_ref::<Failure>());
    match failure {
        Some(Failure::Server { reason, .. }) => eprintln!("{RED}Error from server ({reason}):{RED:#} {error:#}"),
        Some(Failure::Own { .. }) | None => eprintln!("{RED}error:{RED:#} {error:#}"),
    }
    if let Some(hint) = failure.and_then(Failure::hint) {
        eprintln!("{CYAN}hint:{CYAN:#} {hint}");
    }
    ExitCode::FAILURE
}

/// Tells a person what to know beside what was asked for.
pub fn note(text: &str) {
    eprintln!("{CYAN}note:{CYAN:#} {text}");
}

/// Says whether nobody reads the output any more, as after `| head`: that is no failure.
fn is_unheard(error: &anyhow::Error) -> bool {
    let kind = |cause: &(dyn std::error::Error + 'static)| {
        let json = || cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
        cause.downcast_ref::<io::Error>().map(io::Error::kind).or_else(json)
    };
    error.chain().any(|cause| kind(cause) == Some(io::ErrorKind::BrokenPipe))
}
