//! How containers stop and start again is bounded by what their Pod says.

use super::super::edit::PodEdit;
use super::{Guest, Rule, Whole};
use crate::json::Json;

const HOOKS: [&str; 2] = ["postStart", "preStop"];
/// What the API server gives a Pod that says nothing.
const DEFAULT_GRACE_PERIOD: i64 = 30;

pub(super) fn concerns(container: Json<'_>) -> bool {
    HOOKS.iter().any(|hook| sleep(container, hook).is_some()) || restarts_when_resized(container).is_some()
}

pub(super) fn check(whole: &Whole<'_>, edit: &mut PodEdit<'_>) {
    // As the API server does: no Pod has less than nothing.
    let grace_period = whole.spec.grace_period.as_i64().unwrap_or(DEFAULT_GRACE_PERIOD);
    let grace_period = if grace_period < 0 { 1 } else { grace_period };
    for guest in whole.concerned(Rule::Lifecycle) {
        check_sleep(guest, grace_period, edit);
        if let Some(at) = restarts_when_resized(guest.container())
            && whole.spec.restart_policy.is("Never")
        {
            let field = format!("resizePolicy[{at}].restartPolicy");
            edit.reject(guest, &field, "has to be NotRequired, because spec.restartPolicy of the Pod is Never");
        }
    }
}

fn check_sleep(guest: Guest<'_>, grace_period: i64, edit: &mut PodEdit<'_>) {
    for hook in HOOKS {
        if let Some(seconds) = sleep(guest.container(), hook).filter(|seconds| *seconds > grace_period) {
            let field = format!("lifecycle.{hook}.sleep.seconds");
            let message = format_args!(
                "{seconds} is more than spec.terminationGracePeriodSeconds of the Pod, which is {grace_period}"
            );
            edit.reject(guest, &field, message);
        }
    }
}

fn sleep(container: Json<'_>, hook: &str) -> Option<i64> {
    container.at("lifecycle").at(hook).at("sleep").at("seconds").as_i64()
}

/// Returns the place of the policy that asks for a restart.
fn restarts_when_resized(container: Json<'_>) -> Option<usize> {
    container.at("resizePolicy").items().position(|policy| policy.at("restartPolicy").is("RestartContainer"))
}
