//! What is decided about an object, and how the API server is told.

use super::Request;
use axum::http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};
use sidecarset_core::injection::Patch;
use sidecarset_core::validation::Violations;
use std::fmt::{self, Display};

/// The API server cuts a warning that is longer.
const LONGEST_WARNING: usize = 256;

/// How much is told of a text of the request, such as a name: no API server takes a longer one.
const LONGEST_TOLD: usize = 253;

/// What is decided about an object.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// It may be written, with these changes.
    Allowed {
        /// The changes.
        patch: Patch,
        /// What its author should know.
        warnings: Vec<String>,
    },
    /// It may not.
    Denied(Denial),
}

/// Why an object may not be written.
#[derive(Debug, Clone, PartialEq)]
pub enum Denial {
    /// The review is not one that is answered here.
    BadRequest(String),
    /// Something is wrong with the object, or with what it asks for.
    Invalid {
        /// The whole story, in one word.
        cause: Cause,
        /// The whole story, in one sentence.
        message: String,
        /// The parts of it that a program may want.
        details: Option<Box<StatusDetails>>,
    },
}

/// The answer is not known, and asking again may help. It is not for us to say what becomes of the object then: the API server
/// does what the failure policy of the webhook says.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// What is wrong with an object, or with what it asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// A SidecarSet has violations.
    InvalidSpec,
    /// A SidecarSet that selects the Pod cannot be acted on.
    InvalidSet,
    /// Two SidecarSets have a container of one name for the Pod.
    SameContainer,
    /// The Pod has no container from which resources of a sidecar could be computed.
    NoTarget,
    /// A SidecarSet that selects the Pod is pinned to a revision that cannot be injected.
    UnusablePin,
    /// The cluster does not allow the annotations of a SidecarSet that selects the Pod.
    NotAllowed,
    /// With the sidecars the API server would reject the Pod.
    Misfit,
    /// A part of the Pod, on which the injection depends, is not as it should be.
    UnreadablePod,
}

impl Verdict {
    /// Allows the object as it is.
    #[must_use]
    pub fn untouched() -> Self {
        Self::Allowed { patch: Patch::default(), warnings: Vec::new() }
    }
}

impl Denial {
    /// Says that the request is about something else than `expected`.
    #[must_use]
    pub fn unexpected<O>(request: &Request<'_, O>, expected: &str) -> Self {
        let (kind, resource) = (&request.kind, &request.resource);
        Self::BadRequest(format!(
            "expected {expected}, got {} as {}",
            joined(kind.group, kind.version, kind.kind),
            joined(resource.group, resource.version, resource.resource),
        ))
    }

    /// Lists everything that is wrong with an object of a kind, as the API server does.
    #[must_use]
    pub fn invalid(group: &str, kind: &str, name: &str, violations: &Violations) -> Self {
        let listed = violations.to_string();
        let listed = if violations.count() == 1 { listed } else { format!("[{listed}]") };
        let causes = violations.iter().map(|violation| StatusCause {
            reason: Some("FieldValueInvalid".to_owned()),
            message: Some(violation.message.clone()),
            field: Some(violation.path.clone()),
        });
        Self::Invalid {
            cause: Cause::InvalidSpec,
            message: format!("{kind}.{group} {name:?} is invalid: {listed}"),
            details: Some(Box::new(StatusDetails {
                group: Some(group.to_owned()),
                kind: Some(kind.to_owned()),
                name: Some(name.to_owned()),
                causes: Some(causes.collect()),
                ..StatusDetails::default()
            })),
        }
    }

    /// Returns the HTTP code that the client of the API server sees.
    #[must_use]
    pub fn code(&self) -> StatusCode {
        match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Invalid { .. } => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    pub(super) fn into_status(self) -> Status {
        let code = i32::from(self.code().as_u16());
        let (reason, message, details) = match self {
            Self::BadRequest(message) => ("BadRequest", message, None),
            Self::Invalid { message, details, .. } => ("Invalid", message, details),
        };
        Status {
            status: Some("Failure".to_owned()),
            code: Some(code),
            reason: Some(reason.to_owned()),
            message: Some(message),
            details: details.map(|details| *details),
            ..Status::default()
        }
    }
}

impl Display for Denial {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(message) | Self::Invalid { message, .. } => out.write_str(message),
        }
    }
}

pub(super) fn shortened(warning: String) -> String {
    if warning.chars().count() <= LONGEST_WARNING {
        return warning;
    }
    warning.chars().take(LONGEST_WARNING - 1).chain(['…']).collect()
}

/// Returns as much of a text of the request as is told of it: it may be all of the request.
pub(crate) fn told(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TOLD)]
}

fn joined(group: &str, version: &str, name: &str) -> String {
    let (group, version, name) = (told(group), told(version), told(name));
    if group.is_empty() { format!("{version}/{name}") } else { format!("{group}/{version}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_violation_stands_without_brackets() {
        let mut violations = Violations::default();
        violations.add("spec.selector", "is required");

        let denial = Denial::invalid("apps.kruise.io", "SidecarSet", "logs", &violations).into_status();

        assert_eq!(
            denial.message.as_deref(),
            Some(r#"SidecarSet.apps.kruise.io "logs" is invalid: spec.selector: is required"#)
        );
    }

    #[test]
    fn several_violations_stand_in_brackets_and_each_is_a_cause() {
        let mut violations = Violations::default();
        violations.add("spec.selector", "is required");
        violations.add("spec.containers", "is empty");

        let denial = Denial::invalid("apps.kruise.io", "SidecarSet", "logs", &violations).into_status();

        assert_eq!(
            denial.message.as_deref(),
            Some(
                "SidecarSet.apps.kruise.io \"logs\" is invalid: \
                 [spec.selector: is required, spec.containers: is empty]"
            )
        );
        let causes = denial.details.unwrap().causes.unwrap();
        let fields: Vec<_> = causes.iter().map(|cause| cause.field.as_deref().unwrap()).collect();
        assert_eq!(fields, ["spec.selector", "spec.containers"]);
    }

    #[test]
    fn a_long_warning_is_cut_where_the_api_server_would_cut_it() {
        assert_eq!(shortened("ä".repeat(256)), "ä".repeat(256));
        assert_eq!(shortened("ä".repeat(257)), "ä".repeat(255) + "…");
    }
}
