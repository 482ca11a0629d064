//! Which annotations a set may write onto Pods: the administrators of a cluster decide, not the set's author.

#[cfg(test)]
mod tests;

use super::Violations;
use crate::selection::Selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;
use sidecarset_api::markers::{CONFIGURATION, PATCH_POD_METADATA_WHITELIST};
use sidecarset_api::v1beta1::SidecarSet;
use std::collections::BTreeMap;

/// The memory that one expression may take.
const LARGEST_EXPRESSION: usize = 1024 * 1024;

const PATH: &str = "spec.patchPodMetadata";

/// What becomes of annotations that no rule is there for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WithoutRule {
    /// A set that has some is refused.
    #[default]
    Refuse,
    /// They are allowed.
    Allow,
}

/// The white list. There may be none.
#[derive(Debug)]
pub struct Whitelist {
    rules: Result<Vec<Rule>, String>,
}

/// The annotations that some sets may write.
#[derive(Debug)]
struct Rule {
    // Without one, the rule is for every set.
    selector: Option<Selector>,
    // An expression that cannot be read concerns only the sets that the rule is for.
    keys: Vec<Result<Regex, String>>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(default)]
    rules: Option<Vec<Source>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Source {
    #[serde(default)]
    selector: Option<LabelSelector>,
    #[serde(default)]
    allowed_annotation_key_exprs: Option<Vec<String>>,
}

impl Whitelist {
    /// Reads the white list; nothing is one without rules. One that cannot be read allows nothing.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        Self { rules: text.map_or_else(|| Ok(Vec::new()), parse) }
    }

    /// Returns what keeps it from being read.
    #[must_use]
    pub fn fault(&self) -> Option<&str> {
        self.rules.as_ref().err().map(String::as_str)
    }

    /// Adds each annotation that a set writes onto Pods and may not.
    pub fn check(&self, set: &SidecarSet, without_rule: WithoutRule, violations: &mut Violations) {
        let entries = set.spec.patch_pod_metadata.as_deref().unwrap_or_default();
        if entries.is_empty() {
            return;
        }
        let nobody = BTreeMap::new();
        let allowed = match self.keys(set.metadata.labels.as_ref().unwrap_or(&nobody)) {
            Ok(allowed) => allowed,
            Err(fault) => return violations.add(PATH, format!("the white list of the cluster {fault}")),
        };
        if allowed.is_empty() {
            if without_rule == WithoutRule::Refuse {
                violations.add(PATH, no_rule());
            }
            return;
        }
        for (at, entry) in entries.iter().enumerate() {
            for key in entry.annotations.iter().flatten().map(|(key, _)| key) {
                // As in Kruise: an expression may match anywhere in the key.
                if !allowed.iter().any(|expression| expression.is_match(key)) {
                    let message = format!("annotation({key}) is not allowed by the white list of the cluster");
                    violations.add(format!("{PATH}[{at}].annotations[{key}]"), message);
                }
            }
        }
    }

    /// Returns the expressions of the rules for a set with these labels.
    fn keys(&self, labels: &BTreeMap<String, String>) -> Result<Vec<&Regex>, &str> {
        let rules = self.rules.as_ref().map_err(String::as_str)?;
        let rules = rules.iter().filter(|rule| rule.selector.as_ref().is_none_or(|selector| selector.matches(labels)));
        rules.flat_map(|rule| &rule.keys).map(|key| key.as_ref().map_err(String::as_str)).collect()
    }
}

fn no_rule() -> String {
    format!(
        "SidecarSet patch metadata whitelist not found: no rule of {PATCH_POD_METADATA_WHITELIST} in the ConfigMap \
         {CONFIGURATION} of the operator's namespace is for this set"
    )
}

fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let document: Document = serde_json::from_str(text).map_err(|error| format!("cannot be read: {error}"))?;
    document.rules.unwrap_or_default().into_iter().enumerate().map(|(at, source)| rule(at, source)).collect()
}

fn rule(at: usize, source: Source) -> Result<Rule, String> {
    let mut faults = Violations::default();
    let parse = |selector: &LabelSelector| Selector::parse(selector, &format!("rules[{at}].selector"), &mut faults);
    let selector = source.selector.as_ref().and_then(parse);
    if !faults.is_empty() {
        // Nobody can say which sets the rule is for.
        return Err(format!("cannot be read: {faults}"));
    }
    let keys = source.allowed_annotation_key_exprs.into_iter().flatten();
    Ok(Rule { selector, keys: keys.map(|key| expression(at, &key)).collect() })
}

fn expression(at: usize, text: &str) -> Result<Regex, String> {
    let expression = RegexBuilder::new(text).size_limit(LARGEST_EXPRESSION).build();
    expression.map_err(|_| format!("has an expression that cannot be read: rules[{at}] {text:?}"))
}
