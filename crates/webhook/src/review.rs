//! What the API server asks and what it is answered: reviews of `admission.k8s.io/v1`.

mod verdict;

pub use verdict::{Cause, Denial, Verdict};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::str::Utf8Error;

const API_VERSION: &str = "admission.k8s.io/v1";
const KIND: &str = "AdmissionReview";

/// What is asked: whether an object may be written, and with which changes. Objects are read as `O`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Request<O = Value> {
    /// Identifies the request; the answer repeats it.
    pub uid: String,
    /// The type of the object.
    pub kind: GroupVersionKind,
    /// Where the object is written.
    pub resource: GroupVersionResource,
    /// The part of the object that is written, such as `status`.
    #[serde(default)]
    pub sub_resource: Option<String>,
    /// The name of the object; empty while the API server has still to make one up.
    #[serde(default)]
    pub name: Option<String>,
    /// The namespace of the object.
    #[serde(default)]
    pub namespace: Option<String>,
    /// What is done.
    pub operation: Operation,
    /// Whether it is only tried.
    #[serde(default)]
    pub dry_run: Option<bool>,
    /// The object as it would be written, whole: a member that this build does not know is there too.
    #[serde(default)]
    pub object: O,
    /// The object as it is; null where there is none.
    #[serde(default)]
    pub old_object: O,
}

/// The type of an object.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GroupVersionKind {
    /// The API group; empty for the core one.
    #[serde(default)]
    pub group: String,
    /// The version of the group.
    pub version: String,
    /// The kind.
    pub kind: String,
}

/// Where an object is written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct GroupVersionResource {
    /// The API group; empty for the core one.
    #[serde(default)]
    pub group: String,
    /// The version of the group.
    pub version: String,
    /// The plural.
    pub resource: String,
}

/// What is done to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
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
    Encoding(#[from] Utf8Error),
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

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "O: Default + Deserialize<'de>"))]
struct Question<O> {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    kind: String,
    #[serde(default = "Option::default")]
    request: Option<Request<O>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Answer {
    api_version: &'static str,
    kind: &'static str,
    response: Response,
}

#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct Response {
    uid: String,
    allowed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<Status>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patch: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
}

/// Reads a review.
///
/// # Errors
/// The body is not a review, or asks nothing.
pub fn parse<'a, O: Default + Deserialize<'a>>(body: &'a [u8]) -> Result<Request<O>, Error> {
    // Once for all is faster than for each string.
    let question: Question<O> = serde_json::from_str(str::from_utf8(body)?)?;
    if question.api_version != API_VERSION || question.kind != KIND {
        return Err(Error::NotAReview { api_version: question.api_version, kind: question.kind });
    }
    question.request.ok_or(Error::NoRequest)
}

/// Writes the answer to the request of this uid.
#[must_use]
pub fn answer(uid: String, verdict: Verdict) -> Vec<u8> {
    let response = match verdict {
        Verdict::Allowed { patch, warnings } => {
            let patch = (!patch.0.is_empty()).then(|| BASE64_STANDARD.encode(json(&patch)));
            Response {
                uid,
                allowed: true,
                patch_type: patch.as_ref().map(|_| "JSONPatch"),
                patch,
                warnings: warnings.into_iter().map(verdict::shortened).collect(),
                ..Response::default()
            }
        }
        Verdict::Denied(denial) => Response { uid, status: Some(denial.into_status()), ..Response::default() },
    };
    json(&Answer { api_version: API_VERSION, kind: KIND, response })
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("strings, lists and JSON values have a JSON text")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_review_of_the_older_version_is_told_what_is_expected() {
        let body = br#"{"apiVersion":"admission.k8s.io/v1beta1","kind":"AdmissionReview","request":null}"#;

        let error = parse::<Value>(body).unwrap_err();

        assert_eq!(
            error.to_string(),
            r#"expected an AdmissionReview of admission.k8s.io/v1, got "AdmissionReview" of "admission.k8s.io/v1beta1""#
        );
    }

    #[test]
    fn a_patch_that_changes_nothing_is_left_out() {
        let answer = answer("1".to_owned(), Verdict::untouched());

        assert_eq!(
            String::from_utf8(answer).unwrap(),
            r#"{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"1","allowed":true}}"#
        );
    }
}
