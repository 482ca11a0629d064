//! Resources that are computed: rules that Kruise has, and expressions that have a value for every Pod.

use super::Violations;
use crate::normalize::ResourcesPolicy;
use serde_json::{Map, Value};
use sidecarset_api::v1beta1::{SidecarContainer, SidecarSetSpec};

/// Adds what is wrong with each policy for resources.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    for (at, container) in spec.init_containers.iter().flatten().enumerate() {
        let path = format!("spec.initContainers[{at}].resourcesPolicy");
        let keeps_running = container.container.get("restartPolicy").is_some_and(|policy| policy == "Always");
        if container.resources_policy.is_some() && !keeps_running {
            violations.add(&path, "is for containers that keep running: an init container needs restartPolicy Always");
        }
        check_policy(container, &path, violations);
    }
    for (at, container) in spec.containers.iter().flatten().enumerate() {
        check_policy(container, &format!("spec.containers[{at}].resourcesPolicy"), violations);
    }
}

fn check_policy(container: &SidecarContainer, path: &str, violations: &mut Violations) {
    let Some(policy) = &container.resources_policy else { return };
    if has_resources(&container.container) {
        violations.add(path, "cannot be used beside resources.limits or resources.requests of the container");
    }
    // Only what is wrong is of interest here.
    let _ = ResourcesPolicy::parse(policy, path, violations);
}

fn has_resources(container: &Map<String, Value>) -> bool {
    let amounts = |list: &str| container.get("resources").and_then(|resources| resources.get(list)?.as_object());
    ["limits", "requests"].into_iter().filter_map(amounts).any(|amounts| !amounts.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn violations(spec: Value) -> Vec<String> {
        crate::validation::found(check, spec)
    }

    fn policy() -> Value {
        json!({
            "targetContainersMode": "sum",
            "targetContainersNameRegex": ".*",
            "resourcesExpr": {"limits": {"cpu": "cpu*50%", "memory": ""}},
        })
    }

    fn container(members: &Value, policy: &Value) -> Value {
        let mut container = json!({"name": "a", "image": "i", "resourcesPolicy": policy});
        container.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        container
    }

    #[test]
    fn a_policy_without_a_fault_is_accepted_in_both_lists() {
        let empty = json!({"resources": {"limits": {}, "requests": null, "claims": []}});
        let native = json!({"restartPolicy": "Always"});

        let found = violations(json!({
            "containers": [container(&empty, &policy())],
            "initContainers": [container(&native, &policy())],
        }));

        assert_eq!(found, [""; 0]);
    }

    #[test]
    fn an_init_container_that_ends_cannot_have_a_policy() {
        let found = violations(json!({"initContainers": [container(&json!({}), &policy())]}));

        assert_eq!(
            found,
            [
                "spec.initContainers[0].resourcesPolicy: is for containers that keep running: an init container needs restartPolicy Always"
            ]
        );
    }

    #[test]
    fn a_policy_beside_amounts_of_the_container_itself_is_refused() {
        let limits = json!({"resources": {"limits": {"cpu": "1"}}});
        let requests = json!({"restartPolicy": "Always", "resources": {"requests": {"memory": "1Gi"}}});

        let found = violations(json!({
            "containers": [container(&limits, &policy())],
            "initContainers": [container(&requests, &policy())],
        }));

        let message = "cannot be used beside resources.limits or resources.requests of the container";
        assert_eq!(
            found,
            [
                format!("spec.initContainers[0].resourcesPolicy: {message}"),
                format!("spec.containers[0].resourcesPolicy: {message}"),
            ]
        );
    }

    #[test]
    fn every_fault_of_a_policy_is_told_at_once_with_its_path() {
        let faulty = json!({
            "targetContainersMode": "avg",
            "targetContainersNameRegex": "[",
            "resourcesExpr": {
                "limits": {"cpu": "10K", "memory": "memory*memory"},
                "requests": {"cpu": " ", "memory": "-1"},
            },
        });

        let found = violations(json!({"containers": [container(&json!({}), &faulty)]}));

        let path = "spec.containers[0].resourcesPolicy";
        assert_eq!(
            found,
            [
                format!("{path}.targetContainersMode: \"avg\" is not one of sum, max"),
                format!("{path}.targetContainersNameRegex: is not a regular expression: unclosed character class"),
                format!(
                    "{path}.resourcesExpr.limits.cpu: \"10K\" is neither a number nor a quantity with one of the suffixes m, k, M, G, T, P, Ki, Mi, Gi, Ti, Pi"
                ),
                format!("{path}.resourcesExpr.limits.memory: must not multiply two quantities"),
                format!("{path}.resourcesExpr.requests.cpu: ends too early"),
                format!("{path}.resourcesExpr.requests.memory: must not be negative, but is -1"),
            ]
        );
    }

    #[test]
    fn a_policy_that_computes_nothing_is_refused() {
        let nothing = json!({"targetContainersMode": "max", "resourcesExpr": {}});

        let found = violations(json!({"containers": [container(&json!({}), &nothing)]}));

        let path = "spec.containers[0].resourcesPolicy";
        assert_eq!(found, [format!("{path}.resourcesExpr: needs limits or requests")]);
    }
}
