//! How the rollout of each set stands, as of the last look at it. What is told of a set goes with it.

use super::value;
use parking_lot::Mutex;
use sidecarset_api::v1beta1::SidecarSetStatus;
use sidecarset_core::record::PodKey;
use sidecarset_core::rollout::Hold;
use sidecarset_metrics::{Collector, DescriptorEncoder, Labels, Scrape, label};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

label! {
    /// What is true of Pods. Several of these can be.
    pub enum PodState: "state" {
        /// The set was injected into them, and selects them.
        Matched = "matched",
        /// They carry the present definition.
        Updated = "updated",
        /// They are ready.
        Ready = "ready",
        /// They are both.
        UpdatedReady = "updated_ready",
        /// They take the present definition only when they are created anew.
        NotUpgradable = "not_upgradable",
        /// The set selects them, and they were created without it.
        NotInjected = "not_injected",
    }
}

label! {
    /// Why sidecars do not run, in the words of the kubelet.
    pub enum FailureReason: "reason" {
        /// The image is not a name that can be read.
        InvalidImageName = "InvalidImageName",
        /// The image is not on the node, and may not be pulled.
        ImageNeverPulled = "ErrImageNeverPull",
        /// The image cannot be pulled.
        ImagePull = "ImagePullBackOff",
        /// Something that the container refers to is missing or wrong.
        Configuration = "CreateContainerConfigError",
        /// The container runtime cannot create it.
        Creation = "CreateContainerError",
        /// The container runtime cannot start it.
        Start = "RunContainerError",
        /// It ends again and again.
        Crash = "CrashLoopBackOff",
    }
}

label! {
    /// A condition of a SidecarSet.
    pub enum ConditionKind: "condition" {
        /// Every matched Pod is updated and ready.
        Ready = "Ready",
        /// The rollout goes on by itself.
        Progressing = "Progressing",
        /// A person should look.
        Degraded = "Degraded",
        /// New Pods get the set.
        Injecting = "Injecting",
    }
}

/// Why a Pod keeps its present sidecars for now, as a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldReason(Hold);

impl Labels for HoldReason {
    const COUNT: usize = Hold::ALL.len();

    fn all() -> impl Iterator<Item = Self> {
        Hold::ALL.iter().copied().map(Self)
    }

    fn index(self) -> usize {
        self.0 as usize
    }

    fn written(self) -> Vec<(&'static str, &'static str)> {
        vec![("reason", self.0.meaning().label)]
    }
}

/// How the rollouts stand.
#[derive(Debug, Clone, Default)]
pub(super) struct Rollouts(Arc<Mutex<BTreeMap<Arc<str>, RolloutGauges>>>);

/// How the rollout of a set stands.
#[derive(Debug, Default)]
struct RolloutGauges {
    pods: [u64; PodState::COUNT],
    holds: [u64; HoldReason::COUNT],
    failing: [u64; FailureReason::COUNT],
    // Nothing where it is not known.
    conditions: [Option<bool>; ConditionKind::COUNT],
}

impl Rollouts {
    pub(super) fn holds(&self, set: &Arc<str>, holds: &BTreeMap<PodKey, Hold>) {
        let mut counts = [0; HoldReason::COUNT];
        for hold in holds.values() {
            counts[HoldReason(*hold).index()] += 1;
        }
        self.0.lock().entry(Arc::clone(set)).or_default().holds = counts;
    }

    pub(super) fn stands(&self, set: &Arc<str>, status: &SidecarSetStatus) {
        let mut all = self.0.lock();
        let standing = all.entry(Arc::clone(set)).or_default();
        standing.pods = pods(status);
        standing.failing = failing(status);
        standing.conditions = conditions(status);
    }

    pub(super) fn forget(&self, set: &str) {
        self.0.lock().remove(set);
    }
}

fn pods(status: &SidecarSetStatus) -> [u64; PodState::COUNT] {
    let mut counts = [0; PodState::COUNT];
    for state in PodState::all() {
        let count = match state {
            PodState::Matched => status.matched_pods,
            PodState::Updated => status.updated_pods,
            PodState::Ready => status.ready_pods,
            PodState::UpdatedReady => status.updated_ready_pods,
            PodState::NotUpgradable => status.not_upgradable_pods,
            PodState::NotInjected => status.not_injected_pods,
        };
        counts[state.index()] = of_the_wire(count);
    }
    counts
}

fn failing(status: &SidecarSetStatus) -> [u64; FailureReason::COUNT] {
    let mut counts = [0; FailureReason::COUNT];
    for failing in &status.failing_pods {
        if let Some(reason) = FailureReason::all().find(|reason| value(*reason) == failing.reason) {
            counts[reason.index()] = of_the_wire(failing.count);
        }
    }
    counts
}

fn conditions(status: &SidecarSetStatus) -> [Option<bool>; ConditionKind::COUNT] {
    let mut truths = [None; ConditionKind::COUNT];
    for kind in ConditionKind::all() {
        let condition = status.conditions.iter().find(|condition| condition.type_ == value(kind));
        truths[kind.index()] = condition.map(|condition| condition.status == "True");
    }
    truths
}

/// A status written by somebody else may hold any number.
fn of_the_wire(count: i32) -> u64 {
    u64::try_from(count).unwrap_or_default()
}

impl Collector for Rollouts {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let all = self.0.lock();
        let mut scrape = Scrape::new(encoder);
        let pods = series::<PodState, _>(&all, "state", |standing, at| Some(standing.pods[at]));
        scrape.gauge("pods", "Pods of a SidecarSet, by what is true of them.", pods)?;
        // There are many reasons, and most of them never apply: what is 0 is left out.
        let some = |count: u64| (count > 0).then_some(count);
        let held = series::<HoldReason, _>(&all, "reason", |standing, at| some(standing.holds[at]));
        scrape.gauge("held_pods", "Pods that keep their present sidecars for now, by the reason.", held)?;
        let failing = series::<FailureReason, _>(&all, "reason", |standing, at| some(standing.failing[at]));
        scrape.gauge("failing_pods", "Pods that fail because of sidecars, by the reason.", failing)?;
        let conditions =
            series::<ConditionKind, _>(&all, "condition", |standing, at| standing.conditions[at].map(u64::from));
        scrape.gauge("condition", "Whether a condition of a SidecarSet is true.", conditions)
    }
}

type Series<'a> = ([(&'a str, &'a str); 2], u64);

/// Returns the series of a label for every set, as far as there is a number.
fn series<'a, L: Labels, F: Fn(&RolloutGauges, usize) -> Option<u64> + Copy + 'a>(
    all: &'a BTreeMap<Arc<str>, RolloutGauges>,
    label: &'a str,
    number: F,
) -> impl Iterator<Item = Series<'a>> {
    all.iter().flat_map(move |(set, standing)| {
        let of_value = move |it: L| Some(([("set", &**set), (label, value(it))], number(standing, it.index())?));
        L::all().filter_map(of_value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use sidecarset_api::v1beta1::FailingPods;
    use sidecarset_core::record::Failure;
    use sidecarset_metrics::{Registry, scrape};

    fn set(name: &str) -> Arc<str> {
        name.into()
    }

    fn text(rollouts: &Rollouts) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(rollouts.clone()));
        let text = scrape(&registry).unwrap();
        text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
    }

    fn status() -> SidecarSetStatus {
        let condition = Condition {
            type_: "Degraded".to_owned(),
            status: "True".to_owned(),
            reason: "ImagePullFailing".to_owned(),
            message: String::new(),
            last_transition_time: Time(jiff::Timestamp::UNIX_EPOCH),
            observed_generation: None,
        };
        SidecarSetStatus {
            matched_pods: 3,
            updated_pods: 2,
            failing_pods: vec![FailingPods { reason: "ImagePullBackOff".to_owned(), count: 1 }],
            conditions: vec![condition],
            ..SidecarSetStatus::default()
        }
    }

    #[test]
    fn a_set_is_told_as_its_status_and_the_last_plan_say() {
        let rollouts = Rollouts::default();
        let holds = ["web-0", "web-1"].map(|name| (PodKey::new("shop", name), Hold::BudgetSpent));

        rollouts.holds(&set("log-sc"), &holds.into());
        rollouts.stands(&set("log-sc"), &status());

        assert_eq!(
            text(&rollouts),
            "pods{set=\"log-sc\",state=\"matched\"} 3\n\
             pods{set=\"log-sc\",state=\"updated\"} 2\n\
             pods{set=\"log-sc\",state=\"ready\"} 0\n\
             pods{set=\"log-sc\",state=\"updated_ready\"} 0\n\
             pods{set=\"log-sc\",state=\"not_upgradable\"} 0\n\
             pods{set=\"log-sc\",state=\"not_injected\"} 0\n\
             held_pods{set=\"log-sc\",reason=\"budget_spent\"} 2\n\
             failing_pods{set=\"log-sc\",reason=\"ImagePullBackOff\"} 1\n\
             condition{set=\"log-sc\",condition=\"Degraded\"} 1\n"
        );
    }

    #[test]
    fn what_holds_pods_no_longer_is_not_told() {
        let rollouts = Rollouts::default();
        rollouts.holds(&set("log-sc"), &[(PodKey::new("shop", "web-0"), Hold::Paused)].into());

        rollouts.holds(&set("log-sc"), &BTreeMap::new());

        assert!(!text(&rollouts).contains("held_pods"));
    }

    #[test]
    fn nothing_is_told_of_a_set_that_is_gone() {
        let rollouts = Rollouts::default();
        rollouts.stands(&set("log-sc"), &status());

        rollouts.forget("log-sc");

        assert_eq!(text(&rollouts), "");
    }

    #[test]
    fn every_failure_of_a_sidecar_has_a_word() {
        let failures = [
            Failure::InvalidImageName,
            Failure::ImageNeverPulled,
            Failure::ImagePull,
            Failure::Configuration,
            Failure::Creation,
            Failure::Start,
            Failure::Crash,
        ];

        let words: Vec<&str> = FailureReason::all().map(value).collect();

        assert_eq!(words, failures.map(Failure::reason));
    }
}
