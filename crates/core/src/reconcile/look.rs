//! One look at a set: what is known of it is gathered, and what follows from that is decided.

use super::round::{self, refs};
use super::{InFlightOfSet, Now, Round};
use crate::catalog::{Catalog, FailureEvaluation, InvalidSet};
use crate::normalize::CanonicalSet;
use crate::record::PodRecord;
use crate::rollout;
use crate::status;
use crate::upgradable::{self, Change};
use sidecarset_api::v1beta1::SidecarSetStatus;
use std::sync::Arc;

/// What is known of a set, before anything is decided. To decide about many Pods takes long: it needs nothing but this.
#[derive(Debug)]
pub struct Look {
    pub(super) name: Arc<str>,
    pub(super) now: Now,
    subject: Subject,
}

#[derive(Debug)]
enum Subject {
    Valid(Box<ValidSet>),
    Invalid(Arc<InvalidSet>, Option<Box<SidecarSetStatus>>),
    /// There is no such set, or no longer: these Pods have to do with it.
    Gone(Vec<Arc<PodRecord>>),
}

#[derive(Debug)]
struct ValidSet {
    set: Arc<CanonicalSet>,
    gathered: Gathered,
    attempts: InFlightOfSet,
}

/// What is decided about a set.
#[derive(Debug)]
pub struct Decision {
    pub(super) name: Arc<str>,
    pub(super) now: Now,
    pub(super) outcome: Outcome,
}

#[derive(Debug)]
pub(super) enum Outcome {
    /// What follows, and the set as it was looked at.
    Valid(Box<Decided>),
    /// What is said of a set that cannot be acted on.
    Invalid(Arc<InvalidSet>, Box<SidecarSetStatus>),
    /// The conditions of Pods that still speak of a set that is gone.
    Gone(Vec<(Arc<PodRecord>, Change)>),
}

#[derive(Debug)]
pub(super) struct Decided {
    pub(super) set: Arc<CanonicalSet>,
    pub(super) target: Arc<CanonicalSet>,
    pub(super) matched: Vec<Arc<PodRecord>>,
    pub(super) round: Round,
}

/// What was gathered of a set.
#[derive(Debug)]
pub struct Gathered {
    /// The Pods that count as the set's, by namespace and name.
    pub matched: Vec<Arc<PodRecord>>,
    /// Other Pods that speak of the set, in their annotations or in their condition.
    pub strangers: Vec<Arc<PodRecord>>,
    /// The newest status that is known.
    pub status: Option<SidecarSetStatus>,
}

impl Gathered {
    /// Sorts out the Pods that have to do with a set, given by namespace and name.
    #[must_use]
    pub fn of(
        set: &CanonicalSet,
        pods: impl IntoIterator<Item = Arc<PodRecord>>,
        catalog: &Catalog,
        status: Option<SidecarSetStatus>,
    ) -> Self {
        let namespace = |pod: &PodRecord| catalog.namespace(pod.key.namespace()).map(AsRef::as_ref);
        let is_matched = |pod: &Arc<PodRecord>| rollout::is_matched(set, pod, namespace(pod));
        let (matched, mut strangers): (Vec<_>, Vec<_>) = pods.into_iter().partition(is_matched);
        // Nobody can say what a set selects in a namespace whose labels are not known.
        strangers.retain(|pod| namespace(pod).is_some());
        Self { matched, strangers, status }
    }

    fn evaluate_failure(&self, set: &Arc<CanonicalSet>, catalog: &Catalog, now: Now) -> FailureEvaluation {
        catalog.evaluate_failure(set, &refs(&self.matched), self.status.as_ref(), now.wall)
    }
}

impl Look {
    /// Looks at a set of which no write is known.
    #[must_use]
    pub fn of(set: &Arc<CanonicalSet>, gathered: Gathered, now: Now) -> Self {
        Self::valid(Arc::clone(set), gathered, InFlightOfSet::default(), now)
    }

    pub(super) fn valid(set: Arc<CanonicalSet>, gathered: Gathered, attempts: InFlightOfSet, now: Now) -> Self {
        let name = Arc::clone(&set.name);
        Self { name, now, subject: Subject::Valid(Box::new(ValidSet { set, gathered, attempts })) }
    }

    pub(super) fn invalid(set: Arc<InvalidSet>, status: Option<SidecarSetStatus>, now: Now) -> Self {
        Self { name: Arc::clone(&set.name), now, subject: Subject::Invalid(set, status.map(Box::new)) }
    }

    pub(super) fn gone(name: &Arc<str>, pods: Vec<Arc<PodRecord>>, now: Now) -> Self {
        Self { name: Arc::clone(name), now, subject: Subject::Gone(pods) }
    }

    /// Says how the rollout of the set goes on.
    #[must_use]
    pub fn evaluate_failure(&self, catalog: &Catalog) -> Option<FailureEvaluation> {
        match &self.subject {
            Subject::Valid(valid) => Some(valid.gathered.evaluate_failure(&valid.set, catalog, self.now)),
            Subject::Invalid(..) | Subject::Gone(_) => None,
        }
    }

    /// Decides what follows, given [`Self::evaluate_failure`].
    #[must_use]
    pub fn decide(self, evaluation: Option<FailureEvaluation>) -> Decision {
        let outcome = match self.subject {
            Subject::Valid(valid) => {
                let ValidSet { set, gathered, mut attempts } = *valid;
                let evaluation = evaluation.unwrap_or_else(|| FailureEvaluation {
                    set: Arc::clone(&set),
                    is_new: false,
                    next: None,
                });
                let target = Arc::clone(evaluation.set.effective());
                attempts.turn_to(&target);
                let round = round::plan(&evaluation, &gathered, &attempts, self.now);
                Outcome::Valid(Box::new(Decided { set, target, matched: gathered.matched, round }))
            }
            Subject::Invalid(set, before) => {
                let status = status::invalid(&set, before.as_deref(), self.now.wall);
                Outcome::Invalid(set, Box::new(status))
            }
            Subject::Gone(pods) => {
                let change = |pod: Arc<PodRecord>| Some((Arc::clone(&pod), upgradable::of_stranger(&self.name, &pod)?));
                Outcome::Gone(pods.into_iter().filter_map(change).collect())
            }
        };
        Decision { name: self.name, now: self.now, outcome }
    }
}

impl Decision {
    /// Returns what follows for the Pods of a set that can be acted on, and these.
    #[must_use]
    pub fn into_round(self) -> Option<(Round, Vec<Arc<PodRecord>>)> {
        match self.outcome {
            Outcome::Valid(decided) => Some((decided.round, decided.matched)),
            Outcome::Invalid(..) | Outcome::Gone(_) => None,
        }
    }

    /// Says whether there is no such set.
    #[must_use]
    pub fn is_gone(&self) -> bool {
        matches!(self.outcome, Outcome::Gone(_))
    }

    /// Returns what follows for the Pods of a set that can be acted on, and how many it has.
    #[must_use]
    pub fn round(&self) -> Option<(&Round, usize)> {
        match &self.outcome {
            Outcome::Valid(decided) => Some((&decided.round, decided.matched.len())),
            Outcome::Invalid(..) | Outcome::Gone(_) => None,
        }
    }
}
