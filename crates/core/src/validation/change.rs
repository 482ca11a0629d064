//! What an update may not change.

use super::Violations;
use crate::normalize::defaults::UPGRADE_TYPE;
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};

/// Adds what an update changes although running Pods cannot follow.
// Unlike in Kruise, a container may be added: Pods without it wait for their next creation.
pub(super) fn check(spec: &SidecarSetSpec, old: &SidecarSetSpec, violations: &mut Violations) {
    let lists = [
        ("initContainers", &spec.init_containers, &old.init_containers),
        ("containers", &spec.containers, &old.containers),
    ];
    for (list, containers, old) in lists {
        for (at, container) in containers.iter().flatten().enumerate() {
            let before = old.iter().flatten().find(|old| name(old) == name(container));
            if let Some(before) = before.map(upgrade_type)
                && upgrade_type(container) != before
            {
                // The Pods have one container where they would need two, or the other way round.
                let path = format!("spec.{list}[{at}].upgradeStrategy.upgradeType");
                violations.add(path, format!("is immutable: it is {before:?}"));
            }
        }
    }
}

fn name(container: &SidecarContainer) -> Option<&str> {
    container.container.get("name")?.as_str()
}

/// Returns the type, or the one that it is by default.
fn upgrade_type(container: &SidecarContainer) -> &str {
    let given = container.upgrade_strategy.as_ref().and_then(|strategy| strategy.upgrade_type.as_deref());
    given.filter(|given| !given.is_empty()).unwrap_or(UPGRADE_TYPE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(new: Value, old: Value) -> Vec<String> {
        let spec = |containers| serde_json::from_value(json!({"containers": containers})).unwrap();
        let mut violations = Violations::default();
        check(&spec(new), &spec(old), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    fn container(name: &str, upgrade_type: &str) -> Value {
        json!({"name": name, "upgradeStrategy": {"upgradeType": upgrade_type}})
    }

    #[test]
    fn the_upgrade_type_of_a_container_stays() {
        let found = violations(
            json!([container("b", "HotUpgrade"), container("a", "HotUpgrade")]),
            json!([container("a", "ColdUpgrade"), container("b", "HotUpgrade")]),
        );

        assert_eq!(found, ["spec.containers[1].upgradeStrategy.upgradeType: is immutable: it is \"ColdUpgrade\""]);
    }

    #[test]
    fn containers_may_be_added_and_removed() {
        let found = violations(json!([container("b", "HotUpgrade")]), json!([container("a", "ColdUpgrade")]));

        assert_eq!(found, [""; 0]);
    }
}
