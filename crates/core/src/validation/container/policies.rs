//! The image of a container, and how it is pulled, ends, restarts and resizes.

use super::super::Violations;
use super::super::member::{Member, REQUIRED, duplicate};
use super::Kind;
use std::collections::BTreeSet;

/// As in Kubernetes since 1.35, where every container may have each of them.
const RESTART_POLICIES: [&str; 3] = ["Always", "OnFailure", "Never"];
const RESTART_ACTIONS: [&str; 2] = ["Restart", "RestartAllContainers"];
const MOST_RESTART_RULES: usize = 20;
const MOST_EXIT_CODES: usize = 255;

pub(super) fn check_image(container: &Member<'_>, violations: &mut Violations) {
    let Some(image) = container.required("image", violations) else { return };
    if image.trim() != image {
        violations.add(container.at("image"), "must not have leading or trailing whitespace");
    }
}

pub(super) fn check(container: &Member<'_>, kind: Kind, violations: &mut Violations) {
    container.check_one_of("imagePullPolicy", &["Always", "IfNotPresent", "Never"], violations);
    container.check_one_of("terminationMessagePolicy", &["File", "FallbackToLogsOnError"], violations);
    container.check_written_one_of("restartPolicy", &RESTART_POLICIES, violations);
    if !container.is_empty_list("restartPolicyRules") && !container.has("restartPolicy") {
        violations.add(container.at("restartPolicy"), "is required where there are restartPolicyRules");
    }
    check_restart_rules(container, violations);
    check_resize(container, kind, violations);
}

/// Which actions and conditions there are changes from release to release.
fn check_restart_rules(container: &Member<'_>, violations: &mut Violations) {
    container.check_length("restartPolicyRules", MOST_RESTART_RULES, violations);
    for rule in container.list("restartPolicyRules") {
        rule.required("action", violations);
        rule.check_one_of("action", &RESTART_ACTIONS, violations);
        // There is no other condition so far.
        if !rule.has("exitCodes") {
            violations.add(rule.at("exitCodes"), REQUIRED);
        }
        if let Some(codes) = rule.child("exitCodes") {
            codes.required("operator", violations);
            codes.check_one_of("operator", &["In", "NotIn"], violations);
            codes.check_length("values", MOST_EXIT_CODES, violations);
        }
    }
}

fn check_resize(container: &Member<'_>, kind: Kind, violations: &mut Violations) {
    let mut resources = BTreeSet::new();
    for policy in container.list("resizePolicy") {
        if let Some(resource) = policy.required("resourceName", violations)
            && !resources.insert(resource)
        {
            violations.add(policy.at("resourceName"), duplicate(resource));
        }
        policy.check_one_of("resourceName", &["cpu", "memory"], violations);
        policy.required("restartPolicy", violations);
        policy.check_one_of("restartPolicy", &["NotRequired", "RestartContainer"], violations);
        if kind == Kind::OrdinaryInit && policy.text("restartPolicy") == Some("RestartContainer") {
            let message = "must not be RestartContainer for init containers without restartPolicy=Always";
            violations.add(policy.at("restartPolicy"), message);
        }
    }
}
