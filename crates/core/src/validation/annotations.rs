//! Annotations of Pods whose values the API server checks: what it would reject in every Pod is rejected in the set.

mod tolerations;

use super::syntax::descending_path;
use sidecarset_api::markers;

const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
/// The seccomp profile of a Pod.
pub(crate) const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
/// Before the name of a container: its seccomp profile.
pub(crate) const SECCOMP_PREFIX: &str = "container.seccomp.security.alpha.kubernetes.io/";
/// Before the name of a container: its AppArmor profile.
pub(crate) const APP_ARMOR_PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Says what is wrong with the value of an annotation that a Pod gets.
pub(crate) fn check_value(key: &str, value: &str) -> Result<(), String> {
    if key == markers::MIRROR_POD {
        return Err("marks what a kubelet runs from a file, and makes no other Pod one".to_owned());
    }
    if key == TOLERATIONS {
        return tolerations::check(value);
    }
    if key == DELETION_COST && !is_deletion_cost(value) {
        return Err(format!("{value:?} is not an integer of 32 bits"));
    }
    if (key == SECCOMP_OF_POD || key.starts_with(SECCOMP_PREFIX)) && !is_seccomp_profile(value) {
        return Err(format!("{value:?} is not one of unconfined, runtime/default, localhost/PATH"));
    }
    if key.starts_with(APP_ARMOR_PREFIX) && !is_app_armor_profile(value) {
        return Err(format!("{value:?} is not one of unconfined, runtime/default, localhost/NAME"));
    }
    Ok(())
}

/// Says whether the API server lets nobody add this annotation to a Pod that is there, nor change it.
pub(crate) fn is_fixed_at_creation(key: &str) -> bool {
    key.starts_with(APP_ARMOR_PREFIX)
}

// As in Kubernetes: without a plus sign, and without zeros in front.
fn is_deletion_cost(value: &str) -> bool {
    let begins = value == "0" || value.starts_with(|first: char| first == '-' || ('1'..='9').contains(&first));
    begins && value.parse::<i32>().is_ok()
}

fn is_seccomp_profile(value: &str) -> bool {
    let is_path = |path: &str| descending_path(path).is_ok();
    matches!(value, "unconfined" | "runtime/default" | "docker/default")
        || value.strip_prefix("localhost/").is_some_and(is_path)
}

fn is_app_armor_profile(value: &str) -> bool {
    matches!(value, "" | "unconfined" | "runtime/default") || value.starts_with("localhost/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_the_api_server_would_reject_are_rejected() {
        for (key, value, is_right) in [
            (DELETION_COST, "100", true),
            (DELETION_COST, "-1", true),
            (DELETION_COST, "0", true),
            (DELETION_COST, "007", false),
            (DELETION_COST, "+1", false),
            (DELETION_COST, "2147483648", false),
            (DELETION_COST, "", false),
            (SECCOMP_OF_POD, "runtime/default", true),
            (SECCOMP_OF_POD, "localhost/profiles/a.json", true),
            (SECCOMP_OF_POD, "localhost/../a", false),
            (SECCOMP_OF_POD, "", false),
            ("container.seccomp.security.alpha.kubernetes.io/agent", "RuntimeDefault", false),
            ("container.apparmor.security.beta.kubernetes.io/agent", "localhost/p", true),
            ("container.apparmor.security.beta.kubernetes.io/agent", "p", false),
            ("kubernetes.io/config.mirror", "x", false),
            ("scheduler.alpha.kubernetes.io/tolerations", r#"[{"operator":"Exists"}]"#, true),
            ("scheduler.alpha.kubernetes.io/tolerations", "all", false),
            ("note", "anything", true),
        ] {
            assert_eq!(check_value(key, value).is_ok(), is_right, "{key}: {value}");
        }
    }
}
