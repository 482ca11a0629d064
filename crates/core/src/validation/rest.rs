//! Members of a spec that stand for themselves.

use super::Violations;
use sidecarset_api::v1beta1::SidecarSetSpec;

/// Adds what is wrong with the history limit.
pub(crate) fn check(spec: &SidecarSetSpec, violations: &mut Violations) {
    if spec.revision_history_limit.is_some_and(|limit| limit < 0) {
        violations.add("spec.revisionHistoryLimit", "must be greater than or equal to 0");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn violations(spec: Value) -> Vec<String> {
        crate::validation::found(check, spec)
    }

    #[test]
    fn a_negative_history_limit_is_refused() {
        assert_eq!(
            violations(json!({"revisionHistoryLimit": -1})),
            ["spec.revisionHistoryLimit: must be greater than or equal to 0"]
        );
        assert_eq!(violations(json!({"revisionHistoryLimit": 0})), [""; 0]);
    }
}
