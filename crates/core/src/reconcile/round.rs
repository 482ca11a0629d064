//! What one look at a set leads to, given what earlier attempts came to.

use super::attempts::InFlightOfSet;
use super::look::Gathered;
use super::{Monotonic, Now};
use crate::catalog::FailureEvaluation;
use crate::normalize::CanonicalSet;
use crate::record::{PodKey, PodRecord};
use crate::rollout::{self, Hold, Plan, Upgrade};
use crate::status;
use crate::upgradable::{self, Change};
use sidecarset_api::v1beta1::SidecarSetStatus;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What one look at a set leads to.
#[derive(Debug)]
pub struct Round {
    /// What the set's status is to say.
    pub status: SidecarSetStatus,
    /// The steps of upgrades that are tried now, and why other Pods are left as they are.
    pub plan: Plan,
    /// The conditions of Pods that have to say something else, each with the Pod that it was decided on. A Pod that is
    /// upgraded now is not among them: it comes next time, as it is then.
    pub conditions: Vec<(Arc<PodRecord>, Change)>,
    /// When time alone leads to something else.
    pub next: Option<Monotonic>,
    /// Whether nothing is being rolled out.
    pub is_at_rest: bool,
    /// Whether the rollout has just failed: no upgrade is written before the status says that.
    pub is_new: bool,
}

/// Decides about a set. Pods whose upgrade was tried in vain wait for their next attempt, and others take their
/// place.
pub fn plan(evaluation: &FailureEvaluation, gathered: &Gathered, attempts: &InFlightOfSet, now: Now) -> Round {
    let matched = refs(&gathered.matched);
    let set = evaluation.set.effective();
    let mut plan = rollout::plan(set, &matched, now.wall);
    if !attempts.is_empty() {
        let assumed = attempts.assume(set, &gathered.matched, now);
        let not_taken = with_records(plan.take_steps(), &gathered.matched);
        plan.holds.extend(not_taken.map(|(pod, upgrade)| (upgrade.pod, attempts.reason(&pod))));
        let may_try = |upgrade: &Upgrade| {
            record(upgrade, &gathered.matched).is_some_and(|pod| attempts.may_try(pod, now.monotonic))
        };
        let mut assumed = rollout::plan(set, &refs(&assumed), now.wall);
        assumed.upgrades.retain(may_try);
        assumed.flips.retain(may_try);
        plan = without_vain_attempts(plan.holds, assumed);
    }
    // A status that spoke of each attempt would change with each, and never say for long that they are in vain.
    let again = tried_again(&plan, &gathered.matched, attempts);
    plan.holds.extend(again.clone());
    plan.answer = attempts.answer(&gathered.matched);
    let status = status::summarize(&evaluation.set, &matched, &plan, gathered.status.as_ref(), now.wall);
    plan.holds.retain(|pod, _| !again.contains_key(pod));
    let mut conditions = conditions(set, gathered, &plan);
    conditions.retain(|(pod, _)| !attempts.is_under_way(pod));
    let is_at_rest = plan.is_at_rest();
    let waits = [evaluation.next.map(|next| next.since(now.wall)), plan.recheck_after];
    let next = waits.into_iter().flatten().min().map(|wait| now.monotonic + wait);
    Round { status, plan, conditions, next, is_at_rest, is_new: evaluation.is_new }
}

fn conditions(set: &CanonicalSet, gathered: &Gathered, plan: &Plan) -> Vec<(Arc<PodRecord>, Change)> {
    let upgraded: BTreeSet<&PodKey> = plan.steps().map(|step| &step.pod).collect();
    let matched = gathered.matched.iter().filter(|pod| !upgraded.contains(&pod.key));
    let matched = matched.map(|pod| (pod, upgradable::of_matched(set, pod, plan.holds.get(&pod.key).copied())));
    let strangers = gathered.strangers.iter().map(|pod| (pod, upgradable::of_stranger(&set.name, pod)));
    matched.chain(strangers).filter_map(|(pod, change)| Some((Arc::clone(pod), change?))).collect()
}

/// Returns the plan that knows of earlier attempts, with a reason for each Pod that only the other one spoke of.
fn without_vain_attempts(mut all: BTreeMap<PodKey, Hold>, mut assumed: Plan) -> Plan {
    let upgraded: BTreeSet<&PodKey> = assumed.steps().map(|step| &step.pod).collect();
    all.retain(|pod, _| !upgraded.contains(pod));
    // Where both have a reason, that of the plan which knows more counts.
    all.append(&mut assumed.holds);
    Plan { holds: all, ..assumed }
}

/// Returns the Pods that were tried in vain and are tried again, and what the last attempt came to.
fn tried_again(plan: &Plan, matched: &[Arc<PodRecord>], attempts: &InFlightOfSet) -> BTreeMap<PodKey, Hold> {
    if attempts.is_empty() {
        return BTreeMap::new();
    }
    let failed = |step: &Upgrade| Some((step.pod.clone(), attempts.failed(record(step, matched)?)?));
    plan.steps().filter_map(failed).collect()
}

pub fn refs(pods: &[Arc<PodRecord>]) -> Vec<&PodRecord> {
    pods.iter().map(AsRef::as_ref).collect()
}

/// Returns steps of upgrades, each with the Pod that it was decided on.
pub fn with_records(
    steps: Vec<Upgrade>,
    matched: &[Arc<PodRecord>],
) -> impl Iterator<Item = (Arc<PodRecord>, Upgrade)> {
    steps.into_iter().filter_map(|step| Some((Arc::clone(record(&step, matched)?), step)))
}

fn record<'a>(upgrade: &Upgrade, matched: &'a [Arc<PodRecord>]) -> Option<&'a Arc<PodRecord>> {
    matched.binary_search_by(|pod| pod.key.cmp(&upgrade.pod)).ok().map(|at| &matched[at])
}
