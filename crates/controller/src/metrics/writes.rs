//! What is written to the API server, and what becomes of it, in words that are counted.

use crate::apply::outcome::Answer;
use sidecarset_core::reconcile::WriteHold;
use sidecarset_core::rollout::Step;
use sidecarset_metrics::label;

label! {
    /// What is written.
    pub enum Write: "kind" {
        /// The present definition into a Pod.
        Upgrade = "upgrade",
        /// The second step of a hot upgrade.
        Reset = "reset",
        /// The cpu and memory of a Pod.
        Resize = "resize",
        /// The condition of a Pod.
        Condition = "condition",
        /// The status of a SidecarSet.
        Status = "status",
        /// A ControllerRevision.
        Revision = "revision",
        /// An event.
        Event = "event",
    }
}

label! {
    /// What became of a write.
    pub enum Written: "result" {
        /// It is done.
        Done = "done",
        /// There is no such object any more.
        Gone = "gone",
        /// The object has changed.
        Conflict = "conflict",
        /// The API server, or an admission webhook, does not take it.
        Refused = "refused",
        /// A value of the set cannot be merged into an annotation: nothing was sent.
        NotMerged = "not_merged",
        /// The API server has too much to do.
        Throttled = "throttled",
        /// The API server failed.
        Failed = "failed",
        /// Nothing was sent, because this replica does not lead any more.
        NotLeading = "not_leading",
        /// There was no answer.
        Unanswered = "unanswered",
    }
}

impl Write {
    pub(crate) fn of(step: Step) -> Self {
        match step {
            Step::Definition => Self::Upgrade,
            Step::Flip => Self::Reset,
            Step::Resize => Self::Resize,
        }
    }
}

impl Written {
    pub(crate) fn of<K>(answer: &Answer<K>) -> Self {
        match answer {
            Answer::Written(_) => Self::Done,
            Answer::Altered(_) => Self::Refused,
            Answer::Gone => Self::Gone,
            Answer::Held(hold, _) => Self::held(*hold),
        }
    }

    /// Returns it as it is told.
    pub(crate) fn word(self) -> &'static str {
        super::value(self)
    }

    /// Returns what has become of a write that the API server answered like this.
    pub(crate) fn failed(error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) if status.code == 404 => Self::Gone,
            error => Self::held(crate::apply::outcome::hold(error)),
        }
    }

    fn held(hold: WriteHold) -> Self {
        match hold {
            WriteHold::Conflict => Self::Conflict,
            WriteHold::Refused | WriteHold::ResizeRefused => Self::Refused,
            WriteHold::NotMerged => Self::NotMerged,
            WriteHold::Throttled { .. } => Self::Throttled,
            WriteHold::Failed => Self::Failed,
            WriteHold::NotLeading => Self::NotLeading,
            WriteHold::Unanswered => Self::Unanswered,
        }
    }
}
