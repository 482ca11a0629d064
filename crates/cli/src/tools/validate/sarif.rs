//! Findings in the form that tools for code review read: SARIF 2.1.0, a standard of OASIS.

use super::finding::{Finding, Rule, Severity};
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
        "artifactLocation": {"uri": finding.file},
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
