//! The name of a set.

use super::Violations;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;

/// The longest name: it is a label's value on the set's revisions.
const LONGEST_NAME: usize = 63;

/// Adds what is wrong with the metadata beyond what the API server checks.
pub(crate) fn check(metadata: &ObjectMeta, violations: &mut Violations) {
    let name = metadata.name.as_deref().unwrap_or_default();
    if name.is_empty() {
        // The API server makes a name from generateName only after admission.
        return;
    }
    // As in Kruise: the name stands in comma-separated lists and in front of a revision's name.
    if !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        violations.add("metadata.name", "must consist of alphanumeric characters or '-'");
    }
    if name.len() > LONGEST_NAME {
        violations.add("metadata.name", format!("must be no more than {LONGEST_NAME} characters"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn violations(name: &str) -> Vec<String> {
        let mut violations = Violations::default();
        check(&ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() }, &mut violations);
        violations.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_name_with_a_dot_is_refused() {
        assert_eq!(violations("a.b"), ["metadata.name: must consist of alphanumeric characters or '-'"]);
    }

    #[test]
    fn a_name_too_long_for_a_label_is_refused() {
        assert_eq!(violations(&"a".repeat(63)), [""; 0]);
        assert_eq!(violations(&"a".repeat(64)), ["metadata.name: must be no more than 63 characters"]);
    }
}
