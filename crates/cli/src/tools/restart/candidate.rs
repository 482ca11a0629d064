//! Which Pods have to be created anew.

use crate::tools::failure::Failure;
use crate::tools::snapshot::Snapshot;
use crate::tools::view::View;
use clap::ValueEnum;
use jiff::Timestamp;
use serde::Serialize;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::PodKey;
use sidecarset_core::revision::PinPolicy;
use sidecarset_core::rollout::Hold;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Which Pods are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Reasons {
    /// Those of both
    #[default]
    All,
    /// Those that carry an outdated definition and cannot be upgraded in place
    NeedsNewPod,
    /// Those that the set selects and that lack its sidecars
    Missing,
}

/// Why a Pod has to be created anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// It carries an outdated definition and cannot be upgraded in place.
    NeedsNewPod,
    /// A set selects it and its sidecars are not in it.
    Missing,
}

/// A Pod that has to be created anew.
#[derive(Debug, Clone)]
pub struct Candidate {
    /// Its namespace and name.
    pub key: PodKey,
    /// For which sets, and why.
    pub sets: BTreeMap<Arc<str>, Reason>,
}

impl Reason {
    /// Returns what it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::NeedsNewPod => "needs-new-pod",
            Self::Missing => "missing",
        }
    }
}

impl Candidate {
    /// Returns why it has to be created anew, for the first of its sets.
    pub fn reason(&self) -> Reason {
        self.sets.values().copied().min().unwrap_or(Reason::Missing)
    }
}

/// Chooses the Pods that have to be created anew for these sets, by namespace and name.
///
/// # Errors
/// A set is not there or not valid, or new Pods would not be any better.
pub fn choose(snapshot: &Snapshot, names: &[String], reasons: Reasons) -> Result<Vec<Candidate>, Failure> {
    let mut chosen: BTreeMap<PodKey, BTreeMap<Arc<str>, Reason>> = BTreeMap::new();
    let mut note = |pod: &PodKey, set: &Arc<str>, reason| {
        chosen.entry(pod.clone()).or_default().insert(Arc::clone(set), reason);
    };
    for name in names {
        let set = snapshot.valid(name)?;
        check_new_pods(set, reasons)?;
        let Some(view) = View::of(snapshot, name, Seconds::from(Timestamp::now())) else { continue };
        if reasons != Reasons::Missing {
            view.plan.held_pods(Hold::NeedsNewPod).for_each(|pod| note(pod, &set.name, Reason::NeedsNewPod));
        }
        if reasons != Reasons::NeedsNewPod {
            view.missing.iter().for_each(|pod| note(&pod.key, &set.name, Reason::Missing));
        }
    }
    Ok(chosen.into_iter().map(|(key, sets)| Candidate { key, sets }).collect())
}

/// Refuses where new Pods would not get what the old ones lack: they would be evicted for nothing.
fn check_new_pods(set: &CanonicalSet, reasons: Reasons) -> Result<(), Failure> {
    let name = &set.name;
    if !set.is_injecting {
        return Err(Failure::new(format!("new Pods would not get the sidecars of {name:?}: its injection is paused"))
            .hinting(format!("`sidecarset resume {name} --injection` lets it go on")));
    }
    let pin = set.pin.as_ref().filter(|pin| pin.policy == PinPolicy::Always || set.rollout.is_paused);
    if let Some(pin) = pin.filter(|_| reasons != Reasons::Missing) {
        let pinned =
            format!("new Pods would not get the present definition of {name:?}: it is pinned to {}", pin.asked);
        return Err(Failure::new(pinned)
            .hinting("remove spec.injectionStrategy.revision, or evict only Pods without sidecars: --reason=missing"));
    }
    Ok(())
}
