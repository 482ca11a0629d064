//! What the API server asks and what it is answered: reviews of `admission.k8s.io/v1`.

mod answer;
mod reading;
#[cfg(test)]
mod tests;
mod verdict;

pub use answer::answer;
pub use reading::{read, request};
pub(crate) use verdict::told;
pub use verdict::{Cause, Denial, Unavailable, Verdict};

use serde_json::Value;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// What is asked: whether an object may be written, and with which changes. Objects are read as `O`, texts are those of the
/// review.
#[derive(Debug)]
pub struct Request<'a, O = Value> {
    /// Identifies the request; the answer repeats it.
    pub uid: &'a str,
    /// The type of the object.
    pub kind: GroupVersionKind<'a>,
    /// The version in which the client wrote the object: the API server may have converted it since.
    pub written_version: &'a str,
    /// Where the object is written.
    pub resource: GroupVersionResource<'a>,
    /// The part of the object that is written, such as `status`.
    pub sub_resource: Option<&'a str>,
    /// The name of the object; empty while the API server has still to make one up.
    pub name: Option<&'a str>,
    /// The namespace of the object.
    pub namespace: Option<&'a str>,
    /// What is done.
    pub operation: Operation,
    /// Whether it is only tried.
    pub dry_run: Option<bool>,
    /// The object as it would be written, whole: a member that this build does not know is there too.
    pub object: O,
    /// The object as it is; null where there is none.
    pub old_object: O,
}

/// The type of an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupVersionKind<'a> {
    /// The API group; empty for the core one.
    pub group: &'a str,
    /// The version of the group.
    pub version: &'a str,
    /// The kind.
    pub kind: &'a str,
}

/// Where an object is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupVersionResource<'a> {
    /// The API group; empty for the core one.
    pub group: &'a str,
    /// The version of the group.
    pub version: &'a str,
    /// The plural.
    pub resource: &'a str,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It is connected to, as by `kubectl exec`.
    Connect,
}

/// Why a body is not a review.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error("failed to read the AdmissionReview")]
    Parse(#[from] serde_json::Error),
    /// It is no text.
    #[error("failed to read the AdmissionReview")]
    Encoding(#[from] std::str::Utf8Error),
    /// A member is missing, or is not what it should be.
    #[error("expected {expected} as {member} of the request")]
    Member {
        /// The member.
        member: &'static str,
        /// What it should be.
        expected: &'static str,
    },
    /// A member is there twice.
    #[error("the review has {member} twice")]
    Twice {
        /// The member.
        member: &'static str,
    },
    /// It is something else.
    #[error("expected an AdmissionReview of admission.k8s.io/v1, got {kind:?} of {api_version:?}")]
    NotAReview {
        /// The version it says it has.
        api_version: String,
        /// The kind it says it has.
        kind: String,
    },
    /// It asks nothing.
    #[error("the AdmissionReview has no request")]
    NoRequest,
}
