//! The probes of a container.

use super::super::Violations;
use super::super::member::Member;
use super::handlers;
use crate::schema::PROBE;

const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
const NUMBERS: [&str; 5] =
    ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
const GRACE_PERIOD: &str = "terminationGracePeriodSeconds";

pub(super) fn check(container: &Member<'_>, violations: &mut Violations) {
    for name in PROBES {
        if let Some(probe) = container.child(name) {
            check_probe(&probe, name, violations);
        }
    }
}

/// Adds each probe of a container that ends before the application starts.
pub(super) fn forbid(container: &Member<'_>, violations: &mut Violations) {
    for name in PROBES.into_iter().chain(["lifecycle"]).filter(|name| container.has(name)) {
        violations.add(container.at(name), "may not be set for init containers without restartPolicy=Always");
    }
}

fn check_probe(probe: &Member<'_>, name: &str, violations: &mut Violations) {
    handlers::check(probe, PROBE, violations);
    for number in NUMBERS {
        probe.check_not_negative(number, violations);
    }
    // 0 counts as absent, and absent as 1: a startup probe keeps what was written, or its hash would change.
    let is_once = probe.number("successThreshold").is_none_or(|times| matches!(times, 0 | 1));
    if name != "readinessProbe" && !is_once {
        violations.add(probe.at("successThreshold"), "must be 1");
    }
    if name == "readinessProbe" && probe.has(GRACE_PERIOD) {
        violations.add(probe.at(GRACE_PERIOD), "must not be set for readiness probes");
    } else if probe.number(GRACE_PERIOD).is_some_and(|seconds| seconds <= 0) {
        violations.add(probe.at(GRACE_PERIOD), "must be greater than 0");
    }
}
