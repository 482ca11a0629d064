//! What keeps a container from running, as far as the kubelet tells.

use super::observed::{ObservedContainerStatus, ObservedState, ObservedTerminated};
use crate::annotations::Seconds;
use std::time::Duration;

/// A run that ends after this time is none that failed at once: the kubelet, too, forgets earlier failures then.
const LONG_RUN: Duration = Duration::from_secs(600);

/// What keeps a container from running, or kept it a moment ago.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ailment {
    /// It does not run because of this.
    Fails(Failure),
    /// It runs, or has ended and not been started again yet, and the run that ended last was a short one.
    Restarts(ShortRun),
    /// It runs, since then, and others wait for its end: an ordinary init container.
    Runs(Seconds),
}

/// Why a container does not run. What the kubelet tells in turns while nothing changes is one reason, so that nobody
/// has to follow these turns. What keeps a Pod longest from running comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Failure {
    /// Its image is not a name that can be read.
    InvalidImageName,
    /// Its image is not on the node, and may not be pulled.
    ImageNeverPulled,
    /// Its image cannot be pulled.
    ImagePull,
    /// Something that it refers to is missing or wrong.
    Configuration,
    /// The container runtime cannot create it.
    Creation,
    /// The container runtime cannot start it.
    Start,
    /// It ends again and again.
    Crash,
}

/// A run of a container that ended soon after it had begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShortRun {
    /// When it began.
    pub began: Seconds,
    /// Since when the container runs again, or when it ended where it does not.
    pub since: Seconds,
}

impl Failure {
    /// Returns the kubelet's word for it; of several the one that it uses most of the time.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::InvalidImageName => "InvalidImageName",
            Self::ImageNeverPulled => "ErrImageNeverPull",
            Self::ImagePull => "ImagePullBackOff",
            Self::Configuration => "CreateContainerConfigError",
            Self::Creation => "CreateContainerError",
            Self::Start => "RunContainerError",
            Self::Crash => "CrashLoopBackOff",
        }
    }

    fn read(waits_for: &str, last: Option<&ObservedTerminated>) -> Option<Self> {
        match waits_for {
            "InvalidImageName" => Some(Self::InvalidImageName),
            "ErrImageNeverPull" => Some(Self::ImageNeverPulled),
            "ErrImagePull"
            | "ImagePullBackOff"
            | "RegistryUnavailable"
            | "SignatureValidationFailed"
            | "ImageInspectError" => Some(Self::ImagePull),
            "CreateContainerConfigError" => Some(Self::Configuration),
            "CreateContainerError" | "PreCreateHookError" => Some(Self::Creation),
            "RunContainerError" | "PreStartHookError" => Some(Self::Start),
            // The kubelet waits alike before it starts what has crashed and what has never run.
            "CrashLoopBackOff" if last.is_some_and(ObservedTerminated::has_never_run) => Some(Self::Start),
            "CrashLoopBackOff" | "PostStartHookError" => Some(Self::Crash),
            // `ContainerCreating` and `PodInitializing` are on the way to running.
            _ => None,
        }
    }
}

impl Ailment {
    pub(super) fn read(status: &ObservedContainerStatus) -> Option<Self> {
        let state = status.state.as_ref()?;
        let last = status.last_state.as_ref().and_then(|last| last.terminated.as_ref());
        match state {
            ObservedState { waiting: Some(waiting), .. } => Failure::read(&waiting.reason, last).map(Self::Fails),
            ObservedState { terminated: Some(ended), .. } if ended.has_never_run() => Some(Self::Fails(Failure::Start)),
            ObservedState { terminated: Some(ended), .. } => ShortRun::read(ended, ended.finished_at),
            ObservedState { running: Some(running), .. } => ShortRun::read(last?, running.started_at),
            _ => None,
        }
    }
}

impl Ailment {
    /// The same of an ordinary init container, for whose end others wait.
    pub(super) fn read_ordinary(status: &ObservedContainerStatus) -> Option<Self> {
        let running = || status.state.as_ref()?.running.as_ref()?.started_at;
        Self::read(status).or_else(|| running().map(Self::Runs))
    }
}

impl ShortRun {
    fn read(ended: &ObservedTerminated, since: Option<Seconds>) -> Option<Ailment> {
        let (began, end) = (ended.started_at?, ended.finished_at?);
        let is_short = end.since(began) < LONG_RUN;
        is_short.then_some(Ailment::Restarts(Self { began, since: since? }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(state: &Value, last_state: &Value) -> Option<Ailment> {
        let status = json!({"name": "agent", "state": state, "lastState": last_state});
        Ailment::read(&serde_json::from_value(status).unwrap())
    }

    fn waits(reason: &str) -> Option<Ailment> {
        read(&json!({"waiting": {"reason": reason, "message": "back-off 10s"}}), &json!({}))
    }

    fn ended(from: &str, to: &str) -> Value {
        json!({"terminated": {"exitCode": 1, "reason": "Error", "startedAt": from, "finishedAt": to}})
    }

    #[test]
    fn what_the_kubelet_tells_in_turns_is_one_reason() {
        for reason in ["ErrImagePull", "ImagePullBackOff", "RegistryUnavailable", "ImageInspectError"] {
            assert_eq!(waits(reason), Some(Ailment::Fails(Failure::ImagePull)), "{reason}");
        }
        let never_ran = json!({"terminated": {"exitCode": 128, "reason": "StartError"}});
        let pause = json!({"waiting": {"reason": "CrashLoopBackOff"}});
        assert_eq!(waits("RunContainerError"), Some(Ailment::Fails(Failure::Start)));
        assert_eq!(read(&pause, &never_ran), Some(Ailment::Fails(Failure::Start)));
        assert_eq!(read(&never_ran, &json!({})), Some(Ailment::Fails(Failure::Start)));
        assert_eq!(waits("CrashLoopBackOff"), Some(Ailment::Fails(Failure::Crash)));
        assert_eq!(waits("PostStartHookError"), Some(Ailment::Fails(Failure::Crash)));
    }

    #[test]
    fn every_other_failure_has_the_reason_of_the_kubelet() {
        let reasons = ["InvalidImageName", "ErrImageNeverPull", "CreateContainerConfigError", "CreateContainerError"];

        for reason in reasons {
            let Some(Ailment::Fails(failure)) = waits(reason) else { panic!("{reason} is no failure") };
            assert_eq!(failure.reason(), reason);
        }
    }

    #[test]
    fn what_is_on_its_way_to_running_does_not_fail() {
        assert_eq!(waits("ContainerCreating"), None);
        assert_eq!(waits("PodInitializing"), None);
        assert_eq!(read(&json!({"running": {"startedAt": "2026-01-02T03:04:05Z"}}), &json!({})), None);
    }

    #[test]
    fn a_container_that_ended_soon_after_it_had_begun_is_known_while_it_runs_again() {
        let last = ended("2026-01-02T03:00:00Z", "2026-01-02T03:00:02Z");
        let running = json!({"running": {"startedAt": "2026-01-02T03:00:12Z"}});
        let run = |since: &str| {
            let moment = |text: &str| text.parse::<jiff::Timestamp>().unwrap().into();
            let run = ShortRun { began: moment("2026-01-02T03:00:00Z"), since: moment(since) };
            Some(Ailment::Restarts(run))
        };

        assert_eq!(read(&running, &last), run("2026-01-02T03:00:12Z"));
        assert_eq!(read(&last, &json!({})), run("2026-01-02T03:00:02Z"));
        assert_eq!(read(&running, &ended("2026-01-02T02:00:00Z", "2026-01-02T03:00:02Z")), None);
    }
}
