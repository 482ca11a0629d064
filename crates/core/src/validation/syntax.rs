//! The syntax of names and paths in a Pod, as the API server checks it.

use super::labels::{LONGEST_DNS_LABEL, is_dns_label, is_dns_subdomain, is_qualified_name};
use super::member::out_of_range;
use serde_json::Value;

/// The longest name of a port, as IANA registers services.
const LONGEST_PORT_NAME: usize = 15;
/// The longest key of a ConfigMap or a Secret.
const LONGEST_KEY: usize = 253;

/// A container's name, a volume's.
pub(super) fn dns_label(name: &str) -> Result<(), String> {
    if is_dns_label(name) {
        return Ok(());
    }
    Err(format!("{name:?} is not a DNS label: at most {LONGEST_DNS_LABEL} lower-case letters, digits and '-'"))
}

/// The name of most objects.
pub(super) fn dns_subdomain(name: &str) -> Result<(), String> {
    if is_dns_subdomain(name) {
        return Ok(());
    }
    Err(format!("{name:?} is not a DNS subdomain: at most 253 lower-case letters, digits, '-' and '.'"))
}

/// The key of a label or an annotation, and the name of a resource.
pub(super) fn qualified_name(name: &str) -> Result<(), String> {
    if is_qualified_name(name) {
        return Ok(());
    }
    Err(format!("{name:?} is not a qualified name: at most 63 letters, digits, '-', '_' and '.', and a prefix/ if any"))
}

/// The name of a port.
pub(super) fn port_name(name: &str) -> Result<(), String> {
    let is_allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let is_name = (1..=LONGEST_PORT_NAME).contains(&name.len())
        && name.bytes().all(is_allowed)
        && name.bytes().any(|byte| byte.is_ascii_lowercase())
        && !name.contains("--")
        && !name.starts_with('-')
        && !name.ends_with('-');
    if is_name {
        return Ok(());
    }
    Err(format!(
        "{name:?} is not a port's name: at most {LONGEST_PORT_NAME} lower-case letters, digits and single '-' \
         between them, at least one a letter"
    ))
}

/// A port by its number or its name.
pub(super) fn port(value: Option<&Value>) -> Result<(), String> {
    match value {
        None => Err(super::member::REQUIRED.to_owned()),
        Some(Value::String(name)) => port_name(name),
        Some(value) => value.as_i64().map_or(Ok(()), port_number),
    }
}

pub(super) fn port_number(number: i64) -> Result<(), String> {
    let range = 1..=65535;
    if range.contains(&number) { Ok(()) } else { Err(out_of_range(number, &range)) }
}

/// The name of an environment variable, as Kubernetes reads it since 1.30.
pub(super) fn variable_name(name: &str) -> Result<(), String> {
    if name.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b'=') {
        return Ok(());
    }
    Err(format!("{name:?} must consist of printable ASCII characters other than '='"))
}

/// A key of a ConfigMap or a Secret.
pub(super) fn data_key(key: &str) -> Result<(), String> {
    let is_key = key.len() <= LONGEST_KEY
        && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
        && key != "."
        && !key.starts_with("..");
    if is_key {
        return Ok(());
    }
    Err(format!(
        "{key:?} is not a key: at most {LONGEST_KEY} letters, digits, '-', '_' and '.', not beginning with '..'"
    ))
}

/// The name of an HTTP header.
pub(super) fn header_name(name: &str) -> Result<(), String> {
    if !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-') {
        return Ok(());
    }
    Err(format!("{name:?} must consist of letters, digits and '-'"))
}

/// A path that does not leave where it begins.
pub(super) fn path_without_backsteps(path: &str) -> Result<(), String> {
    if path.split('/').any(|part| part == "..") {
        return Err(format!("{path:?} must not contain '..'"));
    }
    Ok(())
}

/// A path within a volume.
pub(super) fn descending_path(path: &str) -> Result<(), String> {
    if path.starts_with('/') {
        return Err(format!("{path:?} must be a relative path"));
    }
    path_without_backsteps(path)
}

/// The path of a file that is projected into a volume: names that begin with `..` are the kubelet's own.
pub(super) fn projected_path(path: &str) -> Result<(), String> {
    descending_path(path)?;
    if path.starts_with("..") { Err(format!("{path:?} must not start with '..'")) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_of_ports_follow_iana() {
        for name in ["http", "a", "8-a", "abcdefghijklmno"] {
            assert_eq!(port_name(name), Ok(()), "{name}");
        }
        for name in ["", "80", "Http", "-a", "a-", "a--b", "a_b", "abcdefghijklmnop"] {
            assert!(port_name(name).unwrap_err().contains("is not a port's name"), "{name}");
        }
    }

    #[test]
    fn a_port_is_a_number_or_a_name() {
        assert_eq!(port(Some(&json!(65535))), Ok(()));
        assert_eq!(port(Some(&json!("http"))), Ok(()));
        assert_eq!(port(Some(&json!(0))), Err("0 is not between 1 and 65535".to_owned()));
        assert!(port(Some(&json!("80"))).is_err());
        assert_eq!(port(None), Err("is required".to_owned()));
    }

    #[test]
    fn a_variable_may_have_any_printable_name_without_an_equals_sign() {
        for name in ["A", "a.b", "1", "a b", "~"] {
            assert_eq!(variable_name(name), Ok(()), "{name}");
        }
        for name in ["a=b", "ä", "a\n", "\u{7f}"] {
            assert!(variable_name(name).is_err(), "{name}");
        }
    }

    #[test]
    fn keys_do_not_look_like_directories() {
        for key in ["a", "..", "...", ".", "a/b"] {
            assert_eq!(data_key(key).is_ok(), key == "a", "{key}");
        }
        assert_eq!(data_key(".a"), Ok(()));
    }

    #[test]
    fn projected_paths_stay_within_their_volume() {
        assert_eq!(projected_path("a/..b"), Ok(()));
        assert_eq!(projected_path("/a"), Err("\"/a\" must be a relative path".to_owned()));
        assert_eq!(projected_path("a/../b"), Err("\"a/../b\" must not contain '..'".to_owned()));
        assert_eq!(projected_path("..a"), Err("\"..a\" must not start with '..'".to_owned()));
    }
}
