//! Members of a spec that stand for themselves.

use super::Violations;
use super::member::REQUIRED;
use super::syntax::dns_subdomain;
use sidecarset_api::v1beta1::SidecarSetSpec;

/// Adds what is wrong with the history limit and the names of pull secrets.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    if spec.revision_history_limit.is_some_and(|limit| limit < 0) {
        violations.add("spec.revisionHistoryLimit", "must be greater than or equal to 0");
    }
    for (at, secret) in spec.image_pull_secrets.iter().flatten().enumerate() {
        let path = format!("spec.imagePullSecrets[{at}].name");
        if secret.name.is_empty() {
            violations.add(path, REQUIRED);
        } else {
            violations.take(path, dns_subdomain(&secret.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(spec: Value) -> Vec<String> {
        let mut violations = Violations::default();
        check(&serde_json::from_value(spec).unwrap(), &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_negative_history_limit_is_refused() {
        assert_eq!(
            violations(json!({"revisionHistoryLimit": -1})),
            ["spec.revisionHistoryLimit: must be greater than or equal to 0"]
        );
        assert_eq!(violations(json!({"revisionHistoryLimit": 0})), [""; 0]);
    }

    #[test]
    fn the_name_of_a_pull_secret_is_that_of_an_object() {
        let found = violations(json!({"imagePullSecrets": [{"name": "a.b-c"}, {}, {"name": "A_b"}]}));

        assert_eq!(
            found,
            [
                "spec.imagePullSecrets[1].name: is required",
                "spec.imagePullSecrets[2].name: \"A_b\" is not a DNS subdomain: at most 253 lower-case letters, \
                 digits, '-' and '.'",
            ]
        );
    }
}
