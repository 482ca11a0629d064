//! Findings in the form that tools for code review read: SARIF 2.1.0, a standard of OASIS.

use super::finding::{Finding, Rule, Severity};
use crate::tools::manifest::STANDARD_INPUT_NAME;
use serde_json::{Value, json};

/// Returns a log with one run.
pub fn log(findings: &[Finding]) -> Value {
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "sidecarset",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": Rule::ALL.map(rule),
            }},
            "results": findings.iter().map(result).collect::<Vec<_>>(),
        }],
    })
}

fn rule(rule: Rule) -> Value {
    json!({"id": rule.id(), "shortDescription": {"text": rule.description()}})
}

fn result(finding: &Finding) -> Value {
    let text = match finding.path.as_str() {
        "" => finding.message.clone(),
        path => format!("{path}: {}", finding.message),
    };
    let mut location = json!({"physicalLocation": {
        "artifactLocation": {"uri": uri(&finding.file)},
        "region": {"startLine": finding.place.line, "startColumn": finding.place.column},
    }});
    if !finding.path.is_empty() {
        location["logicalLocations"] = json!([{"fullyQualifiedName": finding.path}]);
    }
    json!({
        "ruleId": finding.rule.id(),
        "level": match finding.severity { Severity::Error => "error", Severity::Warning => "warning" },
        "message": {"text": text},
        "locations": [location],
    })
}

/// Returns what SARIF calls a file: relative to where the command ran, or absolute as the file was named.
fn uri(file: &str) -> String {
    if file == STANDARD_INPUT_NAME {
        return "stdin".to_owned();
    }
    let scheme = if file.starts_with('/') { "file://" } else { "" };
    let plain = file.strip_prefix("./").unwrap_or(file).bytes();
    let encoded = plain.map(|byte| match byte {
        b'/' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        byte if byte.is_ascii_alphanumeric() => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    scheme.chars().map(String::from).chain(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_by_a_uri() {
        assert_eq!(uri("sets/log.yaml"), "sets/log.yaml");
        assert_eq!(uri("./log.yaml"), "log.yaml");
        assert_eq!(uri("a b#1:é.yaml"), "a%20b%231%3A%C3%A9.yaml");
        assert_eq!(uri("/tmp/log.yaml"), "file:///tmp/log.yaml");
        assert_eq!(uri(STANDARD_INPUT_NAME), "stdin");
    }
}
