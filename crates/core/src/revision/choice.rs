//! Which definition of a set a new Pod gets: the present one, or the past one that the set is pinned to, or to which a
//! failed rollout returns.

use super::{PinPolicy, Unusable};
use crate::amount::Amount;
use crate::normalize::CanonicalSet;
use crate::selection::Labels;
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
    Ok(if gets_past(set, pin.policy, pod, draw) { past } else { set.effective() })
}

/// Returns a number from 0 to below 1 that is another one for each request and set, and always the same for both:
/// whoever repeats a request of the API server sees what it did, and nothing here depends on chance.
#[must_use]
pub fn draw(request: &str, set: &str) -> f64 {
    let digest = Sha256::new().chain_update(request).chain_update([0]).chain_update(set).finalize();
    let number = u32::from_be_bytes([digest[0], digest[1], digest[2], digest[3]]);
    f64::from(number) / (f64::from(u32::MAX) + 1.0)
}

// As in Kruise, in this order.
fn gets_past(set: &CanonicalSet, policy: PinPolicy, pod: &impl Labels, draw: f64) -> bool {
    if set.rollout.is_paused || policy == PinPolicy::Always {
        return true;
    }
    if set.rollout.selector.as_ref().is_some_and(|selector| !selector.matches(pod)) {
        return true;
    }
    match set.rollout.partition {
        // Of how many Pods would it be that many? Nobody knows how many there will be.
        Amount::Count(_) => false,
        Amount::Percent(share) => draw <= f64::from(share) / 100.0,
    }
}
