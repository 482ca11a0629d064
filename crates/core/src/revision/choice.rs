//! Which definition of a set a new Pod gets: the present one, or the past one that the set is pinned to, or to which a
//! failed rollout returns.

use super::{PinPolicy, Unusable};
use crate::amount::Amount;
use crate::normalize::CanonicalSet;
use crate::selection::{Labels, Selector};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Chooses the definition that a new Pod with these labels gets. `draw` is a number from 0 to below 1.
///
/// # Errors
/// The set is pinned to a revision that cannot be injected.
pub fn choose<'a>(
    set: &'a Arc<CanonicalSet>,
    pod: &impl Labels,
    draw: f64,
) -> Result<&'a Arc<CanonicalSet>, &'a Unusable> {
    let Some(pin) = &set.pin else {
        return Ok(set.effective());
    };
    // As in Kruise: a revision that is missing keeps each Pod from being created, also those that would not get it.
    let past = pin.past.as_ref()?;
    Ok(if extent(set, pin.policy).includes(pod, draw) { past } else { set.effective() })
}

/// Returns the definitions of which [`choose`] gives each new Pod one; the present one first, where it is one of them.
///
/// # Errors
/// The set is pinned to a revision that cannot be injected.
pub fn choices(set: &Arc<CanonicalSet>) -> Result<Vec<&Arc<CanonicalSet>>, &Unusable> {
    let Some(pin) = &set.pin else {
        return Ok(vec![set.effective()]);
    };
    let past = pin.past.as_ref()?;
    Ok(match extent(set, pin.policy) {
        Extent::All => vec![past],
        Extent::NotSelected(..) | Extent::Share(_) => vec![set.effective(), past],
        Extent::None => vec![set.effective()],
    })
}

/// Returns a number from 0 to below 1 that is another one for each request and set, and always the same for both:
/// whoever repeats a request of the API server sees what it did, and nothing here depends on chance.
#[must_use]
pub fn draw(request: &str, set: &str) -> f64 {
    let digest = Sha256::new().chain_update(request).chain_update([0]).chain_update(set).finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

/// Which new Pods get the past definition.
enum Extent<'a> {
    /// Each.
    All,
    /// Those that the rollout does not select, and this share of the others, in percent.
    NotSelected(&'a Selector, Option<u32>),
    /// This share of them, in percent.
    Share(u32),
    /// None.
    None,
}

impl Extent<'_> {
    fn includes(&self, pod: &impl Labels, draw: f64) -> bool {
        match *self {
            Self::All => true,
            Self::NotSelected(selector, share) => {
                !selector.matches(pod) || share.is_some_and(|share| is_drawn(share, draw))
            }
            Self::Share(share) => is_drawn(share, draw),
            Self::None => false,
        }
    }
}

// As in Kruise, in this order.
fn extent(set: &CanonicalSet, policy: PinPolicy) -> Extent<'_> {
    if set.rollout.is_paused || policy == PinPolicy::Always {
        return Extent::All;
    }
    let share = match set.rollout.partition {
        // Of how many Pods would it be that many? Nobody knows how many there will be.
        Amount::Count(_) => None,
        Amount::Percent(share) => Some(share),
    };
    match (&set.rollout.selector, share) {
        (Some(selector), share) => Extent::NotSelected(selector, share),
        (None, Some(share)) => Extent::Share(share),
        (None, None) => Extent::None,
    }
}

fn is_drawn(share: u32, draw: f64) -> bool {
    draw <= f64::from(share) / 100.0
}
