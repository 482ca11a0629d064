//! Which annotations a set may write onto Pods: the administrators of a cluster decide, not the set's author.

#[cfg(test)]
mod tests;

use super::Violations;
use crate::normalize::CanonicalSet;
use crate::pattern::{Bounds, Pattern};
use crate::selection::Selector;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, ObjectMeta};
use serde::Deserialize;
use serde_json::Value;
use sidecarset_api::markers::{CONFIGURATION, PATCH_POD_METADATA_WHITELIST};
use sidecarset_api::v1beta1::SidecarSet;
use std::collections::BTreeMap;
use std::sync::Arc;

/// How large an expression for keys may be: a ConfigMap holds no longer one.
const BOUNDS: Bounds = Bounds { length: 1024 * 1024, memory: 1024 * 1024 };

const PATH: &str = "spec.patchPodMetadata";

/// The names of the members of a white list.
const MEMBERS: [&str; 8] =
    ["rules", "selector", "allowedAnnotationKeyExprs", MATCH_LABELS, "matchExpressions", "key", "operator", "values"];
const MATCH_LABELS: &str = "matchLabels";

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

impl Default for Whitelist {
    /// Returns one without rules.
    fn default() -> Self {
        Self::read(None)
    }
}

/// What the administrators of a cluster allow.
#[derive(Debug, Default)]
pub struct Permissions {
    whitelist: Whitelist,
    without_rule: WithoutRule,
}

/// The annotations that a set may write.
enum Allowed<'a> {
    All,
    Matching(Vec<&'a Pattern>),
}

/// The annotations that some sets may write.
#[derive(Debug)]
struct Rule {
    // Without one, the rule is for every set.
    selector: Option<Selector>,
    // An expression that cannot be read concerns only the sets that the rule is for.
    keys: Vec<Result<Pattern, String>>,
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

    /// Returns one that cannot be read, for this reason: it allows nothing.
    #[must_use]
    pub fn unreadable(fault: &str) -> Self {
        Self { rules: Err(fault.to_owned()) }
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
        let allowed = match self.allowed(&labels(&set.metadata), without_rule) {
            Ok(allowed) => allowed,
            Err(fault) => return violations.add(PATH, fault),
        };
        for (at, entry) in entries.iter().enumerate() {
            for key in entry.annotations.iter().flatten().map(|(key, _)| key) {
                if !allowed.allows(key) {
                    violations.add(format!("{PATH}[{at}].annotations[{key}]"), not_allowed(key));
                }
            }
        }
    }

    fn allowed(&self, labels: &BTreeMap<String, String>, without_rule: WithoutRule) -> Result<Allowed<'_>, String> {
        let keys = self.keys(labels).map_err(|fault| format!("the white list of the cluster {fault}"))?;
        match (keys.is_empty(), without_rule) {
            (true, WithoutRule::Refuse) => Err(no_rule()),
            (true, WithoutRule::Allow) => Ok(Allowed::All),
            (false, WithoutRule::Refuse | WithoutRule::Allow) => Ok(Allowed::Matching(keys)),
        }
    }

    /// Returns the expressions of the rules for a set with these labels.
    fn keys(&self, labels: &BTreeMap<String, String>) -> Result<Vec<&Pattern>, &str> {
        let rules = self.rules.as_ref().map_err(String::as_str)?;
        let rules = rules.iter().filter(|rule| rule.selector.as_ref().is_none_or(|selector| selector.matches(labels)));
        rules.flat_map(|rule| &rule.keys).map(|key| key.as_ref().map_err(String::as_str)).collect()
    }
}

impl Allowed<'_> {
    fn allows(&self, key: &str) -> bool {
        match self {
            Self::All => true,
            // As in Kruise: an expression may match anywhere in the key.
            Self::Matching(expressions) => expressions.iter().any(|expression| expression.matches(key)),
        }
    }
}

impl Permissions {
    /// Returns those of a white list.
    #[must_use]
    pub fn new(whitelist: Whitelist, without_rule: WithoutRule) -> Self {
        Self { whitelist, without_rule }
    }

    /// Takes the place of the white list.
    pub fn set_whitelist(&mut self, whitelist: Whitelist) {
        self.whitelist = whitelist;
    }

    /// Adds each annotation that a set writes onto Pods and may not.
    pub fn check(&self, set: &SidecarSet, violations: &mut Violations) {
        self.whitelist.check(set, self.without_rule, violations);
    }

    /// Returns why a definition that is in force may not write its annotations, where it may not. It was allowed when it came into
    /// force. So a rule has to be for the set, and to leave one of its keys out: that somebody deletes the white list, or breaks
    /// it, keeps no Pod from being created.
    #[must_use]
    pub fn forbid_in_force(&self, set: &CanonicalSet) -> Option<Arc<str>> {
        let allowed = self.whitelist.allowed(&set.labels, WithoutRule::Allow).ok()?;
        forbidden(set, &allowed)
    }

    /// Returns why a definition that comes into force may not write its annotations, where it may not.
    #[must_use]
    pub fn forbid_new(&self, set: &CanonicalSet) -> Option<Arc<str>> {
        match self.whitelist.allowed(&set.labels, self.without_rule) {
            Ok(allowed) => forbidden(set, &allowed),
            Err(fault) => (!set.metadata.is_empty()).then(|| fault.into()),
        }
    }
}

fn forbidden(set: &CanonicalSet, allowed: &Allowed<'_>) -> Option<Arc<str>> {
    let keys = set.metadata.iter().map(|patch| patch.key.as_str());
    keys.into_iter().find(|key| !allowed.allows(key)).map(|key| not_allowed(key).into())
}

/// Returns the labels by which a rule finds a set.
pub(crate) fn labels(metadata: &ObjectMeta) -> BTreeMap<String, String> {
    metadata.labels.clone().unwrap_or_default()
}

fn not_allowed(key: &str) -> String {
    format!("annotation({key}) is not allowed by the white list of the cluster")
}

fn no_rule() -> String {
    format!(
        "SidecarSet patch metadata whitelist not found: no rule of {PATCH_POD_METADATA_WHITELIST} in the ConfigMap \
         {CONFIGURATION} of the operator's namespace is for this set"
    )
}

fn parse(text: &str) -> Result<Vec<Rule>, String> {
    let unreadable = |error| format!("cannot be read: {error}");
    let mut document: Value = serde_json::from_str(text).map_err(unreadable)?;
    ignore_case(&mut document);
    let document: Document = serde_json::from_value(document).map_err(unreadable)?;
    document.rules.unwrap_or_default().into_iter().enumerate().map(|(at, source)| rule(at, source)).collect()
}

/// Spells the names of members as they are asked for. As in Go: their case does not count.
fn ignore_case(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(ignore_case),
        Value::Object(members) => {
            for name in MEMBERS {
                let is_name = |key: &&String| key.eq_ignore_ascii_case(name);
                let other = members.keys().find(is_name).filter(|_| !members.contains_key(name)).cloned();
                if let Some(member) = other.and_then(|key| members.remove(&key)) {
                    members.insert(name.to_owned(), member);
                }
            }
            // Labels are no members: theirs are other names in another case.
            members.iter_mut().filter(|(key, _)| *key != MATCH_LABELS).for_each(|(_, member)| ignore_case(member));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
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

fn expression(at: usize, text: &str) -> Result<Pattern, String> {
    Pattern::parse(text, BOUNDS).map_err(|_| format!("has an expression that cannot be read: rules[{at}] {text:?}"))
}
