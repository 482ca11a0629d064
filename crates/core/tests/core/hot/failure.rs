//! Hot upgrades in a rollout that has failed.

use super::pod::HotPod;
use super::{flip, handed_over_to, hold, images, set, stuck_at, upgrade};
use sidecarset_api::v1beta1::RolloutFailure;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::revision::Failure;
use sidecarset_core::rollout::Hold;
use std::sync::Arc;

/// The set after its rollout has failed, and where it returns to if it does.
fn failed(image: &str, past: Option<CanonicalSet>) -> Arc<CanonicalSet> {
    let set = set(image);
    let returns = |past| CanonicalSet { returns_from: Some(Arc::clone(&set.hashes.full)), ..past };
    let past = past.map(|past| Ok(Arc::new(returns(past))));
    let failure = Failure { told: RolloutFailure::default(), past };
    Arc::new(CanonicalSet { failure: Some(failure), ..set.clone() })
}

#[test]
fn a_hand_over_that_has_begun_is_ended_though_the_rollout_is_halted() {
    let halted = failed("envoy:v2", None);
    let mut pod = handed_over_to("envoy:v2");

    flip(&mut pod, &halted);

    assert_eq!(images(&pod), ("empty:1", "envoy:v2"));
    assert_eq!(hold(&halted, &stuck_at("envoy:v2")), Some(Hold::HandOver));
    assert_eq!(hold(&halted, &HotPod::new("a", &set("envoy:v1"))), Some(Hold::Halted));
}

#[test]
fn a_rollback_from_a_container_that_never_became_ready_is_one_write() {
    let failed = failed("envoy:bad", Some(set("envoy:v1")));
    let mut pod = stuck_at("envoy:bad");

    upgrade(&mut pod, failed.effective());

    assert_eq!(images(&pod), ("envoy:v1", "empty:1"));
}
