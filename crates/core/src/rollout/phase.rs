//! Where a rollout stands.

/// Where a rollout stands, as a machine reads it. Where several are true, the first is told: what is going on, then what is
/// waited for, then what somebody has to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum RolloutPhase {
    /// It has failed, and no further Pod is upgraded.
    Halted,
    /// It has failed, and the upgraded Pods return to the revision before.
    RollingBack,
    /// It has failed, and they have returned.
    RolledBack,
    /// Pods are being upgraded.
    Upgrading,
    /// The API server does not take upgrades.
    UpgradesNotTaken,
    /// Nodes can never give changed cpu and memory.
    ResizeInfeasible,
    /// Kubelets fail to change cpu and memory.
    ResizeFailing,
    /// Nodes have no room for changed cpu and memory now.
    ResizeDeferred,
    /// As many Pods are unavailable as may be.
    MaxUnavailableReached,
    /// Upgraded Pods are not ready yet.
    WaitingForPods,
    /// The cluster does not allow the annotations of the set.
    NotAllowed,
    /// It is paused.
    Paused,
    /// The set never upgrades running Pods.
    NotUpdate,
    /// The other Pods stay behind the partition.
    PartitionReached,
    /// The strategy's selector leaves the other Pods out.
    NotSelected,
    /// Only new Pods can take the definition.
    NotUpgradable,
    /// Nothing is left to do: no Pod is held.
    Complete,
}

impl RolloutPhase {
    /// Returns the reason that the condition `Progressing` has.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Halted => "Halted",
            Self::RollingBack => "RollingBack",
            Self::RolledBack => "RolledBack",
            Self::Upgrading => "Upgrading",
            Self::UpgradesNotTaken => "UpgradesNotTaken",
            Self::ResizeDeferred => "ResizeDeferred",
            Self::ResizeInfeasible => "ResizeInfeasible",
            Self::ResizeFailing => "ResizeFailing",
            Self::MaxUnavailableReached => "MaxUnavailableReached",
            Self::WaitingForPods => "WaitingForPods",
            Self::Paused => "Paused",
            Self::NotUpdate => "NotUpdate",
            Self::PartitionReached => "PartitionReached",
            Self::NotSelected => "NotSelected",
            Self::NotAllowed => "NotAllowed",
            Self::NotUpgradable => "NotUpgradable",
            Self::Complete => "Complete",
        }
    }

    /// Says whether the rollout goes on by itself.
    #[must_use]
    pub fn is_progressing(self) -> bool {
        match self {
            Self::RollingBack
            | Self::Upgrading
            | Self::UpgradesNotTaken
            | Self::ResizeDeferred
            | Self::ResizeFailing
            | Self::MaxUnavailableReached
            | Self::WaitingForPods => true,
            Self::Halted
            | Self::RolledBack
            | Self::ResizeInfeasible
            | Self::Paused
            | Self::NotUpdate
            | Self::PartitionReached
            | Self::NotSelected
            | Self::NotAllowed
            | Self::NotUpgradable
            | Self::Complete => false,
        }
    }
}
