//! What one look at a set leads to, given what earlier attempts came to.

use crate::attempts::SetAttempts;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::annotations::Seconds;
use sidecarset_core::catalog::Outlook;
use sidecarset_core::normalize::CanonicalSet;
use sidecarset_core::record::{PodKey, PodRecord};
use sidecarset_core::rollout::{self, Hold, Plan, Upgrade};
use sidecarset_core::status;
use sidecarset_core::upgradable::{self, Change};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use tokio::time::Instant;

/// What one look at a set leads to.
#[derive(Debug)]
pub(crate) struct Round {
    /// What the set's status is to say.
    pub(crate) status: SidecarSetStatus,
    /// The steps of upgrades that are tried now, each with the Pod that it was decided on: second steps first, because
    /// they leave room for first ones.
    pub(crate) upgrades: Vec<(Arc<PodRecord>, Upgrade)>,
    /// Why other Pods are left as they are.
    pub(crate) holds: BTreeMap<PodKey, Hold>,
    /// The conditions of Pods that have to say something else, each with the Pod that it was decided on. A Pod that is
    /// upgraded now is not among them: it comes next time, as it is then.
    pub(crate) conditions: Vec<(Arc<PodRecord>, Change)>,
    /// When time alone leads to something else.
    pub(crate) next: Option<Instant>,
    /// Whether nothing is being rolled out.
    pub(crate) is_at_rest: bool,
}

/// What was gathered of a set.
#[derive(Debug)]
pub(crate) struct Gathered {
    /// The Pods that count as the set's, by namespace and name.
    pub(crate) matched: Vec<Arc<PodRecord>>,
    /// Other Pods that speak of the set, in their annotations or in their condition.
    pub(crate) strangers: Vec<Arc<PodRecord>>,
    /// The newest status that is known.
    pub(crate) status: Option<SidecarSetStatus>,
}

/// The time, as the two clocks show it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// What is written into objects.
    pub(crate) wall: Seconds,
    /// What waits are measured by.
    pub(crate) monotonic: Instant,
}

/// Decides about a set. Pods whose upgrade was tried in vain wait for their next attempt, and others take their
/// place.
pub(crate) fn plan(outlook: &Outlook, gathered: &Gathered, attempts: &SetAttempts, now: Now) -> Round {
    let matched = refs(&gathered.matched);
    let set = outlook.set.effective();
    let mut plan = rollout::plan(set, &matched, now.wall);
    if !attempts.is_empty() {
        let assumed = attempts.assume(set, &gathered.matched, now);
        let not_taken = with_records(steps(&mut plan), &gathered.matched).into_iter();
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
    let status = status::summarize(&outlook.set, &matched, &plan, gathered.status.as_ref(), now.wall);
    plan.holds.retain(|pod, _| !again.contains_key(pod));
    let mut conditions = conditions(set, gathered, &plan);
    conditions.retain(|(pod, _)| !attempts.is_under_way(pod));
    let is_at_rest = plan.is_at_rest();
    let mut upgrades = with_records(steps(&mut plan), &gathered.matched);
    if outlook.is_new {
        upgrades.clear();
    }
    let waits = [outlook.next.map(|next| next.since(now.wall)), plan.recheck_after];
    let next = waits.into_iter().flatten().min().map(|wait| now.monotonic + wait);
    Round { status, upgrades, holds: plan.holds, conditions, next, is_at_rest }
}

fn conditions(set: &CanonicalSet, gathered: &Gathered, plan: &Plan) -> Vec<(Arc<PodRecord>, Change)> {
    let upgraded: BTreeSet<&PodKey> = plan.flips.iter().chain(&plan.upgrades).map(|step| &step.pod).collect();
    let matched = gathered.matched.iter().filter(|pod| !upgraded.contains(&pod.key));
    let matched = matched.map(|pod| (pod, upgradable::of_matched(set, pod, plan.holds.get(&pod.key).copied())));
    let strangers = gathered.strangers.iter().map(|pod| (pod, upgradable::of_stranger(&set.name, pod)));
    matched.chain(strangers).filter_map(|(pod, change)| Some((Arc::clone(pod), change?))).collect()
}

/// Returns the plan that knows of earlier attempts, with a reason for each Pod that only the other one spoke of.
fn without_vain_attempts(all: BTreeMap<PodKey, Hold>, mut assumed: Plan) -> Plan {
    let upgraded: BTreeSet<&PodKey> = assumed.flips.iter().chain(&assumed.upgrades).map(|step| &step.pod).collect();
    for (pod, hold) in all.into_iter().filter(|(pod, _)| !upgraded.contains(pod)) {
        assumed.holds.entry(pod).or_insert(hold);
    }
    assumed
}

/// Returns the Pods that were tried in vain and are tried again, and what the last attempt came to.
fn tried_again(plan: &Plan, matched: &[Arc<PodRecord>], attempts: &SetAttempts) -> BTreeMap<PodKey, Hold> {
    if attempts.is_empty() {
        return BTreeMap::new();
    }
    let steps = plan.flips.iter().chain(&plan.upgrades);
    steps.filter_map(|step| Some((step.pod.clone(), attempts.failed(record(step, matched)?)?))).collect()
}

pub(crate) fn refs(pods: &[Arc<PodRecord>]) -> Vec<&PodRecord> {
    pods.iter().map(AsRef::as_ref).collect()
}

fn steps(plan: &mut Plan) -> Vec<Upgrade> {
    let mut steps = std::mem::take(&mut plan.flips);
    steps.append(&mut plan.upgrades);
    steps
}

fn with_records(upgrades: Vec<Upgrade>, matched: &[Arc<PodRecord>]) -> Vec<(Arc<PodRecord>, Upgrade)> {
    let paired = upgrades.into_iter().map(|upgrade| Some((Arc::clone(record(&upgrade, matched)?), upgrade)));
    paired.flatten().collect()
}

fn record<'a>(upgrade: &Upgrade, matched: &'a [Arc<PodRecord>]) -> Option<&'a Arc<PodRecord>> {
    matched.binary_search_by(|pod| pod.key.cmp(&upgrade.pod)).ok().map(|at| &matched[at])
}
