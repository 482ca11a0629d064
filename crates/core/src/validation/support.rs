//! Members of the API that this version of the operator does not act on yet. They are refused rather than
//! ignored, because a set that asks for them would be applied by halves.

use super::Violations;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};

const MESSAGE: &str = "is not supported by this version of the operator";

/// Adds each member that would not be acted on.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    for (list, containers) in [("initContainers", &spec.init_containers), ("containers", &spec.containers)] {
        for (at, container) in containers.iter().flatten().enumerate() {
            check_container(spec, container, &format!("spec.{list}[{at}]"), violations);
        }
    }
}

fn check_container(spec: &SidecarSetSpec, container: &SidecarContainer, path: &str, violations: &mut Violations) {
    let upgrade_type = container.upgrade_strategy.as_ref().and_then(|strategy| strategy.upgrade_type.as_deref());
    let kind = spec.update_strategy.as_ref().and_then(|strategy| strategy.kind.as_deref());
    // New Pods get both containers; the hand-over between them in running Pods is not there yet.
    if upgrade_type == Some("HotUpgrade") && kind != Some("NotUpdate") {
        let message = format!("{MESSAGE} together with RollingUpdate: spec.updateStrategy.type has to be NotUpdate");
        violations.add(format!("{path}.upgradeStrategy.upgradeType"), message);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn members_that_are_not_acted_on_are_refused_with_their_paths() {
        let spec = serde_json::from_value(json!({
            "containers": [{"name": "a", "upgradeStrategy": {"upgradeType": "HotUpgrade"}}],
        }))
        .unwrap();
        let mut violations = Violations::default();

        check(&spec, &mut violations);

        let paths: Vec<_> = violations.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["spec.containers[0].upgradeStrategy.upgradeType"]);
    }

    #[test]
    fn a_hot_upgrade_is_accepted_where_running_pods_stay_as_they_are() {
        let spec = serde_json::from_value(json!({
            "containers": [{"name": "a", "upgradeStrategy": {"upgradeType": "HotUpgrade"}}],
            "updateStrategy": {"type": "NotUpdate"},
        }))
        .unwrap();
        let mut violations = Violations::default();

        check(&spec, &mut violations);

        assert!(violations.is_empty(), "{violations}");
    }

    #[test]
    fn values_that_mean_nothing_special_are_accepted() {
        let spec = serde_json::from_value(json!({
            "containers": [{
                "name": "a",
                "upgradeStrategy": {"upgradeType": "ColdUpgrade"},
                "shareVolumePolicy": {"type": "disabled"},
            }],
        }))
        .unwrap();
        let mut violations = Violations::default();

        check(&spec, &mut violations);

        assert!(violations.is_empty(), "{violations}");
    }
}
