//! The whole decision about a new Pod, from the sets that select it.

use super::{Injection, Refusal, choose, inject};
use crate::annotations::Seconds;
use crate::catalog::{InvalidSet, Selection};
use crate::json::AsJson;
use crate::normalize::CanonicalSet;
use crate::os::OperatingSystem;
use std::borrow::Cow;
use std::fmt::{self, Display};
use std::sync::Arc;

/// Why a Pod is refused. It must not be created without its sidecars.
#[derive(Debug)]
pub enum Rejection {
    /// A set selects the Pod that nobody can act on.
    InvalidSet(Arc<InvalidSet>),
    /// The sets of these names select the Pod, and cannot be injected into it.
    NotInjectable {
        /// The names of the sets.
        sets: Vec<Arc<str>>,
        /// What is wrong.
        refusal: Refusal,
    },
}

/// Decides what a Pod gets. `draw` answers with a number from 0 to below 1 for a set.
///
/// # Errors
/// The Pod cannot be injected whole.
pub fn decide(
    pod: &impl AsJson,
    selection: &Selection,
    draw: impl Fn(&str) -> f64,
    now: Seconds,
) -> Result<Injection, Rejection> {
    if let Some(set) = selection.invalid.first() {
        return Err(Rejection::InvalidSet(Arc::clone(set)));
    }
    let (sets, left_out) = selection.for_os(os_of(pod));
    let chosen = choose(pod, &sets, draw);
    let injected = chosen.and_then(|sets| inject(pod, &sets, now));
    let mut injection = injected.map_err(|refusal| {
        let sets = sets.iter().map(|set| Arc::clone(&set.name)).collect();
        Rejection::NotInjectable { sets, refusal }
    })?;
    injection.warnings.extend(left_out);
    Ok(injection)
}

/// Returns the operating system that a Pod is for.
#[must_use]
pub fn os_of(pod: &impl AsJson) -> OperatingSystem {
    pod.look(|pod| OperatingSystem::of_spec(pod.at("spec")))
}

impl Selection {
    /// Returns the sets that are for Pods of an operating system, and tells of those that are not although they do not say so.
    fn for_os(&self, os: OperatingSystem) -> (Cow<'_, [Arc<CanonicalSet>]>, Vec<String>) {
        if self.sets.iter().all(|set| set.operating_systems.include(os)) {
            return (Cow::Borrowed(&self.sets), Vec::new());
        }
        let (sets, others) = self.sets.iter().cloned().partition(|set| set.operating_systems.include(os));
        let others: Vec<Arc<CanonicalSet>> = others;
        let told = others.iter().filter(|set| set.operating_systems.are_assumed()).map(|set| {
            let (name, its) = (&set.name, set.operating_systems);
            format!(
                "SidecarSet {name} is not injected: the Pod is for {os}, and a set is for {its} that names no \
                 spec.injectionStrategy.operatingSystems"
            )
        });
        (Cow::Owned(sets), told.collect())
    }
}

impl Display for Rejection {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidSet(set) => {
                write!(out, "SidecarSet {:?} selects this pod but is invalid: {}", set.name, set.violations)
            }
            Self::NotInjectable { sets, refusal } => {
                write!(out, "the sidecars of SidecarSet {} cannot be injected: {refusal}", sets.join(", "))
            }
        }
    }
}

impl std::error::Error for Rejection {}
