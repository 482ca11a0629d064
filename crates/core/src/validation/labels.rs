//! The syntax of labels, as the API server checks it.

/// The longest name of a label, and its longest value.
const LONGEST_NAME: usize = 63;
/// The longest DNS label.
pub(super) const LONGEST_DNS_LABEL: usize = 63;
/// The longest DNS subdomain, which is the longest name of most objects.
pub(crate) const LONGEST_DNS_SUBDOMAIN: usize = 253;

/// Says whether a text may be the key of a label or an annotation: `name` or `prefix/name`.
#[must_use]
pub fn is_qualified_name(key: &str) -> bool {
    match key.split_once('/') {
        Some((prefix, name)) => is_dns_subdomain(prefix) && is_name(name),
        None => is_name(key),
    }
}

/// Says whether a text may be the value of a label.
#[must_use]
pub fn is_label_value(value: &str) -> bool {
    value.is_empty() || is_name(value)
}

/// Says whether a text may be the name of a container or a volume.
pub(super) fn is_dns_label(name: &str) -> bool {
    name.len() <= LONGEST_DNS_LABEL && is_dns_label_of_any_length(name)
}

/// Says whether a text may be the name of most objects, or the prefix of a label's key.
pub(crate) fn is_dns_subdomain(name: &str) -> bool {
    name.len() <= LONGEST_DNS_SUBDOMAIN && name.split('.').all(is_dns_label_of_any_length)
}

fn is_name(name: &str) -> bool {
    name.len() <= LONGEST_NAME
        && begins_and_ends_alphanumeric(name)
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

fn is_dns_label_of_any_length(label: &str) -> bool {
    begins_and_ends_alphanumeric(label)
        && label.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

fn begins_and_ends_alphanumeric(text: &str) -> bool {
    let is_alphanumeric = |byte: Option<u8>| byte.is_some_and(|byte| byte.is_ascii_alphanumeric());
    is_alphanumeric(text.bytes().next()) && is_alphanumeric(text.bytes().next_back())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_with_and_without_a_prefix_are_qualified_names() {
        for key in ["app", "app.kubernetes.io/name", "a/B_c.d-e", "0"] {
            assert!(is_qualified_name(key), "{key}");
        }
    }

    #[test]
    fn other_texts_are_no_qualified_names() {
        for key in ["", "/a", "a/", "a/b/c", "-a", "a-", "A.io/x", "a b", "!!bad", &"x".repeat(64)] {
            assert!(!is_qualified_name(key), "{key}");
        }
    }

    #[test]
    fn a_label_value_may_be_empty_but_not_long() {
        assert!(is_label_value(""));
        assert!(is_label_value(&"x".repeat(63)));
        assert!(!is_label_value(&"x".repeat(64)));
        assert!(!is_label_value("a/b"));
    }
}
