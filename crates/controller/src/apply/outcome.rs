//! What an answer of the API server to a write means.

use leader_lease::NotLeading;
use sidecarset_core::reconcile::WriteHold;
use std::error::Error;
use std::time::Duration;
use tokio::time::error::Elapsed;

/// What the API server says of an object that there is not.
const NOT_FOUND: &str = "NotFound";

/// What the API server says where it could not ask a webhook.
const WEBHOOK_FAILED: &str = "failed calling webhook";

/// How many bytes of an answer are kept.
const LONGEST_ANSWER: usize = 1024;

/// What became of a write.
#[derive(Debug)]
pub(crate) enum Answer<K> {
    /// It was written; this is the object since then.
    Written(Box<K>),
    /// It was written, and is not what was asked for.
    Altered(Box<K>),
    /// There is no such object any more, so there is nothing left to do.
    Gone,
    /// It was not written, or nobody knows.
    Held(WriteHold, Box<dyn Error + Send + Sync>),
}

/// Reads the answer to a write.
pub(crate) fn outcome<K>(answer: Result<Result<K, kube::Error>, Elapsed>) -> Answer<K> {
    match answer {
        Ok(Ok(object)) => Answer::Written(Box::new(object)),
        Ok(Err(kube::Error::Api(status))) if status.code == 404 => Answer::Gone,
        Ok(Err(error)) => Answer::Held(hold(&error), error.into()),
        Err(elapsed) => Answer::Held(WriteHold::Unanswered, elapsed.into()),
    }
}

/// Reads the answer to a change of cpu and memory.
pub(super) fn resized<K>(answer: Result<Result<K, kube::Error>, Elapsed>) -> Answer<K> {
    match answer {
        // An API server that cannot resize Pods knows no such path, and says so without a reason of the API.
        Ok(Err(kube::Error::Api(status))) if status.code == 404 && status.reason != NOT_FOUND => {
            Answer::Held(WriteHold::ResizeRefused, kube::Error::Api(status).into())
        }
        answer => match outcome(answer) {
            Answer::Held(WriteHold::Refused, source) => Answer::Held(WriteHold::ResizeRefused, source),
            answer => answer,
        },
    }
}

/// Returns what a person has to know of an answer: as much as is kept of it, because any webhook may say anything.
pub(super) fn said(source: &(dyn Error + Send + Sync + 'static)) -> String {
    let mut said = match source.downcast_ref() {
        Some(kube::Error::Api(status)) => status.message.clone(),
        Some(_) | None => source.to_string(),
    };
    said.truncate(said.floor_char_boundary(LONGEST_ANSWER));
    said
}

pub(crate) fn hold(error: &kube::Error) -> WriteHold {
    let kube::Error::Api(status) = error else {
        if NotLeading::is_in(error) {
            return WriteHold::NotLeading;
        }
        // No answer, or one that cannot be read: it may be written.
        return WriteHold::Unanswered;
    };
    match status.code {
        409 => WriteHold::Conflict,
        429 => {
            let seconds = status.details.as_ref().map_or(0, |details| details.retry_after_seconds);
            WriteHold::Throttled { retry_after: Duration::from_secs(seconds.into()) }
        }
        // A webhook is asked before anything is written.
        500 if status.message.contains(WEBHOOK_FAILED) => WriteHold::Failed,
        // It may have failed after the write: where its store did not answer it, or it stands behind another server that says so.
        500 | 502 | 504 => WriteHold::Unanswered,
        400..=499 => WriteHold::Refused,
        _ => WriteHold::Failed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;
    use kube::core::response::StatusDetails;
    use serde_json::json;

    fn hold_of(status: Status) -> WriteHold {
        hold(&kube::Error::Api(status.boxed()))
    }

    fn status(code: u16) -> Status {
        Status::failure("", "").with_code(code)
    }

    #[test]
    fn an_object_that_is_gone_needs_no_write() {
        let answer = outcome::<()>(Ok(Err(kube::Error::Api(status(404).boxed()))));

        assert!(matches!(answer, Answer::Gone), "{answer:?}");
    }

    #[test]
    fn a_pod_is_not_gone_because_the_api_server_cannot_resize_pods() {
        let resized = |status: Status| resized::<()>(Ok(Err(kube::Error::Api(status.boxed()))));
        // As the client reads an answer that is no object of the API.
        let unknown = Status::failure("404 page not found", "Failed to parse error data").with_code(404);
        let gone = Status::failure("pods \"a\" not found", "NotFound").with_code(404);

        assert!(matches!(resized(unknown), Answer::Held(WriteHold::ResizeRefused, _)));
        assert!(matches!(resized(gone), Answer::Gone));
    }

    #[test]
    fn each_refusal_is_told_apart() {
        let holds = [400, 403, 409, 422, 500, 503, 504].map(|code| hold_of(status(code)));

        assert_eq!(
            holds,
            [
                WriteHold::Refused,
                WriteHold::Refused,
                WriteHold::Conflict,
                WriteHold::Refused,
                WriteHold::Unanswered,
                WriteHold::Failed,
                WriteHold::Unanswered,
            ]
        );
    }

    #[test]
    fn of_a_long_answer_the_beginning_is_kept() {
        let status = Status::failure(&"ä".repeat(1_000_000), "Forbidden").with_code(403);

        assert_eq!(said(&kube::Error::Api(status.boxed())), "ä".repeat(512));
    }

    #[test]
    fn what_was_not_sent_is_not_in_doubt() {
        let hold = hold(&kube::Error::Service(Box::new(kube::Error::Service(NotLeading.into()))));

        assert_eq!(hold, WriteHold::NotLeading);
    }

    #[test]
    fn an_api_server_that_failed_leaves_it_open_whether_it_was_written() {
        let holds = ["etcdserver: request timed out", "the connection to the store was lost", ""]
            .map(|message| hold_of(Status::failure(message, "InternalError").with_code(500)));

        assert_eq!(holds, [WriteHold::Unanswered; 3]);
    }

    #[test]
    fn a_webhook_that_cannot_be_asked_is_a_failure_and_one_that_denies_a_refusal() {
        let [cannot_be_asked, denies] =
            [(500, "failed calling webhook"), (403, "admission webhook \"pub\" denied the request")]
                .map(|(code, message)| hold_of(Status::failure(message, "").with_code(code)));

        assert_eq!(cannot_be_asked, WriteHold::Failed);
        assert_eq!(denies, WriteHold::Refused);
    }

    #[test]
    fn a_busy_api_server_says_for_how_long() {
        let details: StatusDetails = serde_json::from_value(json!({"retryAfterSeconds": 3})).unwrap();

        let hold = hold_of(status(429).with_details(details));

        assert_eq!(hold, WriteHold::Throttled { retry_after: Duration::from_secs(3) });
    }
}
