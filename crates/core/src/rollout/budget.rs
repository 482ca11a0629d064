//! How many Pods are upgraded in a round.

use super::Hold;
use super::availability::counts_as_unavailable;
use crate::amount::Amount;
use crate::annotations::Seconds;
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};

/// Which of the waiting Pods are upgraded.
pub(super) struct Round<'a> {
    pub(super) upgrades: Vec<&'a PodRecord>,
    pub(super) holds: Vec<(PodKey, Hold)>,
}

/// Takes waiting Pods in their order, as far as partition and `maxUnavailable` allow.
pub(super) fn spend<'a>(
    set: &CanonicalSet,
    matched: &[&PodRecord],
    waiting: &[&'a PodRecord],
    now: Seconds,
) -> Round<'a> {
    let total = u32::try_from(matched.len()).unwrap_or(u32::MAX);
    let kept = usize::try_from(partition(set.rollout.partition, total)).unwrap_or(usize::MAX);
    let (taken, kept) = waiting.split_at(waiting.len().saturating_sub(kept));
    let mut round = Round { upgrades: Vec::new(), holds: held(kept, Hold::Partition) };

    // What the partition keeps is not upgraded, so what is broken there would be waited for in vain.
    let spending = |pods: &[&PodRecord]| pods.iter().filter(|pod| counts_as_unavailable(set, pod, now)).count();
    let unavailable = spending(matched).saturating_sub(spending(kept));
    let max_unavailable = usize::try_from(max_unavailable(set, matched.len())).unwrap_or(usize::MAX);
    let mut budget = max_unavailable.saturating_sub(unavailable);
    for pod in taken {
        // As in Kruise: a Pod that is not ready costs no budget. It may be the upgrade that repairs it. And what is
        // spent already is not spent twice.
        if !pod.is_ready() || counts_as_unavailable(set, pod, now) {
            round.upgrades.push(*pod);
        } else if budget > 0 {
            budget -= 1;
            round.upgrades.push(*pod);
        } else {
            round.holds.push((pod.key.clone(), Hold::BudgetSpent));
        }
    }
    round
}

/// Returns how many of the matched Pods may be unavailable.
#[must_use]
pub fn max_unavailable(set: &CanonicalSet, matched: usize) -> u32 {
    // A share of a few Pods is rounded up, so it is 0 only where 0% was asked for.
    set.rollout.max_unavailable.rounded_up(u32::try_from(matched).unwrap_or(u32::MAX))
}

fn held(pods: &[&PodRecord], hold: Hold) -> Vec<(PodKey, Hold)> {
    pods.iter().map(|pod| (pod.key.clone(), hold)).collect()
}

fn partition(amount: Amount, total: u32) -> u32 {
    let pods = amount.rounded_up(total).min(total);
    match amount {
        // As in Kruise: a share below 100% never keeps all Pods, else a rollout by shares would not begin.
        Amount::Percent(share) if share != 100 && pods == total && total > 1 => pods - 1,
        Amount::Percent(_) | Amount::Count(_) => pods,
    }
}
