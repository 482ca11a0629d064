//! The whole decision about a new Pod, from the sets that select it.

use super::{Injection, Refusal, choose, inject};
use crate::annotations::Seconds;
use crate::catalog::{InvalidSet, Selection};
use crate::json::AsJson;
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
    let chosen = choose(pod, &selection.sets, draw);
    chosen.and_then(|sets| inject(pod, &sets, now)).map_err(|refusal| {
        let sets = selection.sets.iter().map(|set| Arc::clone(&set.name)).collect();
        Rejection::NotInjectable { sets, refusal }
    })
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
