//! What a Lease says, and what is written into it.

use crate::term::{Term, seconds as seconds_of};
use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use std::time::Duration;

/// Returns who holds it.
pub(super) fn holder(lease: &Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref().filter(|holder| !holder.is_empty())
}

/// Returns which version of the object it is; nothing where it is gone.
pub(super) fn version(lease: Option<&Lease>) -> Option<&str> {
    lease?.metadata.resource_version.as_deref()
}

/// Returns how long it lasts. What nobody of us would have written is as good as nothing: else it could last for ever.
pub(super) fn length(lease: Option<&Lease>, own: Term) -> Duration {
    let seconds = lease.and_then(|lease| lease.spec.as_ref()?.lease_duration_seconds);
    let seconds = seconds.and_then(|seconds| seconds_of(Duration::from_secs(u64::try_from(seconds).ok()?)));
    seconds.map_or(own.length(), |seconds| Duration::from_secs(seconds.into()))
}

/// Returns it as a holder writes it.
pub(super) fn claimed(before: Option<&Lease>, identity: &str, term: Term, now: Timestamp) -> Lease {
    let is_renewed = before.and_then(holder) == Some(identity);
    let mut lease = before.cloned().unwrap_or_default();
    let known = lease.spec.take().unwrap_or_default();
    let handed_over = |transitions: i32| if is_renewed { transitions } else { transitions.saturating_add(1) };
    lease.spec = Some(LeaseSpec {
        acquire_time: known.acquire_time.filter(|_| is_renewed).or(Some(MicroTime(now))),
        holder_identity: Some(identity.to_owned()),
        lease_duration_seconds: Some(term.seconds()),
        lease_transitions: Some(before.map_or(0, |_| handed_over(known.lease_transitions.unwrap_or_default()))),
        renew_time: Some(MicroTime(now)),
        ..LeaseSpec::default()
    });
    lease
}

/// Returns it as a holder gives it back.
pub(super) fn released(lease: &Lease, now: Timestamp) -> Lease {
    let mut lease = lease.clone();
    let spec = lease.spec.get_or_insert_default();
    spec.holder_identity = Some(String::new());
    // Others need not wait; and it has to be a number above 0.
    spec.lease_duration_seconds = Some(1);
    spec.renew_time = Some(MicroTime(now));
    lease
}
