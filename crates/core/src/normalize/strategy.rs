//! How a new image reaches running Pods, from either spelling.

use super::{FailureLimit, UpgradeOrder};
use crate::amount::Amount;
use crate::selection::Selector;
use crate::validation::Violations;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use sidecarset_api::v1beta1::{SidecarSetSpec, UpdateStrategy};

/// Whether running Pods are upgraded at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UpdateKind {
    /// A few at a time.
    RollingUpdate,
    /// Never.
    NotUpdate,
}

/// How changed cpu and memory reach running Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResourceUpdates {
    /// In the Pods, as images do.
    InPlace,
    /// When they are created anew.
    OnRecreate,
}

/// How a new image reaches running Pods.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RolloutStrategy {
    /// Whether they are upgraded at all.
    pub kind: UpdateKind,
    /// Whether the rollout is stopped for now.
    pub is_paused: bool,
    /// The labels of the Pods that are upgraded; all where there is none.
    pub selector: Option<Selector>,
    /// How many Pods stay on the old image.
    pub partition: Amount,
    /// How many Pods may be unavailable.
    pub max_unavailable: Amount,
    /// How changed cpu and memory reach them.
    pub resources: ResourceUpdates,
    /// Which Pods are upgraded first.
    pub order: UpgradeOrder,
    /// When the rollout is given up, where it ever is.
    pub failure_limit: Option<FailureLimit>,
}

const PATH: &str = "spec.updateStrategy";
const OLD_MAX_UNAVAILABLE: &str = "spec.strategy.rollingUpdate.maxUnavailable";

impl RolloutStrategy {
    /// Returns when the rollout is given up, where running Pods are upgraded at all.
    #[must_use]
    pub fn limit_in_force(&self) -> Option<FailureLimit> {
        match self.kind {
            UpdateKind::RollingUpdate => self.failure_limit,
            UpdateKind::NotUpdate => None,
        }
    }

    pub(super) fn parse(spec: &SidecarSetSpec, violations: &mut Violations) -> Option<Self> {
        let absent = UpdateStrategy::default();
        let strategy = spec.update_strategy.as_ref().unwrap_or(&absent);
        let kind = kind(strategy.kind.as_deref(), violations);
        let selector = match &strategy.selector {
            Some(source) => upgrade_selector(source, violations).map(Some),
            None => Some(None),
        };
        let partition = amount(strategy.partition.as_ref(), || format!("{PATH}.partition"), 0, violations);
        let max_unavailable = max_unavailable(spec, strategy, violations);
        let resources = resources(strategy.resources.as_deref(), violations);
        let order = UpgradeOrder::parse(strategy, violations);
        let failure_limit = FailureLimit::parse(strategy, violations);
        // As in Kruise: where running Pods stay as they are, both say which new Pods get a past definition.
        let is_partitioned = partition.is_some_and(|partition| partition != Amount::Count(0));
        if kind == Some(UpdateKind::RollingUpdate) && strategy.selector.is_some() && is_partitioned {
            violations.add(PATH, "partition and selector cannot be used together");
        }
        Some(Self {
            kind: kind?,
            is_paused: strategy.paused.or(spec.paused).unwrap_or_default(),
            selector: selector?,
            partition: partition?,
            max_unavailable: max_unavailable?,
            resources: resources?,
            order,
            failure_limit,
        })
    }
}

fn kind(text: Option<&str>, violations: &mut Violations) -> Option<UpdateKind> {
    match text {
        None | Some("" | "RollingUpdate") => Some(UpdateKind::RollingUpdate),
        Some("NotUpdate") => Some(UpdateKind::NotUpdate),
        Some(other) => {
            violations.add(format!("{PATH}.type"), format!("{other:?} is not one of RollingUpdate, NotUpdate"));
            None
        }
    }
}

fn resources(text: Option<&str>, violations: &mut Violations) -> Option<ResourceUpdates> {
    match text {
        None | Some("" | "OnRecreate") => Some(ResourceUpdates::OnRecreate),
        Some("InPlace") => Some(ResourceUpdates::InPlace),
        Some(other) => {
            violations.add(format!("{PATH}.resources"), format!("{other:?} is not one of InPlace, OnRecreate"));
            None
        }
    }
}

fn upgrade_selector(
    source: &k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector,
    violations: &mut Violations,
) -> Option<Selector> {
    let path = format!("{PATH}.selector");
    let selector = Selector::parse(source, &path, violations)?;
    if selector.is_empty() {
        violations.add(path, "must not be empty");
        return None;
    }
    Some(selector)
}

fn max_unavailable(spec: &SidecarSetSpec, strategy: &UpdateStrategy, violations: &mut Violations) -> Option<Amount> {
    // Both are read where both are there: each is told if it is wrong.
    let older = spec.strategy.as_ref().and_then(|strategy| strategy.rolling_update.as_ref()?.max_unavailable.as_ref());
    let older = older.map(|value| amount(Some(value), || OLD_MAX_UNAVAILABLE.to_owned(), 1, violations));
    let path = || format!("{PATH}.maxUnavailable");
    match (&strategy.max_unavailable, older) {
        (None, Some(older)) => older,
        (value, _) => amount(value.as_ref(), path, 1, violations),
    }
}

fn amount(
    value: Option<&IntOrString>,
    path: impl FnOnce() -> String,
    default: u32,
    violations: &mut Violations,
) -> Option<Amount> {
    match value {
        None => Some(Amount::Count(default)),
        Some(value) => violations.take(path(), Amount::parse(value)),
    }
}
