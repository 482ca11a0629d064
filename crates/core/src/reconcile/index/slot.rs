//! What is known of one Pod.

use crate::record::{Names, OwnContainers, PlainPod, PodKey, PodLabels, PodRecord};
use std::sync::Arc;

/// What is known of a Pod.
#[derive(Debug, Clone)]
pub enum Known {
    /// SidecarSets were injected into it.
    Carrier(Arc<PodRecord>),
    /// None was: only its labels and the names of its containers matter.
    Bystander(Arc<PlainPod>),
}

/// A Pod in the index.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) pod: Known,
    /// The sets that select it and were not injected into it. Nothing where nobody asks, because it is not active.
    pub(super) lacks: Option<Names>,
    /// Which list showed it last.
    pub(super) epoch: u32,
}

/// What decides which sets a Pod lacks.
#[derive(Debug, Clone)]
pub struct Selectable {
    pub key: PodKey,
    pub(super) pod: Known,
}

impl Known {
    pub fn labels(&self) -> &Arc<PodLabels> {
        match self {
            Self::Carrier(record) => &record.labels,
            Self::Bystander(plain) => &plain.labels,
        }
    }

    /// Returns the containers that were not injected.
    pub fn own(&self) -> &Arc<OwnContainers> {
        match self {
            Self::Carrier(record) => &record.own,
            Self::Bystander(plain) => &plain.own,
        }
    }

    pub fn carries(&self, set: &str) -> bool {
        self.record().is_some_and(|record| record.carries(set))
    }

    pub(super) fn record(&self) -> Option<&Arc<PodRecord>> {
        match self {
            Self::Carrier(record) => Some(record),
            Self::Bystander(_) => None,
        }
    }

    /// Says whether a Pod lacks the same sets, whatever else of it is different.
    pub(super) fn is_selected_like(&self, other: &Self) -> bool {
        self.labels() == other.labels() && self.own().os() == other.own().os() && self.injected().eq(other.injected())
    }

    fn injected(&self) -> impl Iterator<Item = &Arc<str>> {
        self.record().into_iter().flat_map(|record| record.injected())
    }
}

impl Selectable {
    pub fn own(&self) -> &Arc<OwnContainers> {
        self.pod.own()
    }

    pub fn labels(&self) -> &Arc<PodLabels> {
        self.pod.labels()
    }

    pub fn carries(&self, set: &str) -> bool {
        self.pod.carries(set)
    }
}

impl Slot {
    pub(super) fn lacks(&self) -> &[Arc<str>] {
        self.lacks.as_ref().map_or(&[], |lacks| lacks)
    }
}
