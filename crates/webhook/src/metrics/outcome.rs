//! What became of a review, in words that are counted.

use crate::review::{Cause, Denial, Verdict};
use sidecarset_metrics::{Labels, label};

/// What became of a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The object may be written, with changes.
    Patched,
    /// The object may be written as it is.
    Unchanged,
    /// The object may not be written.
    Denied(DenialReason),
    /// The answer is not known: the labels of the namespace, or the sets.
    Unavailable,
    /// The request was no review that could be read.
    Unreadable,
    /// Too many reviews were under way: it is to be asked again.
    Busy,
    /// It took too long, or the API server hung up.
    CutOff,
    /// It ended in a panic.
    Panicked,
    /// The API server had not been heard from for too long.
    Stale,
}

label! {
    /// Why an object may not be written.
    pub enum DenialReason: "reason" {
        /// The review is not one that is answered here.
        BadRequest = "bad_request",
        /// A SidecarSet has violations.
        InvalidSpec = "invalid_spec",
        /// A SidecarSet that selects the Pod cannot be acted on.
        InvalidSet = "invalid_set",
        /// Two SidecarSets have a container of one name for the Pod.
        SameContainer = "same_container",
        /// The Pod has no container from which resources of a sidecar could be computed.
        NoTarget = "no_target",
        /// A SidecarSet that selects the Pod is pinned to a revision that cannot be injected.
        UnusablePin = "unusable_pin",
        /// The cluster does not allow the annotations of a SidecarSet that selects the Pod.
        NotAllowed = "not_allowed",
        /// With the sidecars the API server would reject the Pod.
        Misfit = "misfit",
        /// A part of the Pod, on which the injection depends, is not as it should be.
        UnreadablePod = "unreadable_pod",
    }
}

impl Outcome {
    /// Returns what becomes of a review with a verdict.
    #[must_use]
    pub fn of(verdict: &Verdict) -> Self {
        match verdict {
            Verdict::Allowed { patch, .. } if patch.is_empty() => Self::Unchanged,
            Verdict::Allowed { .. } => Self::Patched,
            Verdict::Denied(denial) => Self::Denied(DenialReason::of(denial)),
        }
    }
}

impl DenialReason {
    fn of(denial: &Denial) -> Self {
        match denial {
            Denial::BadRequest(_) => Self::BadRequest,
            Denial::Invalid { cause, .. } => match cause {
                Cause::InvalidSpec => Self::InvalidSpec,
                Cause::InvalidSet => Self::InvalidSet,
                Cause::SameContainer => Self::SameContainer,
                Cause::NoTarget => Self::NoTarget,
                Cause::UnusablePin => Self::UnusablePin,
                Cause::NotAllowed => Self::NotAllowed,
                Cause::Misfit => Self::Misfit,
                Cause::UnreadablePod => Self::UnreadablePod,
            },
        }
    }
}

impl Labels for Outcome {
    const COUNT: usize = 8 + DenialReason::COUNT;

    fn all() -> impl Iterator<Item = Self> {
        let others = [
            Self::Patched,
            Self::Unchanged,
            Self::Unreadable,
            Self::CutOff,
            Self::Panicked,
            Self::Unavailable,
            Self::Stale,
            Self::Busy,
        ];
        others.into_iter().chain(DenialReason::all().map(Self::Denied))
    }

    fn index(self) -> usize {
        match self {
            Self::Patched => 0,
            Self::Unchanged => 1,
            Self::Unreadable => 2,
            Self::CutOff => 3,
            Self::Panicked => 4,
            Self::Unavailable => 5,
            Self::Stale => 6,
            Self::Busy => 7,
            Self::Denied(reason) => 8 + reason.index(),
        }
    }

    fn written(self) -> Vec<(&'static str, &'static str)> {
        match self {
            Self::Patched => vec![("result", "allowed"), ("reason", "patched")],
            Self::Unchanged => vec![("result", "allowed"), ("reason", "unchanged")],
            Self::Denied(reason) => [vec![("result", "denied")], reason.written()].concat(),
            Self::Unreadable => vec![("result", "failed"), ("reason", "unreadable")],
            Self::Unavailable => vec![("result", "failed"), ("reason", "unavailable")],
            Self::Busy => vec![("result", "failed"), ("reason", "busy")],
            Self::CutOff => vec![("result", "failed"), ("reason", "cut_off")],
            Self::Panicked => vec![("result", "failed"), ("reason", "panicked")],
            Self::Stale => vec![("result", "failed"), ("reason", "stale")],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_a_place_of_its_own() {
        let places: Vec<usize> = Outcome::all().map(Labels::index).collect();

        assert_eq!(places, (0..Outcome::COUNT).collect::<Vec<_>>());
    }

    #[test]
    fn a_denial_tells_its_reason() {
        let denial = Denial::Invalid { cause: Cause::NoTarget, message: String::new(), details: None };

        let outcome = Outcome::of(&Verdict::Denied(denial));

        assert_eq!(outcome.written(), [("result", "denied"), ("reason", "no_target")]);
    }
}
